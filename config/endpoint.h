// Where to listen or connect, as a configuration writes it, before any name is resolved.
#ifndef SLUICE_CONFIG_ENDPOINT_H_
#define SLUICE_CONFIG_ENDPOINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "config/address.h"

namespace sluice::config {

struct Endpoint {
  enum class Kind : uint8_t {
    kUnix,  // `host` is the path.
    kIp,    // `host` is an IPv4 or IPv6 literal, without brackets.
    kName,  // `host` is to be resolved.
  };
  Kind kind = Kind::kName;
  std::string host;
  // Both 0: none was given. A range only for ParseListen.
  int first_port = 0;
  int last_port = 0;

  bool has_port() const { return first_port != 0; }
};

// HOST, HOST:PORT, IPV4[:PORT], [IPV6][:PORT] or unix:PATH. The message of a failure is nginx's:
// "invalid port", "no host", "invalid host", "no path in the unix domain socket",
// "too long path in the unix domain socket"; or sluice's: "invalid IPv6 address", "invalid IPv4
// address" for a host of digits and dots that is none, which a resolver would complete (1.2.3 to
// 1.2.0.3), and "remove the scheme "http://"".
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text);

// As ParseEndpoint, and PORT alone (every IPv4 address), *:PORT, and FIRST-LAST for a port. Fails
// with "no port" if there is none.
absl::StatusOr<Endpoint> ParseListen(std::string_view text);

// IPV4[:PORT] or IPV6 or [IPV6][:PORT]; nothing else.
std::optional<Address> ParseIpAddress(std::string_view text);

// The address of an endpoint of kind kIp, with `port` (0 to 65535).
Address IpAddress(const std::string& ip, int port);
// The address of an endpoint of kind kUnix.
Address UnixAddress(const std::string& path);
// `address` with another port; an AF_UNIX address as it is.
Address WithPort(const Address& address, int port);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_ENDPOINT_H_
