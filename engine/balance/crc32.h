// CRC-32 as zlib has it (polynomial 0xEDB88320, reflected): what hash places keys by.
#ifndef SLUICE_ENGINE_BALANCE_CRC32_H_
#define SLUICE_ENGINE_BALANCE_CRC32_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::engine {

// Of all bytes given so far. A copy goes on from the same bytes.
class Crc32 {
 public:
  void Update(std::string_view bytes) {
    for (const char byte : bytes) {
      rest_ = kTable[(rest_ ^ static_cast<uint8_t>(byte)) & 0xff] ^ (rest_ >> 8);
    }
  }
  uint32_t value() const { return ~rest_; }

 private:
  // What each byte comes to when it is shifted out.
  static constexpr std::array<uint32_t, 256> kTable = [] {
    std::array<uint32_t, 256> table = {};
    for (uint32_t byte = 0; byte < table.size(); ++byte) {
      uint32_t rest = byte;
      for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ (rest & 1 ? 0xedb88320u : 0);
      table[byte] = rest;
    }
    return table;
  }();

  uint32_t rest_ = 0xffffffff;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_CRC32_H_
