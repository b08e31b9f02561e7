#include "engine/balance/hash.h"

#include "absl/strings/str_cat.h"
#include "engine/balance/crc32.h"

namespace sluice::engine {

uint32_t MemcachedHash(int rehash, std::string_view key) {
  uint32_t crc = 0;
  if (rehash > 0) crc = Crc32(crc, absl::AlphaNum(rehash).Piece());
  return (Crc32(crc, key) >> 16) & 0x7fff;
}

}  // namespace sluice::engine
