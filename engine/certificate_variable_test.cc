#include "engine/certificate_variable.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"

namespace sluice::engine {
namespace {

using config::VariableId;
using ::testing::EndsWith;
using ::testing::StartsWith;

class CertificateVariableTest : public ::testing::Test {
 protected:
  static tools::Certificate Make() {
    tools::CertificateSpec spec = tools::ClientSpec("client");
    spec.serial = 0xABC;
    spec.not_before_s = 1'000'000'000;
    spec.not_after_s = tools::NowSeconds() + 10 * tools::kDayS + tools::kDayS / 2;
    return tls::Identities().root.Issue(spec);
  }

  std::string Value(VariableId id) const { return CertificateVariable(der_, id); }

  const tools::Certificate certificate_ = Make();
  const std::string der_ = certificate_.der();
};

TEST_F(CertificateVariableTest, NamesAndNumbersAreAsInNginx) {
  EXPECT_EQ(Value(VariableId::kSslClientSDn), "CN=client");
  EXPECT_EQ(Value(VariableId::kSslClientIDn), "CN=root");
  EXPECT_EQ(Value(VariableId::kSslClientSerial), "0ABC");
  EXPECT_EQ(Value(VariableId::kSslClientFingerprint).size(), 40u);
  EXPECT_EQ(Value(VariableId::kSslClientVStart), "Sep  9 01:46:40 2001 GMT");
  EXPECT_THAT(Value(VariableId::kSslClientVEnd), EndsWith(" GMT"));
  EXPECT_EQ(Value(VariableId::kSslClientVRemain), "10");
}

TEST_F(CertificateVariableTest, PemIsRawOrBehindTabs) {
  const std::string raw = Value(VariableId::kSslClientRawCert);
  EXPECT_EQ(raw, certificate_.pem());
  EXPECT_THAT(raw, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_EQ(absl::StrReplaceAll(Value(VariableId::kSslClientCert), {{"\n\t", "\n"}}) + "\n", raw);
}

TEST_F(CertificateVariableTest, WhatIsNoCertificateIsWorthNothing) {
  EXPECT_EQ(CertificateVariable("nothing", VariableId::kSslClientSDn), "");
  EXPECT_EQ(CertificateVariable(std::string_view(der_).substr(1), VariableId::kSslClientRawCert),
            "");
}

}  // namespace
}  // namespace sluice::engine
