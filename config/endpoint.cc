#include "config/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "config/value.h"

namespace sluice::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr int kPortMax = 65'535;

bool IsIp(int family, const std::string& host) {
  in6_addr buffer;  // The larger of the two.
  return inet_pton(family, host.c_str(), &buffer) == 1;
}

// "http://" of "http://host:80"; empty if there is none.
std::string_view SchemeOf(std::string_view text) {
  const size_t num_letters =
      std::find_if_not(text.begin(), text.end(), absl::ascii_isalpha) - text.begin();
  const bool has_scheme = num_letters > 0 && text.substr(num_letters).starts_with("://");
  return has_scheme ? text.substr(0, num_letters + 3) : std::string_view();
}

absl::StatusOr<Endpoint> ParseUnix(std::string_view path) {
  if (path.empty()) return absl::InvalidArgumentError("no path in the unix domain socket");
  // One byte is the terminating NUL.
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError("too long path in the unix domain socket");
  }
  return Endpoint{.kind = Endpoint::Kind::kUnix, .host = std::string(path)};
}

absl::Status ParsePort(std::string_view text, bool allow_range, Endpoint* endpoint) {
  const size_t dash = allow_range ? text.find('-') : std::string_view::npos;
  const std::optional<int64_t> first = ParseNumber(text.substr(0, dash), 1, kPortMax);
  const std::optional<int64_t> last =
      dash == std::string_view::npos ? first : ParseNumber(text.substr(dash + 1), 1, kPortMax);
  if (!first.has_value() || !last.has_value()) return absl::InvalidArgumentError("invalid port");
  if (*last < *first) return absl::InvalidArgumentError("invalid port range");
  endpoint->first_port = static_cast<int>(*first);
  endpoint->last_port = static_cast<int>(*last);
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> ParseHostAndPort(std::string_view text, bool allow_range) {
  if (text.starts_with(kUnixPrefix)) return ParseUnix(text.substr(kUnixPrefix.size()));
  if (const std::string_view scheme = SchemeOf(text); !scheme.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("remove the scheme \"", scheme, "\""));
  }
  Endpoint endpoint;
  std::string_view rest;  // ":PORT" or nothing.
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return absl::InvalidArgumentError("invalid host");
    endpoint.host = std::string(text.substr(1, close - 1));
    if (!IsIp(AF_INET6, endpoint.host)) return absl::InvalidArgumentError("invalid IPv6 address");
    endpoint.kind = Endpoint::Kind::kIp;
    rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return absl::InvalidArgumentError("invalid host");
  } else {
    const size_t colon = text.find(':');
    endpoint.host = std::string(text.substr(0, colon));
    if (colon != std::string_view::npos) rest = text.substr(colon);
    if (endpoint.host.empty()) return absl::InvalidArgumentError("no host");
    if (endpoint.host.find('/') != std::string::npos) {
      return absl::InvalidArgumentError("invalid host");
    }
    endpoint.kind = IsIp(AF_INET, endpoint.host) ? Endpoint::Kind::kIp : Endpoint::Kind::kName;
    if (endpoint.kind == Endpoint::Kind::kName &&
        endpoint.host.find_first_not_of("0123456789.") == std::string::npos) {
      return absl::InvalidArgumentError("invalid IPv4 address");
    }
  }
  if (!rest.empty()) {
    absl::Status port = ParsePort(rest.substr(1), allow_range, &endpoint);
    if (!port.ok()) return port;
  }
  return endpoint;
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text) {
  return ParseHostAndPort(text, /*allow_range=*/false);
}

absl::StatusOr<Endpoint> ParseListen(std::string_view text) {
  const bool only_port = !text.empty() && text.find_first_not_of("0123456789-") == text.npos;
  if (only_port) {
    Endpoint any{.kind = Endpoint::Kind::kIp, .host = "0.0.0.0"};
    absl::Status port = ParsePort(text, /*allow_range=*/true, &any);
    if (!port.ok()) return port;
    return any;
  }
  absl::StatusOr<Endpoint> endpoint = ParseHostAndPort(text, /*allow_range=*/true);
  if (!endpoint.ok()) return endpoint;
  if (endpoint->kind != Endpoint::Kind::kUnix && !endpoint->has_port()) {
    return absl::InvalidArgumentError("no port");
  }
  if (endpoint->kind == Endpoint::Kind::kName && endpoint->host == "*") {
    endpoint->kind = Endpoint::Kind::kIp;
    endpoint->host = "0.0.0.0";
  }
  return endpoint;
}

std::optional<Address> ParseIpAddress(std::string_view text) {
  if (IsIp(AF_INET6, std::string(text))) return IpAddress(std::string(text), 0);
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text);
  if (!endpoint.ok() || endpoint->kind != Endpoint::Kind::kIp) return std::nullopt;
  return IpAddress(endpoint->host, endpoint->first_port);
}

Address IpAddress(const std::string& ip, int port) {
  sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(port))};
  if (inet_pton(AF_INET, ip.c_str(), &ip4.sin_addr) == 1) {
    return AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&ip4), sizeof(ip4));
  }
  sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_port = htons(static_cast<uint16_t>(port))};
  inet_pton(AF_INET6, ip.c_str(), &ip6.sin6_addr);
  return AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&ip6), sizeof(ip6));
}

Address UnixAddress(const std::string& path) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  // ParseEndpoint has seen to it that the path fits with its NUL.
  memcpy(address.sun_path, path.data(), path.size());
  const size_t len = offsetof(sockaddr_un, sun_path) + path.size() + 1;
  return AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address),
                             static_cast<socklen_t>(len));
}

Address WithPort(const Address& address, int port) {
  Address changed = address;
  if (address.family() == AF_INET) {
    reinterpret_cast<sockaddr_in&>(changed.storage).sin_port = htons(static_cast<uint16_t>(port));
  } else if (address.family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(changed.storage).sin6_port = htons(static_cast<uint16_t>(port));
  }
  return AddressFromSockaddr(changed.sockaddr_ptr(), changed.storage_len);
}

}  // namespace sluice::config
