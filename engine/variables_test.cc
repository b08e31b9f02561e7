#include "engine/variables.h"

#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "config/endpoint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/outcome.h"

namespace sluice::engine {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::MatchesRegex;

class VariablesTest : public testing::Test {
 protected:
  SessionFacts Facts() const {
    return {.plan = plan_,
            .number = 42,
            .client = client_,
            .peer = peer_,
            .server = server_,
            .session_ms = session_ms_,
            .close_reason = close_reason_,
            .bytes_received = 10,
            .bytes_sent = 20,
            .attempts = attempts_,
            .upstream_tls = upstream_tls_,
            .client_tls = client_tls_,
            .proxy_header = proxy_header_ ? &*proxy_header_ : nullptr,
            .set_values = set_values_};
  }

  // "none": it has no value.
  std::string Value(std::string_view name) const {
    const config::VariableSpec* spec = config::FindVariable(name);
    if (spec == nullptr) return "unknown";
    std::string value;
    return AppendVariable({.name = std::string(name), .id = spec->id}, Facts(), value) ? value
                                                                                       : "none";
  }

  config::Plan plan_;
  config::Address client_ = config::IpAddress("192.0.2.1", 1234);
  config::Address peer_ = config::IpAddress("192.0.2.9", 99);
  config::Address server_ = config::IpAddress("192.0.2.2", 443);
  int64_t session_ms_ = 1234;
  CloseReason close_reason_ = CloseReason::kClientClosed;
  std::vector<UpstreamAttempt> attempts_;
  std::optional<ClientTls> client_tls_;
  std::optional<UpstreamTls> upstream_tls_;
  std::optional<ProxyHeader> proxy_header_;
  std::vector<std::string> set_values_ = {"first", "second"};
};

TEST_F(VariablesTest, TlsIsToldAsFarAsItGot) {
  constexpr std::string_view kNames[] = {"upstream_ssl_server_name", "upstream_ssl_verify_result",
                                         "upstream_ssl_protocol",    "upstream_ssl_cipher",
                                         "upstream_ssl_curve",       "upstream_ssl_session_reused"};
  const auto values = [&] {
    std::vector<std::string> list;
    for (const std::string_view name : kNames) list.push_back(Value(name));
    return list;
  };
  EXPECT_THAT(values(), Each("none"));

  tls::Failure failure;
  upstream_tls_.emplace(UpstreamTls{.verify = true, .server_name = "backend", .failure = failure});
  EXPECT_THAT(values(), ElementsAre("backend", "NONE", "none", "none", "none", "none"));
  failure = {.kind = tls::FailureKind::kNameMismatch, .text = "another name"};
  EXPECT_EQ(Value("upstream_ssl_verify_result"), "FAILED:another name");

  failure = {};
  upstream_tls_.emplace(UpstreamTls{.verify = true,
                                    .established = true,
                                    .cipher = "AES",
                                    .group = "X25519",
                                    .protocol = "TLSv1.3",
                                    .resumed = true,
                                    .failure = failure});
  EXPECT_THAT(values(), ElementsAre("none", "SUCCESS", "TLSv1.3", "AES", "X25519", "r"));
}

TEST_F(VariablesTest, ACurveOfAClientHasTheNameThatNginxLogs) {
  const tls::Failure none;
  for (const auto& [group, name] :
       std::vector<std::pair<const char*, const char*>>{{"X25519", "X25519"},
                                                        {"P-256", "prime256v1"},
                                                        {"P-384", "secp384r1"},
                                                        {"P-521", "secp521r1"}}) {
    client_tls_.emplace(ClientTls{.established = true, .group = group, .failure = none});
    EXPECT_EQ(Value("ssl_curve"), name);
  }
}

TEST_F(VariablesTest, TheCertificateOfARefusedClientIsTold) {
  const tls::Failure failure = {.kind = tls::FailureKind::kCertificateUntrusted, .text = "expired"};
  client_tls_.emplace(
      ClientTls{.certificate = "der",
                .certificate_variable = [](std::string_view der,
                                           config::VariableId) { return absl::StrCat("of ", der); },
                .failure = failure});
  EXPECT_EQ(Value("ssl_client_s_dn"), "of der");
  EXPECT_EQ(Value("ssl_client_verify"), "FAILED:expired");
  EXPECT_EQ(Value("ssl_protocol"), "none");
}

TEST_F(VariablesTest, AddressesAndPortsStandApart) {
  EXPECT_EQ(Value("remote_addr"), "192.0.2.1");
  EXPECT_EQ(Value("remote_port"), "1234");
  EXPECT_EQ(Value("server_addr"), "192.0.2.2");
  EXPECT_EQ(Value("server_port"), "443");
  client_ = config::IpAddress("2001:db8::1", 5);
  EXPECT_EQ(Value("remote_addr"), "2001:db8::1");
  EXPECT_EQ(Value("remote_port"), "5");
}

TEST_F(VariablesTest, UnixClientsHaveNoPort) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  client_ = config::AddressFromSockaddr(reinterpret_cast<sockaddr*>(&address),
                                        sizeof(address.sun_family));
  EXPECT_EQ(Value("remote_addr"), "unix:");
  EXPECT_EQ(Value("remote_port"), "");
  EXPECT_EQ(Value("binary_remote_addr"), "unix:");
}

