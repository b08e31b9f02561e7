#include "config/cidr.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <optional>
#include <string_view>

#include "config/endpoint.h"

namespace sluice::config {
namespace {

Cidr Good(std::string_view text) {
  bool has_host_bits;
  const absl::StatusOr<Cidr> cidr = ParseCidr(text, &has_host_bits);
  EXPECT_TRUE(cidr.ok()) << text;
  EXPECT_FALSE(has_host_bits) << text;
  return cidr.value_or(Cidr());
}

bool Contains(std::string_view cidr, std::string_view ip) {
  const std::optional<Address> address = ParseIpAddress(ip);
  EXPECT_TRUE(address.has_value()) << ip;
  return Good(cidr).Contains(*address);
}

TEST(Cidr, HoldsWhatBeginsWithItsBits) {
  EXPECT_TRUE(Contains("192.0.2.0/24", "192.0.2.0"));
  EXPECT_TRUE(Contains("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(Contains("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(Contains("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(Contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(Contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(Cidr, OneAddressIsAllItsBits) {
  EXPECT_TRUE(Contains("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(Contains("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(Contains("::1", "::1"));
  EXPECT_FALSE(Contains("::1", "::2"));
}

TEST(Cidr, NoBitsHoldEveryAddressOfTheFamily) {
  EXPECT_TRUE(Contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_TRUE(Contains("::/0", "ffff::"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_FALSE(Contains("::/0", "1.2.3.4"));
}

TEST(Cidr, MappedAddressesCountAsIpv4) {
  EXPECT_TRUE(Contains("192.0.2.0/24", "::ffff:192.0.2.7"));
  EXPECT_FALSE(Contains("192.0.2.0/24", "::ffff:192.0.3.7"));
  EXPECT_FALSE(Contains("192.0.2.0/24", "::fffe:192.0.2.7"));
}

TEST(Cidr, UnixHoldsUnixOnly) {
  EXPECT_TRUE(Good("unix:").Contains(UnixAddress("/run/x")));
  EXPECT_FALSE(Contains("unix:", "127.0.0.1"));
  EXPECT_FALSE(Good("0.0.0.0/0").Contains(UnixAddress("/run/x")));
}

TEST(Cidr, HostBitsAreTold) {
  for (const char* text : {"192.0.2.1/24", "192.0.2.128/24", "2001:db8::1/64", "1.0.0.0/0"}) {
    bool has_host_bits = false;
    EXPECT_TRUE(ParseCidr(text, &has_host_bits).ok()) << text;
    EXPECT_TRUE(has_host_bits) << text;
  }
}

TEST(Cidr, WhatIsNoNetworkIsAnError) {
  for (const char* text : {"", "x", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "::1/129",
                           "1.2.3.4/8/8", "unix:/x", "/24", "1.2.3.4/0x8"}) {
    bool has_host_bits;
    EXPECT_EQ(ParseCidr(text, &has_host_bits).status().message(), "invalid network") << text;
  }
}

}  // namespace
}  // namespace sluice::config
