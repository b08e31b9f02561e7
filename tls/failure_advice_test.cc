#include "tls/failure_advice.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

using ::testing::HasSubstr;

std::string AdviceOnAlert(uint8_t alert, bool certificate_missing = false) {
  return std::string(
      FailureAdvice({.kind = FailureKind::kAlertReceived, .alert = alert}, certificate_missing));
}

std::string AdviceOnProtocol(const char* text) {
  return std::string(
      FailureAdvice({.kind = FailureKind::kProtocol, .text = text}, /*certificate_missing=*/false));
}

TEST(FailureAdviceTest, AnAlertIsExplainedWithTheDirectiveThatHelps) {
  EXPECT_THAT(AdviceOnAlert(116), HasSubstr("demands a client certificate, set "));
  EXPECT_THAT(AdviceOnAlert(45), HasSubstr("has expired, renew proxy_ssl_certificate"));
  EXPECT_THAT(AdviceOnAlert(70), HasSubstr("look at proxy_ssl_protocols"));
  EXPECT_THAT(AdviceOnAlert(40), HasSubstr("proxy_ssl_ciphers"));
  EXPECT_THAT(AdviceOnAlert(42), HasSubstr("does not accept the client certificate"));
  EXPECT_THAT(AdviceOnAlert(48), HasSubstr("does not know the CA"));
  EXPECT_THAT(AdviceOnAlert(112), HasSubstr("proxy_ssl_name"));
  EXPECT_THAT(AdviceOnAlert(120), HasSubstr("proxy_ssl_alpn"));
}

TEST(FailureAdviceTest, AVagueAlertMeansTheCertificateThatWasAskedForAndNotSent) {
  for (const uint8_t alert : {40, 42, 46}) {
    EXPECT_EQ(AdviceOnAlert(alert, /*certificate_missing=*/true), AdviceOnAlert(116));
  }
  EXPECT_EQ(AdviceOnAlert(70, /*certificate_missing=*/true), AdviceOnAlert(70));
}

TEST(FailureAdviceTest, AnUpstreamThatDoesNotSpeakTlsIsSaidSo) {
  EXPECT_THAT(AdviceOnProtocol("SSL_do_handshake() failed (SSL: error:100000f7:SSL "
                               "routines:OPENSSL_internal:WRONG_VERSION_NUMBER)"),
              HasSubstr("plaintext port"));
  EXPECT_THAT(AdviceOnProtocol("SSL_do_handshake() failed (SSL: error:100000f0:SSL "
                               "routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL)"),
              HasSubstr("proxy_ssl_protocols"));
}

TEST(FailureAdviceTest, WhereTheTextSaysAllNothingIsAdded) {
  EXPECT_EQ(AdviceOnAlert(10), "");
  EXPECT_EQ(AdviceOnAlert(255), "");
  EXPECT_EQ(AdviceOnProtocol("SSL_read() failed (SSL: error:...:BAD_DECRYPT)"), "");
  EXPECT_EQ(FailureAdvice({.kind = FailureKind::kNameMismatch}, true), "");
  EXPECT_EQ(FailureAdvice({}, true), "");
}

}  // namespace
}  // namespace sluice::tls
