#include "engine/probe/options.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProbeOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "--probe");
  const absl::StatusOr<ProbeOptions> options = ParseProbeArguments(arguments);
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? *options : ProbeOptions();
}

std::string Error(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "--probe");
  return std::string(ParseProbeArguments(arguments).status().message());
}

TEST(ProbeOptionsTest, AnAddressIsEnough) {
  const ProbeOptions options = Parse({"backend:443"});
  EXPECT_EQ(options.address, "backend:443");
  EXPECT_EQ(options.config_file, "");
  EXPECT_FALSE(options.verify.has_value());
  EXPECT_FALSE(options.json);
  EXPECT_EQ(options.num_connections, 5);
  EXPECT_EQ(options.timeout_ms, 10'000);
}

TEST(ProbeOptionsTest, EveryOptionIsTaken) {
  const ProbeOptions options = Parse({"-c",
                                      "sluice.conf",
                                      "-p",
                                      "/srv",
                                      "--server",
                                      "12345",
                                      "--ca",
                                      "ca.pem",
                                      "--crl=crl",
                                      "--name",
                                      "backend",
                                      "--no-verify",
                                      "--sni",
                                      "--cert=c",
                                      "--key",
                                      "k",
                                      "--password-file=p",
                                      "--ciphers",
                                      "HIGH:!aNULL",
                                      "--groups",
                                      "X25519:P-256",
                                      "--alpn",
                                      "h2, a/1",
                                      "--timeout",
                                      "1m 30s",
                                      "--json",
                                      "--connections",
                                      "7",
                                      "backend",
                                      "--protocols",
                                      "tlsv1.2,TLSv1.3",
                                      "--verify-depth=0",
                                      "--ticket-wait=2s",
                                      "--send=a\\r\\n"});
  EXPECT_EQ(options.address, "backend");
  EXPECT_EQ(options.config_file, "sluice.conf");
  EXPECT_EQ(options.prefix, "/srv/");
  EXPECT_EQ(options.server, "12345");
  EXPECT_EQ(options.ca, "ca.pem");
  EXPECT_EQ(options.crl, "crl");
  EXPECT_EQ(options.name, "backend");
  EXPECT_EQ(options.verify, false);
  EXPECT_EQ(options.send_server_name, true);
  EXPECT_EQ(options.certificate, "c");
  EXPECT_EQ(options.certificate_key, "k");
  EXPECT_EQ(options.password_file, "p");
  EXPECT_EQ(options.ciphers, "HIGH:!aNULL");
  EXPECT_EQ(options.groups, "X25519:P-256");
  EXPECT_THAT(*options.alpn, ElementsAre("h2", "a/1"));
  EXPECT_EQ(options.timeout_ms, 90'000);
  EXPECT_EQ(options.ticket_wait_ms, 2000);
  EXPECT_TRUE(options.json);
  EXPECT_EQ(options.num_connections, 7);
  EXPECT_EQ(options.protocols->min, tls::Version::kTls12);
  EXPECT_EQ(options.protocols->max, tls::Version::kTls13);
  EXPECT_EQ(options.verify_depth, 0);
  EXPECT_EQ(options.send, "a\r\n");
}

TEST(ProbeOptionsTest, TheLaterOfTwoWins) {
  const ProbeOptions options = Parse({"b:1", "--no-verify", "--verify", "--sni", "--no-sni"});
  EXPECT_EQ(options.verify, true);
  EXPECT_EQ(options.send_server_name, false);
}

TEST(ProbeOptionsTest, HelpNeedsNothingElse) { EXPECT_TRUE(Parse({"--help"}).help); }

TEST(ProbeOptionsTest, HelpNamesEveryOption) {
  const std::string help = ProbeHelpText();
  for (const char* option : {"-c",
                             "-p",
                             "--server",
                             "--ca",
                             "--crl",
                             "--name",
                             "--verify",
                             "--no-verify",
                             "--verify-depth",
                             "--sni",
                             "--no-sni",
                             "--cert",
                             "--key",
                             "--protocols",
                             "--ciphers",
                             "--groups",
                             "--alpn",
                             "--timeout",
                             "--ticket-wait",
                             "--connections",
                             "--json",
                             "--password-file"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
}

TEST(ProbeOptionsTest, WrongUsageIsRefusedWithItsReason) {
  const struct {
    std::vector<const char*> arguments;
    const char* error;
  } kCases[] = {
      {{}, "--probe needs an address"},
      {{"a:1", "b:2"}, "one address at a time: \"b:2\" is the second"},
      {{"a:1", "--nonsense"}, "invalid option: \"--nonsense\""},
      {{"a:1", "--json=yes"}, "invalid option: \"--json=yes\""},
      {{"a:1", "--ca"}, "--ca needs a value"},
      {{"a:1", "--ca="}, "--ca needs a value"},
      {{"a:1", "--cert", "c"}, "--cert needs --key"},
      {{"a:1", "--key", "k"}, "--key needs --cert"},
      {{"a:1", "--server", "80"}, "add -c FILE"},
      {{"a:1", "--connections", "1"}, "expected a number from 2 to 1000"},
      {{"a:1", "--connections", "many"}, "invalid value \"many\" for --connections"},
      {{"a:1", "--timeout", "0"}, "expected a time"},
      {{"a:1", "--timeout", "-1s"}, "expected a time"},
      {{"a:1", "--verify-depth", "101"}, "expected a number from 0 to 100"},
      {{"a:1", "--protocols", "SSLv3"}, "expected some of TLSv1,"},
      {{"a:1", "--protocols", "TLSv1.1 TLSv1.3"}, "without a hole"},
      {{"a:1", "--protocols", " "}, "expected some of TLSv1,"},
      {{"a:1", "--send", "\\q"}, "only escapes of C"},
      {{"a:1", "--alpn", ","}, "expected names with a comma between them"},
      {{"a:1", "--alpn", " "}, "expected names with a comma between them"},
      {{"a:1", "--alpn", "h2,,x"}, "invalid value \"h2,,x\" for --alpn"},
      {{"a:1", "--password-file", "f"}, "--password-file needs --key"},
      {{"a:1", "\x1b[2J"}, "\\x1b[2J"},
  };
  for (const auto& test : kCases) EXPECT_THAT(Error(test.arguments), HasSubstr(test.error));
  EXPECT_THAT(Error({"a:1", "--alpn", std::string(256, 'a').c_str()}), HasSubstr("255 bytes"));
}

}  // namespace
}  // namespace sluice::engine
