// A socket address as the configuration gives it: plain data.
#ifndef SLUICE_CONFIG_ADDRESS_H_
#define SLUICE_CONFIG_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::config {

// One resolved socket address. Compares by `text`, which is canonical.
struct Address {
  sockaddr_storage storage = {};
  socklen_t storage_len = 0;
  // As nginx prints it in logs: "127.0.0.1:12345", "[::1]:12345", "unix:/run/x.sock".
  std::string text;

  int family() const { return storage.ss_family; }
  const sockaddr* sockaddr_ptr() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool operator==(const Address& other) const { return text == other.text; }
};

// Builds an Address from what the kernel filled in (getpeername, accept).
// An unnamed AF_UNIX peer prints as "unix:". Never fails: an unknown family prints as "unknown".
Address AddressFromSockaddr(const sockaddr* address, socklen_t len);

// The address without its port, IPv6 without brackets, as nginx logs a client. The whole text where
// there is no port.
std::string_view HostText(const Address& address);

// The port; empty where there is none.
std::string_view PortText(const Address& address);

// The bytes of an IP address, 4 or 16, in network order; empty for others. Valid as long as
// `address`.
std::string_view IpBytes(const Address& address);

// Whether it stands for every address of the machine: 0.0.0.0 or [::].
bool IsWildcard(const Address& address);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_ADDRESS_H_
