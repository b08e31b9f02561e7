// What both log of TLS with the same clients, `openssl s_client`.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/sluice_process.h"
#include "tests/support/temp_dir.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

using tools::Certificate;
using Arguments = std::vector<std::string>;

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Files {
 public:
  Files() {
    const Certificate ca = Certificate::SelfSigned(tools::CaSpec("ca"));
    const Certificate other_ca = Certificate::SelfSigned(tools::CaSpec("other_ca"));
    tools::CertificateSpec expired = tools::ClientSpec("expired");
    expired.not_before_s = tools::NowSeconds() - 2 * tools::kDayS;
    expired.not_after_s = tools::NowSeconds() - tools::kDayS;
    tools::CertificateSpec odd = tools::ClientSpec("a, \"b\"+c\\<d>;=#");
    odd.serial = 0xfedcba9876543210;
    dir_.Write("ca.crt", ca.pem());
    // Of RSA: a curve that a client does not have is no hindrance.
    tools::CertificateSpec server = tools::ServerSpec({"backend"});
    server.key_kind = tools::KeyKind::kRsa2048;
    Write("server", ca.Issue(server));
    Write("good", ca.Issue(tools::ClientSpec("good")));
    Write("odd", ca.Issue(odd));
    Write("expired", ca.Issue(expired));
    Write("stranger", other_ca.Issue(tools::ClientSpec("stranger")));
    Write("self_signed", Certificate::SelfSigned(tools::ClientSpec("self_signed")));
  }

  std::string File(std::string_view name) const { return dir_.File(name); }

 private:
  void Write(std::string_view name, const Certificate& certificate) const {
    dir_.Write(absl::StrCat(name, ".crt"), certificate.pem());
    dir_.Write(absl::StrCat(name, ".key"), certificate.key_pem());
  }

  const TempDir dir_;
};

std::string File(std::string_view name) {
  static const Files* const files = new Files();
  return files->File(name);
}

Arguments As(std::string_view name) {
  return {"-cert", File(absl::StrCat(name, ".crt")), "-key", File(absl::StrCat(name, ".key"))};
}

// The lines that `Proxy` logs when a TLS server with `directives` is visited once with each of
// `visits`, one after the other.
template <class Proxy>
std::vector<std::string> LinesOf(std::string_view format, std::string_view directives,
                                 const std::vector<Arguments>& visits) {
  const std::string address = FreeAddress();
  Proxy proxy(absl::StrCat(
      "log_format f '", format, "'; access_log sessions f; server { listen ", address,
      // Of old, nginx's default is no TLS 1.3.
      " ssl; ",
      absl::StrContains(directives, "ssl_protocols") ? "" : "ssl_protocols TLSv1.2 TLSv1.3;",
      "ssl_certificate ", File("server.crt"), "; ssl_certificate_key ", File("server.key"),
      "; ssl_client_certificate ", File("ca.crt"), "; ", directives, " return hello; }"));
  for (const Arguments& arguments : visits) {
    RunToEnd(Arguments{"openssl", "s_client", "-connect", address, "-ign_eof"} + arguments);
  }
  proxy.StopAndGetLog();
  return absl::StrSplit(ReadFile(absl::StrCat(proxy.prefix(), "/sessions")), '\n',
                        absl::SkipEmpty());
}

// Without $ssl_curve: for a handshake that failed, nginx 1.22 dies of it.
constexpr std::string_view kTlsFacts =
    "$status protocol=$ssl_protocol cipher=$ssl_cipher name=$ssl_server_name "
    "reused=$ssl_session_reused verify=$ssl_client_verify";

constexpr std::string_view kCertificateFacts =
    "$status verify=$ssl_client_verify subject=$ssl_client_s_dn issuer=$ssl_client_i_dn "
    "serial=$ssl_client_serial fingerprint=$ssl_client_fingerprint start=$ssl_client_v_start "
    "end=$ssl_client_v_end remain=$ssl_client_v_remain cert=$ssl_client_cert "
    "raw=$ssl_client_raw_cert";

// What is documented to be worded otherwise left out: why a certificate is not good, and what there
// is of a handshake that failed.
std::vector<std::string> WithoutReasons(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    const size_t at = line.find("FAILED:");
    const size_t end = line.find(" subject=");
    if (at < end && end != line.npos) line.replace(at, end - at, "FAILED");
    if (line.starts_with("500 protocol=")) {
      const size_t name = line.find(" name=");
      line.replace(0, name, "500");
      absl::StrReplaceAll({{" reused=. ", " reused=- "}}, &line);
    }
  }
  return lines;
}

