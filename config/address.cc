#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

std::string IpText(int family, const void* ip) {
  char buffer[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, ip, buffer, sizeof(buffer));
  return buffer;
}

std::string UnixText(const sockaddr_un& address, socklen_t len) {
  constexpr socklen_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (len <= kPathOffset) return "unix:";
  const size_t path_len = std::min<size_t>(len - kPathOffset, sizeof(address.sun_path));
  if (address.sun_path[0] == '\0') {
    // An abstract name: Linux counts its length, nothing terminates it (unix(7)).
    return absl::StrCat("unix:@", std::string_view(address.sun_path + 1, path_len - 1));
  }
  return absl::StrCat("unix:",
                      std::string_view(address.sun_path, strnlen(address.sun_path, path_len)));
}

}  // namespace

std::string_view HostText(const Address& address) {
  std::string_view text = address.text;
  if (address.family() != AF_INET && address.family() != AF_INET6) return text;
  text = text.substr(0, text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return text;
}

std::string_view IpBytes(const Address& address) {
  if (address.family() == AF_INET) {
    const in_addr& ip = reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr;
    return {reinterpret_cast<const char*>(&ip), sizeof(ip)};
  }
  if (address.family() == AF_INET6) {
    const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr;
    return {reinterpret_cast<const char*>(&ip), sizeof(ip)};
  }
  return {};
}

bool IsWildcard(const Address& address) {
  const std::string_view ip = IpBytes(address);
  return !ip.empty() && ip.find_first_not_of('\0') == ip.npos;
}

std::string_view PortText(const Address& address) {
  if (address.family() != AF_INET && address.family() != AF_INET6) return {};
  return std::string_view(address.text).substr(address.text.rfind(':') + 1);
}

Address AddressFromSockaddr(const sockaddr* address, socklen_t len) {
  Address result;
  result.storage_len = std::min<socklen_t>(len, sizeof(result.storage));
  memcpy(&result.storage, address, result.storage_len);
  switch (result.family()) {
    case AF_INET: {
      const auto& ip4 = reinterpret_cast<const sockaddr_in&>(result.storage);
      result.text = absl::StrCat(IpText(AF_INET, &ip4.sin_addr), ":", ntohs(ip4.sin_port));
      break;
    }
    case AF_INET6: {
      const auto& ip6 = reinterpret_cast<const sockaddr_in6&>(result.storage);
      result.text = absl::StrCat("[", IpText(AF_INET6, &ip6.sin6_addr), "]:", ntohs(ip6.sin6_port));
      break;
    }
    case AF_UNIX:
      result.text =
          UnixText(reinterpret_cast<const sockaddr_un&>(result.storage), result.storage_len);
      break;
    default:
      result.text = "unknown";
  }
  return result;
}

}  // namespace sluice::config
