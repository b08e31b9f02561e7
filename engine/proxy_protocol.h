// The PROXY protocol: whom a load balancer in front of us speaks for, and whom we speak for.
//
// The format is HAProxy's proxy-protocol.txt; what is tolerated is what nginx tolerates. Pure: it
// knows no socket.
#ifndef SLUICE_ENGINE_PROXY_PROTOCOL_H_
#define SLUICE_ENGINE_PROXY_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/address.h"
#include "config/tlv.h"

namespace sluice::engine {

// The longest header that is read, TLVs included: nginx's bound (NGX_PROXY_PROTOCOL_MAX_HEADER).
// A v1 header has 107 bytes at most.
inline constexpr size_t kProxyHeaderBytesMax = 4096;

struct ProxyHeader {
  // Absent where it speaks for nobody: "UNKNOWN", LOCAL, or a family that is neither IPv4 nor IPv6.
  // Then the addresses of the connection itself count.
  std::optional<config::Address> source;
  std::optional<config::Address> destination;
  // Version 2: what stands behind the addresses, not looked at yet.
  std::string tlvs;
};

struct ProxyHeaderResult {
  enum class State : uint8_t { kComplete, kIncomplete, kInvalid };
  State state = State::kInvalid;
  ProxyHeader header;      // kComplete only.
  size_t num_bytes = 0;    // kComplete only: what it takes.
  std::string_view error;  // kInvalid only: why, in static storage.
};

// Reads the header at the start of `bytes`. kIncomplete: with what has come it can still become
// one. Never reads more than kProxyHeaderBytesMax.
ProxyHeaderResult ReadProxyHeader(std::span<const uint8_t> bytes);

// The value of a TLV, or none. TLVs that are cut off are not there. `verify` of PP2_TYPE_SSL is
// written as a number.
std::optional<std::string> FindTlv(std::string_view tlvs, config::Tlv wanted);

// A header of version 1 or 2 for a connection from `source` to `destination`. Addresses of two
// families are both written as IPv6 (RFC 4291 2.5.5.2); where one is no IP address, as "UNKNOWN" or
// LOCAL.
std::string WriteProxyHeader(int version, const config::Address& source,
                             const config::Address& destination);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROXY_PROTOCOL_H_
