#include "tests/hostile/client_hello.h"

#include <openssl/bytestring.h>

#include "tests/hostile/wire.h"

namespace sluice::testing {
namespace {

CBS Cbs(std::string_view bytes) {
  CBS cbs;
  CBS_init(&cbs, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return cbs;
}

std::string Text(const CBS& cbs) {
  return std::string(reinterpret_cast<const char*>(CBS_data(&cbs)), CBS_len(&cbs));
}

}  // namespace

std::optional<ClientHello> ParseClientHello(std::string_view message) {
  constexpr uint8_t kClientHello = 1;
  constexpr size_t kRandomBytes = 32;
  CBS cbs = Cbs(message);
  CBS body, random, session_id, ciphers, compressions, extensions;
  uint8_t type;
  uint16_t version;
  if (!CBS_get_u8(&cbs, &type) || type != kClientHello ||
      !CBS_get_u24_length_prefixed(&cbs, &body) || !CBS_get_u16(&body, &version) ||
      !CBS_get_bytes(&body, &random, kRandomBytes) ||
      !CBS_get_u8_length_prefixed(&body, &session_id) ||
      !CBS_get_u16_length_prefixed(&body, &ciphers) ||
      !CBS_get_u8_length_prefixed(&body, &compressions) ||
      !CBS_get_u16_length_prefixed(&body, &extensions)) {
    return {};
  }
  ClientHello hello = {
      .message = std::string(message), .random = Text(random), .session_id = Text(session_id)};
  while (CBS_len(&extensions) > 0) {
    uint16_t extension_type;
    CBS extension;
    if (!CBS_get_u16(&extensions, &extension_type) ||
        !CBS_get_u16_length_prefixed(&extensions, &extension)) {
      return {};
    }
    hello.extensions[extension_type] = Text(extension);
  }
  return hello;
}

std::string ClientHello::X25519Share() const {
  const auto key_share = extensions.find(kKeyShare);
  if (key_share == extensions.end()) return "";
  CBS cbs = Cbs(key_share->second);
  CBS shares;
  if (!CBS_get_u16_length_prefixed(&cbs, &shares)) return "";
  while (CBS_len(&shares) > 0) {
    uint16_t group;
    CBS share;
    if (!CBS_get_u16(&shares, &group) || !CBS_get_u16_length_prefixed(&shares, &share)) return "";
    if (group == kX25519) return Text(share);
  }
  return "";
}

}  // namespace sluice::testing
