#include "config/endpoint.h"

#include <gtest/gtest.h>

#include <string>

#include "config/address.h"

namespace sluice::config {
namespace {

using Kind = Endpoint::Kind;

void ExpectEndpoint(const absl::StatusOr<Endpoint>& endpoint, Kind kind, const std::string& host,
                    int first_port, int last_port) {
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(endpoint->kind, kind);
  EXPECT_EQ(endpoint->host, host);
  EXPECT_EQ(endpoint->first_port, first_port);
  EXPECT_EQ(endpoint->last_port, last_port);
}

TEST(ParseEndpoint, KnowsEveryForm) {
  ExpectEndpoint(ParseEndpoint("example.com:443"), Kind::kName, "example.com", 443, 443);
  ExpectEndpoint(ParseEndpoint("example.com"), Kind::kName, "example.com", 0, 0);
  ExpectEndpoint(ParseEndpoint("127.0.0.1:1"), Kind::kIp, "127.0.0.1", 1, 1);
  ExpectEndpoint(ParseEndpoint("[::1]:65535"), Kind::kIp, "::1", 65535, 65535);
  ExpectEndpoint(ParseEndpoint("[::1]"), Kind::kIp, "::1", 0, 0);
  ExpectEndpoint(ParseEndpoint("unix:/run/a:b"), Kind::kUnix, "/run/a:b", 0, 0);
}

TEST(ParseEndpoint, SaysWhatIsWrong) {
  const auto message = [](const char* text) {
    return std::string(ParseEndpoint(text).status().message());
  };
  EXPECT_EQ(message(""), "no host");
  EXPECT_EQ(message(":1"), "no host");
  EXPECT_EQ(message("a:"), "invalid port");
  EXPECT_EQ(message("a:0"), "invalid port");
  EXPECT_EQ(message("a:65536"), "invalid port");
  EXPECT_EQ(message("a:1-2"), "invalid port");
  EXPECT_EQ(message("::1"), "no host");
  EXPECT_EQ(message("[::1"), "invalid host");
  EXPECT_EQ(message("[::1]x"), "invalid host");
  EXPECT_EQ(message("[127.0.0.1]:1"), "invalid IPv6 address");
  EXPECT_EQ(message("a/b:1"), "invalid host");
  EXPECT_EQ(message("unix:"), "no path in the unix domain socket");
}

TEST(ParseEndpoint, RefusesAnIpv4AddressThatIsNotComplete) {
  for (const char* text : {"1.2.3:80", "1.2.3.4.5:80", "1.2.3.256:80", "1.2.3.04:80", "127", "."}) {
    EXPECT_EQ(ParseEndpoint(text).status().message(), "invalid IPv4 address") << text;
  }
  EXPECT_EQ(ParseListen("1.2.3:80").status().message(), "invalid IPv4 address");
  ExpectEndpoint(ParseEndpoint("1.2.3.example:80"), Kind::kName, "1.2.3.example", 80, 80);
}

TEST(ParseEndpoint, NamesASchemeAsTheMistake) {
  EXPECT_EQ(ParseEndpoint("http://host:80").status().message(), "remove the scheme \"http://\"");
  EXPECT_EQ(ParseEndpoint("https://unix:/x").status().message(), "remove the scheme \"https://\"");
  EXPECT_EQ(ParseListen("tcp://80").status().message(), "remove the scheme \"tcp://\"");
  EXPECT_EQ(ParseEndpoint("://host").status().message(), "no host");
}

TEST(ParseEndpoint, BoundsTheUnixPathByTheSystem) {
  EXPECT_TRUE(ParseEndpoint("unix:" + std::string(107, 'x')).ok());
  EXPECT_EQ(ParseEndpoint("unix:" + std::string(108, 'x')).status().message(),
            "too long path in the unix domain socket");
}

TEST(ParseListen, KnowsPortsWildcardsAndRanges) {
  ExpectEndpoint(ParseListen("80"), Kind::kIp, "0.0.0.0", 80, 80);
  ExpectEndpoint(ParseListen("80-90"), Kind::kIp, "0.0.0.0", 80, 90);
  ExpectEndpoint(ParseListen("*:80"), Kind::kIp, "0.0.0.0", 80, 80);
  ExpectEndpoint(ParseListen("[::]:80-81"), Kind::kIp, "::", 80, 81);
  ExpectEndpoint(ParseListen("host:80"), Kind::kName, "host", 80, 80);
  ExpectEndpoint(ParseListen("unix:/x"), Kind::kUnix, "/x", 0, 0);
}

TEST(ParseListen, NeedsAPortAndAnOrderedRange) {
  EXPECT_EQ(ParseListen("127.0.0.1").status().message(), "no port");
  EXPECT_EQ(ParseListen("90-80").status().message(), "invalid port range");
  EXPECT_EQ(ParseListen("-80").status().message(), "invalid port");
  EXPECT_EQ(ParseListen("80-").status().message(), "invalid port");
  EXPECT_EQ(ParseListen("1-2-3").status().message(), "invalid port");
}

TEST(ParseIpAddress, TakesLiteralsOnly) {
  EXPECT_EQ(ParseIpAddress("192.0.2.1")->text, "192.0.2.1:0");
  EXPECT_EQ(ParseIpAddress("192.0.2.1:5")->text, "192.0.2.1:5");
  EXPECT_EQ(ParseIpAddress("2001:db8::1")->text, "[2001:db8::1]:0");
  EXPECT_EQ(ParseIpAddress("[2001:db8::1]:5")->text, "[2001:db8::1]:5");
  for (const char* text : {"", "host", "host:1", "unix:/x", "192.0.2", "off"}) {
    EXPECT_FALSE(ParseIpAddress(text).has_value()) << text;
  }
}

TEST(WithPort, ChangesThePortOnly) {
  EXPECT_EQ(WithPort(IpAddress("::1", 1), 2).text, "[::1]:2");
  EXPECT_EQ(WithPort(IpAddress("127.0.0.1", 1), 2).text, "127.0.0.1:2");
  EXPECT_EQ(WithPort(UnixAddress("/x"), 2).text, "unix:/x");
}

}  // namespace
}  // namespace sluice::config
