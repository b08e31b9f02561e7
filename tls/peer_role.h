// Who is at the other end: decides which usages its certificate needs, and the words of messages.
#ifndef SLUICE_TLS_PEER_ROLE_H_
#define SLUICE_TLS_PEER_ROLE_H_

#include <cstdint>
#include <string_view>

namespace sluice::tls {

enum class PeerRole : uint8_t {
  kUpstream,  // A server, to which we are the client.
  kClient,
};

constexpr std::string_view PeerRoleName(PeerRole role) {
  return role == PeerRole::kUpstream ? "upstream" : "client";
}

// What the names of its directives begin with.
constexpr std::string_view DirectivePrefix(PeerRole role) {
  return role == PeerRole::kUpstream ? "proxy_ssl_" : "ssl_";
}

}  // namespace sluice::tls

#endif  // SLUICE_TLS_PEER_ROLE_H_
