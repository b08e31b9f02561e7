// CRC-32 as gzip has it (polynomial 0xEDB88320, reflected): what hash places keys by.
#ifndef SLUICE_ENGINE_BALANCE_CRC32_H_
#define SLUICE_ENGINE_BALANCE_CRC32_H_

#include <zlib.h>

#include <cstdint>
#include <string_view>

namespace sluice::engine {

// Of `bytes` behind those that came to `before`; 0: behind nothing.
inline uint32_t Crc32(uint32_t before, std::string_view bytes) {
  // Asked without a place in memory, zlib forgets what came before (zlib.h, crc32).
  if (bytes.empty()) return before;
  return static_cast<uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_CRC32_H_
