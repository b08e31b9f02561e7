#include "engine/balance/weight_table.h"

#include <algorithm>

namespace sluice::engine {

int WeightTable::PeerAt(int64_t offset) const {
  return std::upper_bound(entries_.begin(), entries_.end(), offset,
                          [](int64_t offset, const Entry& entry) { return offset < entry.end; })
      ->peer;
}

}  // namespace sluice::engine
