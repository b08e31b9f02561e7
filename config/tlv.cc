#include "config/tlv.h"

#include "absl/strings/numbers.h"

namespace sluice::config {
namespace {

using Place = Tlv::Place;

struct NamedTlv {
  std::string_view name;
  Tlv tlv;
};

constexpr NamedTlv kNamed[] = {
    {"alpn", {Place::kTop, 0x01}},          {"authority", {Place::kTop, 0x02}},
    {"unique_id", {Place::kTop, 0x05}},     {"ssl", {Place::kTop, 0x20}},
    {"netns", {Place::kTop, 0x30}},         {"ssl_version", {Place::kInSsl, 0x21}},
    {"ssl_cn", {Place::kInSsl, 0x22}},      {"ssl_cipher", {Place::kInSsl, 0x23}},
    {"ssl_sig_alg", {Place::kInSsl, 0x24}}, {"ssl_key_alg", {Place::kInSsl, 0x25}},
    {"ssl_verify", {Place::kSslVerify, 0}},
};

}  // namespace

std::optional<Tlv> ParseTlvName(std::string_view name) {
  for (const NamedTlv& known : kNamed) {
    if (known.name == name) return known.tlv;
  }
  uint32_t type;
  if (!name.starts_with("0x") || name.size() > 4 || !absl::SimpleHexAtoi(name, &type)) {
    return std::nullopt;
  }
  return Tlv{.place = Place::kTop, .type = static_cast<uint8_t>(type)};
}

}  // namespace sluice::config