TEST_F(VariablesTest, BinaryAddressesHaveFourOrSixteenBytes) {
  EXPECT_EQ(Value("binary_remote_addr"), std::string("\xc0\x00\x02\x01", 4));
  client_ = config::IpAddress("2001:db8::1", 5);
  EXPECT_EQ(Value("binary_remote_addr"),
            std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16));
}

TEST_F(VariablesTest, CountsAndNumbers) {
  EXPECT_EQ(Value("connection"), "42");
  EXPECT_EQ(Value("bytes_received"), "10");
  EXPECT_EQ(Value("bytes_sent"), "20");
  EXPECT_EQ(Value("pid"), absl::StrCat(getpid()));
  EXPECT_EQ(Value("protocol"), "TCP");
}

TEST_F(VariablesTest, TimesAreSecondsWithMilliseconds) {
  EXPECT_EQ(Value("session_time"), "1.234");
  session_ms_ = 7;
  EXPECT_EQ(Value("session_time"), "0.007");
  EXPECT_THAT(Value("msec"), MatchesRegex("[0-9]{10}\\.[0-9]{3}"));
  EXPECT_THAT(Value("time_local"),
              MatchesRegex("[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} "
                           "[+-][0-9]{4}"));
  EXPECT_THAT(Value("time_iso8601"),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:"
                           "[0-9]{2}"));
}

TEST_F(VariablesTest, StatusIsNginxsAndAlwaysHasThreeDigits) {
  EXPECT_EQ(Value("status"), "200");
  EXPECT_EQ(Value("close_reason"), "client_closed");
  close_reason_ = CloseReason::kNone;
  EXPECT_EQ(Value("status"), "000");
  close_reason_ = CloseReason::kNoLiveUpstreams;
  EXPECT_EQ(Value("status"), "502");
  close_reason_ = CloseReason::kNoResources;
  EXPECT_EQ(Value("status"), "500");
  close_reason_ = CloseReason::kClientUntrusted;
  EXPECT_EQ(Value("status"), "500");
}

