#include "engine/proxy_protocol.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using State = ProxyHeaderResult::State;

ProxyHeaderResult Read(std::string_view bytes) {
  return ReadProxyHeader({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

// "SOURCE DESTINATION LENGTH", "nobody LENGTH", "incomplete" or "invalid".
std::string Shown(std::string_view bytes) {
  const ProxyHeaderResult result = Read(bytes);
  if (result.state == State::kIncomplete) return "incomplete";
  if (result.state == State::kInvalid) {
    EXPECT_NE(result.error, "");
    return "invalid";
  }
  const ProxyHeader& header = result.header;
  EXPECT_EQ(header.source.has_value(), header.destination.has_value());
  if (!header.source.has_value()) return absl::StrCat("nobody ", result.num_bytes);
  return absl::StrCat(header.source->text, " ", header.destination->text, " ", result.num_bytes);
}

// A header of version 2 with `body` behind its fixed part.
std::string V2(int version_command, int family_transport, std::string_view body) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(version_command);
  header += static_cast<char>(family_transport);
  header += static_cast<char>(body.size() >> 8);
  header += static_cast<char>(body.size());
  return absl::StrCat(header, body);
}

std::string Ip4Body() {
  return std::string("\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb", 12);
}

std::string TlvText(int type, std::string_view value) {
  std::string tlv = {static_cast<char>(type), static_cast<char>(value.size() >> 8),
                     static_cast<char>(value.size())};
  return absl::StrCat(tlv, value);
}

TEST(ProxyProtocol, Version1SaysWhoSpeaksToWhom) {
  EXPECT_EQ(Shown("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n"), "1.2.3.4:80 5.6.7.8:443 35");
  EXPECT_EQ(Shown("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), "[2001:db8::1]:0 [::1]:65535 36");
  EXPECT_EQ(Shown("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\nGET /"), "1.2.3.4:80 5.6.7.8:443 35");
}

TEST(ProxyProtocol, Version1MaySpeakForNobody) {
  EXPECT_EQ(Shown("PROXY UNKNOWN\r\n"), "nobody 15");
  EXPECT_EQ(Shown("PROXY UNKNOWN whatever 1 2\r\n"), "nobody 28");
}

TEST(ProxyProtocol, Version1LineHas107BytesAtMost) {
  const std::string longest = absl::StrCat("PROXY UNKNOWN ", std::string(91, 'x'), "\r\n");
  ASSERT_EQ(longest.size(), 107u);
  EXPECT_EQ(Shown(longest), "nobody 107");
  EXPECT_EQ(Shown(absl::StrCat("PROXY UNKNOWN ", std::string(92, 'x'), "\r\n")), "invalid");
  EXPECT_EQ(Shown(longest.substr(0, 106)), "incomplete");
}

TEST(ProxyProtocol, WhatIsNoHeaderIsInvalidAsSoonAsThatIsClear) {
  for (const std::string& bytes : std::vector<std::string>{
           "GET / HTTP/1.0\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 80 443 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7 80 443\r\n",
           "PROXY TCP4 ::1 ::1 80 443\r\n", "PROXY TCP6 1.2.3.4 5.6.7.8 80 443\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 65536 443\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 443\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 +1 443\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 0x1 443\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8  443\r\n", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
           "PROXY \r\n", "PROXY TCP4 1.2.3.4\n", "PROXYTCP4", "X", "\r\n\r\n\x01",
           std::string("\r\n\r\n\0\r\nQUIX", 11)}) {
    EXPECT_EQ(Shown(bytes), "invalid") << bytes;
  }
}

// A bug fixed: whether a header with a line feed of its own was one depended on how it was cut.
TEST(ProxyProtocol, ALineFeedMeansTheSameWhateverHasComeBehindIt) {
  for (const std::string_view rest : {"", "\r", "\r\n", "x\r\n"}) {
    const ProxyHeaderResult result = Read(absl::StrCat("PROXY TCP4 1.2.3.4\n", rest));
    EXPECT_EQ(result.state, State::kInvalid) << rest;
    EXPECT_EQ(result.error, "a line feed without CR") << rest;
  }
  EXPECT_EQ(Shown("PROXY UNKNOWN a\n"), "incomplete");
  EXPECT_EQ(Shown("PROXY UNKNOWN a\nb\r\n"), "nobody 19");
  EXPECT_EQ(Shown("PROXY UNKNOWN\n\r\n"), "invalid");
}

TEST(ProxyProtocol, EveryBeginningOfAHeaderIsIncomplete) {
  for (const std::string& header : {std::string("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n"),
                                    V2(0x21, 0x11, Ip4Body()), V2(0x20, 0x00, "")}) {
    for (size_t n = 0; n < header.size(); ++n) {
      EXPECT_EQ(Shown(header.substr(0, n)), "incomplete") << n;
    }
    EXPECT_NE(Shown(header), "incomplete");
  }
}

TEST(ProxyProtocol, Version2SaysWhoSpeaksToWhom) {
  EXPECT_EQ(Shown(V2(0x21, 0x11, Ip4Body()) + "rest"), "1.2.3.4:80 5.6.7.8:443 28");
  std::string ip6(36, '\0');
  ip6[0] = 0x20;
  ip6[31] = 1;
  ip6[33] = 7;
  EXPECT_EQ(Shown(V2(0x21, 0x21, ip6)), "[2000::]:7 [::1]:0 52");
}

TEST(ProxyProtocol, Version2MaySpeakForNobody) {
  EXPECT_EQ(Shown(V2(0x20, 0x11, Ip4Body())), "nobody 28") << "LOCAL";
  EXPECT_EQ(Shown(V2(0x21, 0x00, "")), "nobody 16") << "unspecified";
  EXPECT_EQ(Shown(V2(0x21, 0x12, Ip4Body())), "nobody 28") << "UDP";
  EXPECT_EQ(Shown(V2(0x21, 0x31, std::string(216, 'x'))), "nobody 232") << "unix";
  EXPECT_EQ(Shown(V2(0x2f, 0x11, "")), "nobody 16") << "a command to come";
}

TEST(ProxyProtocol, Version2IsInvalidWhereItCannotBeRead) {
  EXPECT_EQ(Shown(V2(0x11, 0x11, Ip4Body())), "invalid") << "version 1";
  EXPECT_EQ(Shown(V2(0x21, 0x11, Ip4Body().substr(1))), "invalid") << "no room";
  EXPECT_EQ(Shown(V2(0x21, 0x21, Ip4Body())), "invalid") << "no room";
}

TEST(ProxyProtocol, Version2Has4096BytesAtMost) {
  EXPECT_EQ(Shown(V2(0x20, 0x00, std::string(4080, 'x'))), "nobody 4096");
  EXPECT_EQ(Shown(V2(0x20, 0x00, std::string(4081, 'x')).substr(0, 16)), "invalid");
}

TEST(ProxyProtocol, TlvsAreFoundByNameAndNumber) {
  const std::string ssl = absl::StrCat(std::string("\x01\x00\x00\x01\x02", 5),
                                       TlvText(0x21, "TLSv1.3"), TlvText(0x22, "client"));
  const std::string tlvs = absl::StrCat(TlvText(0x01, "h2"), TlvText(0x05, ""), TlvText(0x20, ssl),
                                        TlvText(0xea, std::string("\x01vpce", 5)));
  const auto header = Read(V2(0x21, 0x11, Ip4Body() + tlvs)).header;
  EXPECT_EQ(header.tlvs, tlvs);
  const auto value = [&](std::string_view name) {
    return FindTlv(header.tlvs, *config::ParseTlvName(name)).value_or("none");
  };
  EXPECT_EQ(value("alpn"), "h2");
  EXPECT_EQ(value("0x01"), "h2");
  EXPECT_EQ(value("0xea"), std::string("\x01vpce", 5));
  EXPECT_EQ(value("unique_id"), "");
  EXPECT_EQ(value("authority"), "none");
  EXPECT_EQ(value("ssl"), ssl);
  EXPECT_EQ(value("ssl_version"), "TLSv1.3");
  EXPECT_EQ(value("ssl_cn"), "client");
  EXPECT_EQ(value("ssl_cipher"), "none");
  EXPECT_EQ(value("ssl_verify"), "258");
}

TEST(ProxyProtocol, TlvsThatAreCutOffAreNotThere) {
  const config::Tlv authority = *config::ParseTlvName("authority");
  const config::Tlv version = *config::ParseTlvName("ssl_version");
  const config::Tlv verify = *config::ParseTlvName("ssl_verify");
  const std::string tlv = TlvText(0x02, "host");
  for (size_t n = 0; n < tlv.size(); ++n) {
    EXPECT_EQ(FindTlv(tlv.substr(0, n), authority), std::nullopt) << n;
  }
  EXPECT_EQ(FindTlv(TlvText(0x20, "\x01\x01\x01\x01"), verify), std::nullopt);
  EXPECT_EQ(FindTlv(TlvText(0x20, ""), version), std::nullopt);
}

TEST(ProxyProtocol, NamesOfTlvsAreNginxs) {
  for (const char* name : {"", "x", "0x", "0xg", "0x100", "1", "sslversion"}) {
    EXPECT_FALSE(config::ParseTlvName(name).has_value()) << name;
  }
}

TEST(ProxyProtocol, WhatIsWrittenIsRead) {
  const auto both = Read("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n").header;
  const auto six = Read("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n").header;
  EXPECT_EQ(WriteProxyHeader(1, *both.source, *both.destination),
            "PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n");
  EXPECT_EQ(WriteProxyHeader(1, *six.source, *six.destination),
            "PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
  EXPECT_EQ(WriteProxyHeader(2, *both.source, *both.destination), V2(0x21, 0x11, Ip4Body()));
  EXPECT_EQ(Shown(WriteProxyHeader(2, *six.source, *six.destination)),
            "[2001:db8::1]:0 [::1]:65535 52");
}

TEST(ProxyProtocol, AddressesOfTwoFamiliesAreWrittenAsIpv6) {
  const auto four = Read("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n").header;
  const auto six = Read("PROXY TCP6 2001:db8::1 ::1 7 8\r\n").header;
  EXPECT_EQ(WriteProxyHeader(1, *six.source, *four.destination),
            "PROXY TCP6 2001:db8::1 ::ffff:5.6.7.8 7 443\r\n");
  EXPECT_EQ(Shown(WriteProxyHeader(2, *four.source, *six.destination)),
            "[::ffff:1.2.3.4]:80 [::1]:8 52");
}

TEST(ProxyProtocol, WhereThereIsNoIpAddressNobodyIsNamed) {
  const config::Address unix_address;
  const auto four = Read("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n").header;
  EXPECT_EQ(WriteProxyHeader(1, unix_address, *four.destination), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(Shown(WriteProxyHeader(2, *four.source, unix_address)), "nobody 16");
}

}  // namespace
}  // namespace sluice::engine
