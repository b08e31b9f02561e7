#include "tests/hostile/wire.h"

#include "absl/strings/str_cat.h"

namespace sluice::testing {
namespace {

std::string BigEndian(uint32_t value, int num_bytes) {
  std::string bytes;
  for (int i = num_bytes - 1; i >= 0; --i) {
    bytes.push_back(static_cast<char>(value >> (8 * i)));
  }
  return bytes;
}

}  // namespace

std::string U8(uint8_t value) { return BigEndian(value, 1); }
std::string U16(uint16_t value) { return BigEndian(value, 2); }
std::string U24(uint32_t value) { return BigEndian(value, 3); }
std::string U32(uint32_t value) { return BigEndian(value, 4); }

std::string Vector8(std::string_view body) { return absl::StrCat(U8(body.size()), body); }
std::string Vector16(std::string_view body) { return absl::StrCat(U16(body.size()), body); }
std::string Vector24(std::string_view body) { return absl::StrCat(U24(body.size()), body); }

std::string Record(uint8_t content_type, std::string_view body, uint16_t version) {
  return absl::StrCat(RecordHeader(content_type, body.size(), version), body);
}

std::string RecordHeader(uint8_t content_type, uint16_t length, uint16_t version) {
  return absl::StrCat(U8(content_type), U16(version), U16(length));
}

std::string Message(uint8_t handshake_type, std::string_view body) {
  return absl::StrCat(U8(handshake_type), Vector24(body));
}

std::string Extension(uint16_t extension_type, std::string_view body) {
  return absl::StrCat(U16(extension_type), Vector16(body));
}

std::string AlertBody(AlertLevel level, AlertDescription description) {
  return absl::StrCat(U8(level), U8(description));
}

}  // namespace sluice::testing
