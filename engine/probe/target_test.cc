#include "engine/probe/target.h"

#include <string>

#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tls/testing/test_identities.h"

namespace sluice::engine {
namespace {

using sluice::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kConfig[] = R"(
events {}
stream {
    upstream pair { server 127.0.0.1:7001; server 127.0.0.1:7002; }
    upstream shared { server 127.0.0.1:7003; }
    server { listen 127.0.0.1:6001; proxy_pass pair; proxy_ssl on; proxy_ssl_name one; }
    server { listen 127.0.0.1:6002; proxy_pass shared; proxy_ssl on; proxy_ssl_name two; }
    server { listen 127.0.0.1:6003; proxy_pass shared; proxy_ssl on; proxy_ssl_name three; }
    server { listen 127.0.0.1:6004; proxy_pass 127.0.0.1:7004; }
    server { listen 6005; proxy_pass 127.0.0.1:7005; proxy_ssl on; }
    server { listen unix:$0/listen; proxy_pass unix:$0/upstream; proxy_ssl on; }
}
)";

class TargetTest : public ::testing::Test {
 protected:
  absl::StatusOr<ProbeTarget> Find(const std::string& address, const std::string& server = "") {
    ProbeOptions options;
    options.address = address;
    options.config_file = config_;
    options.prefix = dir_.path();
    options.server = server;
    return FindTarget(options);
  }
  std::string Error(const std::string& address, const std::string& server = "") {
    return std::string(Find(address, server).status().message());
  }

  const TempDir dir_;
  const std::string config_ = dir_.Write("sluice.conf", absl::Substitute(kConfig, dir_.path()));
};

TEST_F(TargetTest, AListeningAddressMeansAllPeersBehindIt) {
  const auto target = Find("127.0.0.1:6001");
  ASSERT_TRUE(target.ok()) << target.status();
  ASSERT_EQ(target->peers.size(), 2);
  EXPECT_EQ(target->peers[1].address.text, "127.0.0.1:7002");
  EXPECT_EQ(target->settings.name, "one");
  EXPECT_THAT(target->origin, HasSubstr("sluice.conf:6"));
}

TEST_F(TargetTest, AGroupsNameMeansAllItsPeers) {
  const auto target = Find("pair");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->peers.size(), 2);
}

TEST_F(TargetTest, APeersAddressMeansThatPeer) {
  const auto target = Find("127.0.0.1:7002");
  ASSERT_TRUE(target.ok()) << target.status();
  ASSERT_EQ(target->peers.size(), 1);
  EXPECT_EQ(target->peers[0].address.text, "127.0.0.1:7002");
  EXPECT_EQ(target->settings.name, "one");
}

TEST_F(TargetTest, AListeningAddressMayBeWrittenAsInTheConfiguration) {
  for (const char* address : {"6005", "*:6005", "0.0.0.0:6005"}) {
    const auto target = Find(address);
    ASSERT_TRUE(target.ok()) << target.status();
    EXPECT_EQ(target->peers[0].address.text, "127.0.0.1:7005");
  }
  const auto target = Find("unix:" + dir_.File("listen"));
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->peers[0].address.text, "unix:" + dir_.File("upstream"));
}

TEST_F(TargetTest, SeveralBlocksWithDifferentSettingsMustBeToldApart) {
  EXPECT_THAT(Error("shared"), HasSubstr("pick one with --server"));
  const auto target = Find("shared", "127.0.0.1:6003");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->settings.name, "three");
}

TEST_F(TargetTest, ServerLendsItsSettingsToAnyAddress) {
  const auto target = Find("127.0.0.1:9", "127.0.0.1:6002");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->settings.name, "two");
  ASSERT_EQ(target->peers.size(), 1);
  EXPECT_EQ(target->peers[0].address.text, "127.0.0.1:9");
}

TEST_F(TargetTest, WhatIsNotThereIsSaidWithWhatIs) {
  EXPECT_THAT(Error("127.0.0.1:9"), HasSubstr("127.0.0.1:6001 to pair"));
  EXPECT_THAT(Error("127.0.0.1:6004"), HasSubstr("has no \"proxy_ssl on\""));
  EXPECT_THAT(Error("127.0.0.1:9", "127.0.0.1:6999"), HasSubstr("(--server)"));
  EXPECT_THAT(Error("a\x1b[2Jb"), HasSubstr("a\\x1b[2Jb"));
}

TEST_F(TargetTest, ABrokenConfigurationIsShownWithItsPlaces) {
  dir_.Write("sluice.conf", "events {}\nstream { sever {} }\n");
  const std::string error = Error("pair");
  EXPECT_THAT(error, HasSubstr("sluice.conf:2:10"));
  // The one who prints it ends the line.
  EXPECT_FALSE(error.ends_with('\n'));
}

TEST_F(TargetTest, OptionsGoBeforeTheServerBlock) {
  ProbeOptions options;
  options.address = "pair";
  options.config_file = config_;
  options.prefix = dir_.path();
  options.name = "other";
  options.verify = true;
  options.ca = dir_.Write("ca.pem", tls::Identities().root.pem());
  options.protocols = ProtocolRange{tls::Version::kTls12, tls::Version::kTls12};
  const auto target = FindTarget(options);
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->settings.name, "other");
  EXPECT_TRUE(target->settings.verify);
  EXPECT_EQ(target->settings.trusted_certificate.contents, tls::Identities().root.pem());
  EXPECT_EQ(target->settings.max_version, tls::Version::kTls12);
}

TEST_F(TargetTest, WithoutAConfigurationTheHostIsTheName) {
  ProbeOptions options;
  options.address = "127.0.0.1:443";
  options.verify = false;
  const auto target = FindTarget(options);
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->settings.name, "127.0.0.1");
  EXPECT_TRUE(target->settings.send_server_name);
  EXPECT_EQ(target->peers[0].address.text, "127.0.0.1:443");
}

TEST_F(TargetTest, PasswordsStandInAFileOneALine) {
  ProbeOptions options;
  options.address = "127.0.0.1:443";
  options.verify = false;
  options.password_file = dir_.Write("passwords", "one\r\n\ntwo words");
  const auto target = FindTarget(options);
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_THAT(target->settings.passwords, ElementsAre("one", "two words"));
  options.password_file = "/no/such/file";
  EXPECT_THAT(std::string(FindTarget(options).status().message()),
              HasSubstr("\"/no/such/file\": open() failed"));
}

TEST_F(TargetTest, AnAddressThatIsNoneIsRefused) {
  ProbeOptions options;
  options.verify = false;
  const auto error = [&](const char* address) {
    options.address = address;
    return std::string(FindTarget(options).status().message());
  };
  EXPECT_THAT(error("127.0.0.1"), HasSubstr("no port in \"127.0.0.1\""));
  EXPECT_THAT(error("127.0.0.1:99999"), HasSubstr("invalid port"));
  EXPECT_THAT(error("https://127.0.0.1:443"), HasSubstr("remove the scheme"));
  EXPECT_THAT(error("::1:20001"),
              StartsWith("\"::1:20001\": an IPv6 address stands in brackets, [::1]:20001"));
  EXPECT_THAT(error("2001:db8::1"), HasSubstr("[2001:db8::1]:PORT"));
  EXPECT_THAT(error("a:b:c"), HasSubstr("expected HOST:PORT"));
  options.ca = "/no/such/file";
  EXPECT_THAT(error("127.0.0.1:443"), HasSubstr("\"/no/such/file\": open() failed"));
}

}  // namespace
}  // namespace sluice::engine
