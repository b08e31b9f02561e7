// Which TLV of a PROXY protocol header $proxy_protocol_tlv_NAME means.
#ifndef SLUICE_CONFIG_TLV_H_
#define SLUICE_CONFIG_TLV_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::config {

// Numbers of HAProxy's proxy-protocol.txt, section 2.2.
struct Tlv {
  enum class Place : uint8_t {
    kTop,        // Behind the addresses.
    kInSsl,      // Inside PP2_TYPE_SSL.
    kSslVerify,  // The field `verify` of PP2_TYPE_SSL; it has no type.
  };
  Place place = Place::kTop;
  uint8_t type = 0;
};

// nginx's names: a number such as "0x05", or alpn, authority, unique_id, ssl, netns, ssl_version,
// ssl_cn, ssl_cipher, ssl_sig_alg, ssl_key_alg, ssl_verify. None for others.
std::optional<Tlv> ParseTlvName(std::string_view name);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TLV_H_
