#include "tls/client_hello.h"

#include <openssl/bytestring.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <vector>

namespace sluice::tls {
namespace {

// What BoringSSL takes at most of a ClientHello (ssl_max_handshake_message_len).
constexpr size_t kMessageBytesMax = 16384;
constexpr uint8_t kHandshakeRecord = 22;  // RFC 8446 5.1.
constexpr uint8_t kClientHello = 1;       // RFC 8446 4.
constexpr size_t kMessageHeaderBytes = 4;
constexpr uint8_t kHostName = 0;  // RFC 6066 3.

// The body of the ClientHello, whose extensions are in `extensions` then.
bool ReadExtensions(CBS body, CBS* extensions) {
  CBS session_id, ciphers, compressions;
  uint16_t version;
  return CBS_get_u16(&body, &version) == 1 && CBS_skip(&body, SSL3_RANDOM_SIZE) == 1 &&
         CBS_get_u8_length_prefixed(&body, &session_id) == 1 &&
         CBS_get_u16_length_prefixed(&body, &ciphers) == 1 &&
         CBS_get_u8_length_prefixed(&body, &compressions) == 1 &&
         CBS_get_u16_length_prefixed(&body, extensions) == 1;
}

std::string NameIn(CBS extensions) {
  uint16_t type;
  CBS contents;
  while (CBS_get_u16(&extensions, &type) == 1 &&
         CBS_get_u16_length_prefixed(&extensions, &contents) == 1) {
    if (type != TLSEXT_TYPE_server_name) continue;
    CBS list, name;
    uint8_t name_type;
    if (CBS_get_u16_length_prefixed(&contents, &list) != 1 || CBS_get_u8(&list, &name_type) != 1 ||
        name_type != kHostName || CBS_get_u16_length_prefixed(&list, &name) != 1) {
      return "";
    }
    return {reinterpret_cast<const char*>(CBS_data(&name)), CBS_len(&name)};
  }
  return "";
}

}  // namespace

std::optional<std::string> FindServerName(std::span<const uint8_t> bytes) {
  CBS records;
  CBS_init(&records, bytes.data(), bytes.size());
  std::vector<uint8_t> message;
  while (CBS_len(&records) > 0) {
    if (CBS_data(&records)[0] != kHandshakeRecord) return "";
    uint8_t type;
    uint16_t version;
    uint16_t body_bytes;
    if (CBS_get_u8(&records, &type) != 1 || CBS_get_u16(&records, &version) != 1 ||
        CBS_get_u16(&records, &body_bytes) != 1) {
      return std::nullopt;
    }
    if (version >> 8 != SSL3_VERSION_MAJOR || body_bytes == 0 ||
        body_bytes > SSL3_RT_MAX_PLAIN_LENGTH) {
      return "";
    }
    const size_t here = std::min<size_t>(body_bytes, CBS_len(&records));
    message.insert(message.end(), CBS_data(&records), CBS_data(&records) + here);
    CBS_skip(&records, here);
    if (!message.empty() && message[0] != kClientHello) return "";
    if (message.size() < kMessageHeaderBytes) {
      if (here < body_bytes) return std::nullopt;
      continue;
    }
    CBS header, body, extensions;
    uint32_t message_bytes;
    CBS_init(&header, message.data(), message.size());
    CBS_skip(&header, 1);
    CBS_get_u24(&header, &message_bytes);
    if (message_bytes > kMessageBytesMax) return "";
    if (CBS_get_bytes(&header, &body, message_bytes) == 1) {
      return ReadExtensions(body, &extensions) ? NameIn(extensions) : "";
    }
    if (here < body_bytes) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace sluice::tls
