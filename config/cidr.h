// Sets of addresses, as set_real_ip_from takes them.
#ifndef SLUICE_CONFIG_CIDR_H_
#define SLUICE_CONFIG_CIDR_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "config/address.h"

namespace sluice::config {

// All addresses of one family that begin with the same bits; for AF_UNIX all there are.
struct Cidr {
  int family = 0;
  std::array<uint8_t, 16> ip = {};  // IPv4: the first 4. Bits behind the prefix are 0.
  int prefix_bits = 0;
  std::string text;  // As it was written.

  // An IPv4 client of an IPv6 socket (::ffff:192.0.2.1) counts as IPv4.
  bool Contains(const Address& address) const;
};

// IPV4, IPV6, IPV4/BITS, IPV6/BITS or "unix:". `*has_host_bits`: bits behind the prefix were set,
// which mean nothing. Fails with nginx's "invalid network".
absl::StatusOr<Cidr> ParseCidr(std::string_view text, bool* has_host_bits);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_CIDR_H_