void ExpectAlike(std::string_view format, std::string_view directives,
                 const std::vector<Arguments>& visits) {
  const std::vector<std::string> sluice = LinesOf<SluiceProcess>(format, directives, visits);
  const std::vector<std::string> nginx = LinesOf<NginxProcess>(format, directives, visits);
  EXPECT_EQ(WithoutReasons(sluice), WithoutReasons(nginx)) << directives;
  EXPECT_EQ(visits.size(), sluice.size());
}

class SslTest : public ::testing::TestWithParam<const char*> {
 protected:
  // s_client speaks this version only.
  Arguments With(const Arguments& more = {}) const { return Arguments{GetParam()} + more; }
};

INSTANTIATE_TEST_SUITE_P(Version, SslTest, ::testing::Values("-tls1_2", "-tls1_3"),
                         [](const auto& info) {
                           return absl::EndsWith(info.param, "2") ? "Tls12" : "Tls13";
                         });

TEST_P(SslTest, HandshakesAreLoggedAlike) {
  ExpectAlike(kTlsFacts, "",
              {With(), With({"-servername", "backend"}),
               With({"-servername", "a\"b\\c\nd\x01\xff"}), With({"-alpn", "one,two"})});
  for (const char* curve : {"X25519", "P-256", "P-384", "P-521"}) {
    ExpectAlike(absl::StrCat(kTlsFacts, " curve=$ssl_curve"),
                "ssl_ecdh_curve X25519:P-256:P-384:P-521;", {With({"-curves", curve})});
  }
}

TEST_P(SslTest, ResumedSessionsAreLoggedAlike) {
  const TempDir dir;
  ExpectAlike(kTlsFacts, "",
              {With({"-sess_out", dir.File("session")}), With({"-sess_in", dir.File("session")})});
}

TEST_P(SslTest, GoodCertificatesAreLoggedAlike) {
  for (const char* verify : {"on", "optional", "optional_no_ca"}) {
    ExpectAlike(kCertificateFacts, absl::StrCat("ssl_verify_client ", verify, ";"),
                {With(As("good")), With(As("odd"))});
  }
}

TEST_P(SslTest, NoCertificateIsLoggedAlike) {
  for (const char* verify : {"off", "optional", "optional_no_ca"}) {
    ExpectAlike(kCertificateFacts, absl::StrCat("ssl_verify_client ", verify, ";"), {With()});
  }
}

TEST_P(SslTest, ToleratedCertificatesAreLoggedAlike) {
  ExpectAlike(kCertificateFacts, "ssl_verify_client optional_no_ca;",
              {With(As("stranger")), With(As("self_signed"))});
}

TEST_P(SslTest, RefusedCertificatesAreLoggedAlike) {
  ExpectAlike(kCertificateFacts, "ssl_verify_client on;",
              {With(), With(As("stranger")), With(As("expired"))});
  ExpectAlike(kCertificateFacts, "ssl_verify_client optional;",
              {With(As("stranger")), With(As("expired"))});
  ExpectAlike(kCertificateFacts, "ssl_verify_client optional_no_ca;", {With(As("expired"))});
}

TEST_P(SslTest, FailedHandshakesAreLoggedAlike) {
  const bool is_tls13 = absl::EndsWith(GetParam(), "3");
  const std::string_view other = is_tls13 ? "ssl_protocols TLSv1.2;" : "ssl_protocols TLSv1.3;";
  ExpectAlike(kTlsFacts, other, {With()});
  ExpectAlike(kTlsFacts, "ssl_alpn one;", {With({"-alpn", "two"})});
  // Whom the client wanted is known to sluice before the library has looked at its versions.
  const std::vector<Arguments> visits = {With({"-servername", "backend"})};
  EXPECT_EQ(LinesOf<NginxProcess>("$status <$ssl_server_name>", other, visits)[0], "500 <->");
  EXPECT_EQ(LinesOf<SluiceProcess>("$status <$ssl_server_name>", other, visits)[0],
            "500 <backend>");
}

}  // namespace
}  // namespace sluice::testing
