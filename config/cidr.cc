#include "config/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/strip.h"
#include "config/value.h"

namespace sluice::config {
namespace {

constexpr size_t kIp4Bytes = 4;
constexpr size_t kIp6Bytes = 16;

// ::ffff:0:0/96 (RFC 4291 2.5.5.2).
constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

// The first `bits` of both are equal.
bool SamePrefix(const uint8_t* a, const uint8_t* b, int bits) {
  const int whole = bits / 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  const int rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

// Clears the bits behind the first `bits`. True if any was set.
bool ClearHostBits(std::array<uint8_t, 16>& ip, int bits) {
  const auto before = ip;
  if (bits % 8 != 0) ip[bits / 8] &= static_cast<uint8_t>(0xff << (8 - bits % 8));
  std::fill(ip.begin() + (bits + 7) / 8, ip.end(), 0);
  return ip != before;
}

}  // namespace

bool Cidr::Contains(const Address& address) const {
  if (family == AF_UNIX || address.family() == AF_UNIX) return family == address.family();
  std::string_view bytes = IpBytes(address);
  const bool is_mapped = family == AF_INET && absl::ConsumePrefix(&bytes, kMappedPrefix);
  if (!is_mapped && family != address.family()) return false;
  return SamePrefix(ip.data(), reinterpret_cast<const uint8_t*>(bytes.data()), prefix_bits);
}

absl::StatusOr<Cidr> ParseCidr(std::string_view text, bool* has_host_bits) {
  *has_host_bits = false;
  Cidr cidr;
  cidr.text = text;
  if (text == "unix:") {
    cidr.family = AF_UNIX;
    return cidr;
  }
  const size_t slash = text.find('/');
  const std::string ip(text.substr(0, slash));
  size_t num_bytes = kIp4Bytes;
  if (inet_pton(AF_INET, ip.c_str(), cidr.ip.data()) == 1) {
    cidr.family = AF_INET;
  } else if (inet_pton(AF_INET6, ip.c_str(), cidr.ip.data()) == 1) {
    cidr.family = AF_INET6;
    num_bytes = kIp6Bytes;
  } else {
    return absl::InvalidArgumentError("invalid network");
  }
  cidr.prefix_bits = static_cast<int>(num_bytes) * 8;
  if (slash != std::string_view::npos) {
    const std::optional<int64_t> bits = ParseNumber(text.substr(slash + 1), 0, cidr.prefix_bits);
    if (!bits.has_value()) return absl::InvalidArgumentError("invalid network");
    cidr.prefix_bits = static_cast<int>(*bits);
  }
  *has_host_bits = ClearHostBits(cidr.ip, cidr.prefix_bits);
  return cidr;
}

}  // namespace sluice::config
