// The name an upstream is known by in TLS.
#ifndef SLUICE_TLS_PEER_NAME_H_
#define SLUICE_TLS_PEER_NAME_H_

#include <string>
#include <string_view>

namespace sluice::tls {

struct PeerName {
  std::string text;
  // An IPv4 or IPv6 literal: matched against the IP addresses of a certificate and never sent as
  // SNI (RFC 6066 3).
  bool is_ip = false;
};

// Takes the brackets off an IPv6 literal and one trailing dot off a host name: neither stands in
// a certificate or in SNI (RFC 6066 3).
PeerName ParsePeerName(std::string_view name);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_PEER_NAME_H_