TEST_F(VariablesTest, UpstreamsAreListedInTurn) {
  EXPECT_EQ(Value("upstream_addr"), "none");
  EXPECT_EQ(Value("upstream_connect_time"), "none");
  attempts_ = {{.address = "192.0.2.3:1", .session_ms = 3},
               {.address = "192.0.2.4:1",
                .connect_ms = 0,
                .first_byte_ms = 5,
                .session_ms = 2000,
                .bytes_received = 7,
                .bytes_sent = 8}};
  EXPECT_EQ(Value("upstream_addr"), "192.0.2.3:1, 192.0.2.4:1");
  EXPECT_EQ(Value("upstream_connect_time"), "-, 0.000");
  EXPECT_EQ(Value("upstream_first_byte_time"), "-, 0.005");
  EXPECT_EQ(Value("upstream_session_time"), "0.003, 2.000");
  EXPECT_EQ(Value("upstream_ssl_handshake_time"), "-, -");
  EXPECT_EQ(Value("upstream_bytes_received"), "0, 7");
  EXPECT_EQ(Value("upstream_bytes_sent"), "0, 8");
}

TEST_F(VariablesTest, WithoutTlsItsVariablesHaveNoValue) {
  for (const char* name :
       {"upstream_ssl_cipher", "upstream_ssl_curve", "upstream_ssl_protocol",
        "upstream_ssl_server_name", "upstream_ssl_session_reused", "upstream_ssl_verify_result"}) {
    EXPECT_EQ(Value(name), "none") << name;
  }
}

TEST_F(VariablesTest, WhatAProxyHeaderSays) {
  EXPECT_EQ(Value("proxy_protocol_addr"), "none");
  EXPECT_EQ(Value("realip_remote_addr"), "192.0.2.9");
  EXPECT_EQ(Value("realip_remote_port"), "99");
  proxy_header_ = {.source = config::IpAddress("2001:db8::5", 5),
                   .destination = config::IpAddress("2001:db8::6", 6)};
  EXPECT_EQ(Value("proxy_protocol_addr"), "2001:db8::5");
  EXPECT_EQ(Value("proxy_protocol_port"), "5");
  EXPECT_EQ(Value("proxy_protocol_server_addr"), "2001:db8::6");
  EXPECT_EQ(Value("proxy_protocol_server_port"), "6");
  proxy_header_ = {.tlvs = std::string("\x02\0\x01h", 4)};
  EXPECT_EQ(Value("proxy_protocol_addr"), "none");
  std::string value;
  const config::Variable authority = {.id = config::VariableId::kProxyProtocolTlv,
                                      .tlv = *config::ParseTlvName("authority")};
  EXPECT_TRUE(AppendVariable(authority, Facts(), value));
  EXPECT_EQ(value, "h");
}

TEST_F(VariablesTest, SetVariablesHaveTheirSlots) {
  std::string value;
  EXPECT_TRUE(AppendVariable({.name = "x", .slot = 1}, Facts(), value));
  EXPECT_EQ(value, "second");
}

TEST_F(VariablesTest, EveryVariableCanBeAskedForWithNothingKnown) {
  for (const config::VariableSpec& spec : config::AllVariables()) Value(spec.name);
}

TEST_F(VariablesTest, APathThatAVariableLeadsAstrayIsNone) {
  plan_.variables = {{.name = "value", .id = config::VariableId::kSet}};
  config::Template path = *config::Template::Parse("/logs/$value.log");
  path.Bind([](std::string_view) { return 0; });
  for (const char* value : {"a", "a/b", "..a", "a..", "..", "", "."}) {
    set_values_[0] = value;
    EXPECT_EQ(EvaluatePath(path, Facts()), absl::StrCat("/logs/", value, ".log"));
  }
  for (const std::string& value : {std::string("../x"), std::string("a/../../x"),
                                   std::string("a\0b", 3), std::string("a\nb")}) {
    set_values_[0] = value;
    EXPECT_EQ(EvaluatePath(path, Facts()), std::nullopt) << value;
  }
}

TEST_F(VariablesTest, AConditionIsTrueUnlessEmptyOrZero) {
  for (const auto& [text, expected] : std::vector<std::pair<const char*, bool>>{
           {"", false}, {"0", false}, {"00", true}, {"off", true}}) {
    EXPECT_EQ(IsTrue(*config::Template::Parse(text), Facts()), expected) << text;
  }
}

}  // namespace
}  // namespace sluice::engine
