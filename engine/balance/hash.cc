#include "engine/balance/hash.h"

#include "absl/strings/str_cat.h"
#include "engine/balance/crc32.h"

namespace sluice::engine {

uint32_t MemcachedHash(int rehash, std::string_view key) {
  Crc32 crc;
  if (rehash > 0) crc.Update(absl::AlphaNum(rehash).Piece());
  crc.Update(key);
  return (crc.value() >> 16) & 0x7fff;
}

}  // namespace sluice::engine
