#include "engine/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sluice::engine {
namespace {

using State = ProxyHeaderResult::State;

constexpr std::string_view kV1Start = "PROXY ";
// Section 2.1: the longest line, with its CRLF.
constexpr size_t kV1BytesMax = 107;
constexpr std::string_view kV2Start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kV2FixedBytes = 16;

ProxyHeaderResult Invalid(std::string_view error) {
  return {.state = State::kInvalid, .error = error};
}

uint16_t BigEndian16(std::string_view bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

config::Address Ip4Address(const void* ip, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  std::memcpy(&address.sin_addr, ip, sizeof(address.sin_addr));
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

config::Address Ip6Address(const void* ip, uint16_t port) {
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(&address.sin6_addr, ip, sizeof(address.sin6_addr));
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// --- Version 1 -----------------------------------------------------------------------------------

std::optional<config::Address> ParseV1Address(int family, std::string_view ip,
                                              std::string_view port) {
  uint8_t bytes[16];
  int number;
  // Digits only: SimpleAtoi takes blanks and signs, too.
  if (port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(port, &number) || number > 65535 ||
      inet_pton(family, std::string(ip).c_str(), bytes) != 1) {
    return std::nullopt;
  }
  const auto port16 = static_cast<uint16_t>(number);
  return family == AF_INET ? Ip4Address(bytes, port16) : Ip6Address(bytes, port16);
}

ProxyHeaderResult ReadV1(std::string_view text) {
  const std::string_view line = text.substr(0, kV1BytesMax);
  const size_t end = line.find("\r\n");
  // Never a part of a header but where whatever comes is to be ignored (section 2.1). Looked for
  // even if there is an end behind it: that may come later.
  if (line.substr(0, end).find('\n') != std::string_view::npos &&
      !line.substr(kV1Start.size()).starts_with("UNKNOWN ")) {
    return Invalid("a line feed without CR");
  }
  if (end == std::string_view::npos) {
    return text.size() < kV1BytesMax ? ProxyHeaderResult{.state = State::kIncomplete}
                                     : Invalid("no end of line within 107 bytes");
  }
  ProxyHeaderResult result = {.state = State::kComplete, .num_bytes = end + 2};
  const std::vector<std::string_view> words =
      absl::StrSplit(text.substr(kV1Start.size(), end - kV1Start.size()), ' ');
  // Whatever follows is to be ignored (section 2.1).
  if (words[0] == "UNKNOWN") return result;
  const int family = words[0] == "TCP4" ? AF_INET : words[0] == "TCP6" ? AF_INET6 : AF_UNSPEC;
  if (family == AF_UNSPEC) return Invalid("neither TCP4, TCP6 nor UNKNOWN");
  if (words.size() != 5) return Invalid("not two addresses and two ports");
  result.header.source = ParseV1Address(family, words[1], words[3]);
  result.header.destination = ParseV1Address(family, words[2], words[4]);
  if (!result.header.source.has_value() || !result.header.destination.has_value()) {
    return Invalid("a bad address or port");
  }
  return result;
}

// --- Version 2 -----------------------------------------------------------------------------------

// Fills in the addresses that stand at the start of `body`, and the TLVs behind them. False: there
// is no room for them.
bool ReadV2Body(uint8_t family, std::string_view body, ProxyHeader& header) {
  // Section 2.2: two addresses, two ports.
  const size_t ip_bytes = family == 1 ? 4 : 16;
  const size_t num_bytes = 2 * ip_bytes + 4;
  if (body.size() < num_bytes) return false;
  const char* const source = body.data();
  const char* const destination = source + ip_bytes;
  const uint16_t source_port = BigEndian16(body.substr(2 * ip_bytes));
  const uint16_t destination_port = BigEndian16(body.substr(2 * ip_bytes + 2));
  if (family == 1) {
    header.source = Ip4Address(source, source_port);
    header.destination = Ip4Address(destination, destination_port);
  } else {
    header.source = Ip6Address(source, source_port);
    header.destination = Ip6Address(destination, destination_port);
  }
  header.tlvs = body.substr(num_bytes);
  return true;
}

ProxyHeaderResult ReadV2(std::string_view bytes) {
  if (bytes.size() < kV2FixedBytes) return {.state = State::kIncomplete};
  const auto version_command = static_cast<uint8_t>(bytes[12]);
  const auto family_transport = static_cast<uint8_t>(bytes[13]);
  if (version_command >> 4 != 2) return Invalid("unknown version");
  const size_t num_bytes = kV2FixedBytes + BigEndian16(bytes.substr(14));
  if (num_bytes > kProxyHeaderBytesMax) return Invalid("longer than 4096 bytes");
  if (bytes.size() < num_bytes) return {.state = State::kIncomplete};
  ProxyHeaderResult result = {.state = State::kComplete, .num_bytes = num_bytes};
  // LOCAL, commands and transports that we do not know: the connection speaks for itself.
  const int command = version_command & 0xf;
  const int transport = family_transport & 0xf;
  const auto family = static_cast<uint8_t>(family_transport >> 4);
  if (command != 1 || transport != 1 || (family != 1 && family != 2)) return result;
  if (!ReadV2Body(family, bytes.substr(kV2FixedBytes, num_bytes - kV2FixedBytes), result.header)) {
    return Invalid("no room for its addresses");
  }
  return result;
}

// --- TLVs ----------------------------------------------------------------------------------------

constexpr uint8_t kTlvSsl = 0x20;
// In front of the TLVs inside it: client, one byte, and verify, four.
constexpr size_t kTlvSslFixedBytes = 5;

std::optional<std::string_view> FindType(std::string_view tlvs, uint8_t type) {
  while (tlvs.size() >= 3) {
    const size_t num_bytes = BigEndian16(tlvs.substr(1));
    if (tlvs.size() - 3 < num_bytes) return std::nullopt;
    if (static_cast<uint8_t>(tlvs[0]) == type) return tlvs.substr(3, num_bytes);
    tlvs.remove_prefix(3 + num_bytes);
  }
  return std::nullopt;
}

// --- Writing -------------------------------------------------------------------------------------

// The bytes of an IP address; those of an IPv4 address mapped into IPv6 if `as_ip6`.
std::string IpBytes(const config::Address& address, bool as_ip6) {
  const std::string_view bytes = config::IpBytes(address);
  return as_ip6 && address.family() == AF_INET
             ? absl::StrCat(std::string(10, '\0'), "\xff\xff", bytes)
             : std::string(bytes);
}

uint16_t PortOf(const config::Address& address) {
  return ntohs(address.family() == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

std::string IpText(int family, const std::string& bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, bytes.data(), text, sizeof(text));
  return text;
}

void AppendBigEndian16(size_t number, std::string& out) {
  out += {static_cast<char>(number >> 8), static_cast<char>(number)};
}

}  // namespace

ProxyHeaderResult ReadProxyHeader(std::span<const uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const std::string_view start : {kV1Start, kV2Start}) {
    const size_t n = std::min(start.size(), text.size());
    if (text.substr(0, n) != start.substr(0, n)) continue;
    if (n < start.size()) return {.state = State::kIncomplete};
    return start == kV1Start ? ReadV1(text) : ReadV2(text);
  }
  return Invalid("it does not begin as one");
}

std::optional<std::string> FindTlv(std::string_view tlvs, config::Tlv wanted) {
  if (wanted.place != config::Tlv::Place::kTop) {
    const std::optional<std::string_view> ssl = FindType(tlvs, kTlvSsl);
    if (!ssl.has_value() || ssl->size() < kTlvSslFixedBytes) return std::nullopt;
    if (wanted.place == config::Tlv::Place::kSslVerify) {
      return absl::StrCat(uint32_t{BigEndian16(ssl->substr(1))} << 16 |
                          BigEndian16(ssl->substr(3)));
    }
    tlvs = ssl->substr(kTlvSslFixedBytes);
  }
  const std::optional<std::string_view> value = FindType(tlvs, wanted.type);
  if (!value.has_value()) return std::nullopt;
  return std::string(*value);
}

std::string WriteProxyHeader(int version, const config::Address& source,
                             const config::Address& destination) {
  const bool is_ip = !config::IpBytes(source).empty() && !config::IpBytes(destination).empty();
  const bool is_ip6 = source.family() == AF_INET6 || destination.family() == AF_INET6;
  if (version == 1) {
    if (!is_ip) return "PROXY UNKNOWN\r\n";
    const int family = is_ip6 ? AF_INET6 : AF_INET;
    return absl::StrCat(is_ip6 ? "PROXY TCP6 " : "PROXY TCP4 ",
                        IpText(family, IpBytes(source, is_ip6)), " ",
                        IpText(family, IpBytes(destination, is_ip6)), " ", PortOf(source), " ",
                        PortOf(destination), "\r\n");
  }
  std::string header(kV2Start);
  if (!is_ip) {
    header += {'\x20', '\0', '\0', '\0'};  // LOCAL, unspecified, nothing behind it.
    return header;
  }
  header += {'\x21', is_ip6 ? '\x21' : '\x11'};  // PROXY; TCP over IPv6 or IPv4.
  std::string body = IpBytes(source, is_ip6) + IpBytes(destination, is_ip6);
  AppendBigEndian16(PortOf(source), body);
  AppendBigEndian16(PortOf(destination), body);
  AppendBigEndian16(body.size(), header);
  return header + body;
}

}  // namespace sluice::engine
