#include "tls/context.h"

#include <openssl/err.h>

#include <iostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"

namespace sluice::tls {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

MATCHER_P2(FatalProblem, field, text, "") {
  return arg.field == field && arg.fatal && arg.message.find(text) != std::string::npos;
}
MATCHER_P2(Warning, field, text, "") {
  return arg.field == field && !arg.fatal && arg.message.find(text) != std::string::npos;
}

std::ostream& PrintProblem(std::ostream& out, const Problem& problem) {
  return out << (problem.fatal ? "fatal: " : "warning: ") << problem.message;
}

class ContextTest : public ::testing::Test {
 protected:
  ~ContextTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  // What CheckCombination and CheckSettings find, having made sure that Create agrees with it.
  static std::vector<Problem> Check(const Settings& settings) {
    std::vector<Problem> problems = CheckCombination(settings);
    const std::vector<Problem> of_contents = CheckSettings(settings);
    problems.insert(problems.end(), of_contents.begin(), of_contents.end());
    std::string first_fatal;
    for (const Problem& problem : problems) {
      if (problem.fatal && first_fatal.empty()) first_fatal = problem.message;
      PrintProblem(std::cout, problem) << "\n";
    }
    const auto context = Context::Create(settings);
    EXPECT_EQ(context.ok(), first_fatal.empty());
    if (!context.ok()) {
      EXPECT_EQ(context.status().message(), first_fatal);
    }
    return problems;
  }
  static Settings WithClientCertificate() {
    Settings settings;
    settings.certificate = FileOf("client.pem", Identities().client.pem());
    settings.certificate_key = FileOf("client.key", Identities().client.key_pem());
    return settings;
  }
};

TEST_F(ContextTest, DefaultsAndFullSettingsAreFine) {
  EXPECT_THAT(Check({}), IsEmpty());
  Settings settings = WithClientCertificate();
  settings.verify = true;
  settings.name = "backend.test";
  settings.send_server_name = true;
  settings.trusted_certificate = FileOf("ca.pem", Identities().root.pem());
  settings.crl = FileOf("crl.pem", Identities().root.CrlPem({}));
  settings.session_reuse = false;
  EXPECT_THAT(Check(settings), IsEmpty());
}

TEST_F(ContextTest, EncryptedKeyIsRead) {
  Settings settings = WithClientCertificate();
  settings.certificate_key.contents = Identities().client.encrypted_key_pem("right");
  settings.passwords = {"wrong", "right"};
  EXPECT_THAT(Check(settings), IsEmpty());
  settings.passwords = {"wrong"};
  EXPECT_THAT(Check(settings), ElementsAre(FatalProblem(Field::kCertificateKey,
                                                        "the password given does not decrypt")));
}

TEST_F(ContextTest, KeyOfAnotherCertificateIsRefused) {
  Settings settings = WithClientCertificate();
  settings.certificate_key.contents = Identities().server.key_pem();
  EXPECT_THAT(Check(settings),
              ElementsAre(FatalProblem(
                  Field::kCertificateKey,
                  "\"client.key\": the key does not belong to the first certificate of "
                  "\"client.pem\"")));
}

TEST_F(ContextTest, CertificateWithoutAKeyIsRefused) {
  Settings settings = WithClientCertificate();
  settings.certificate_key = {};
  EXPECT_THAT(Check(settings),
              ElementsAre(FatalProblem(Field::kCertificate,
                                       "no \"proxy_ssl_certificate_key\" is defined for "
                                       "certificate \"client.pem\"")));
}

TEST_F(ContextTest, KeyWithoutACertificateIsWarnedOf) {
  Settings settings = WithClientCertificate();
  settings.certificate = {};
  EXPECT_THAT(Check(settings), ElementsAre(Warning(Field::kCertificateKey, "has no effect")));
}

TEST_F(ContextTest, VerificationNeedsCasAndAName) {
  Settings settings;
  settings.verify = true;
  EXPECT_THAT(Check(settings),
              ElementsAre(FatalProblem(Field::kTrustedCertificate,
                                       "no \"proxy_ssl_trusted_certificate\" for "
                                       "\"proxy_ssl_verify on\""),
                          FatalProblem(Field::kName, "add \"proxy_ssl_name NAME;\"")));
  settings.verify = false;
  settings.send_server_name = true;
  EXPECT_THAT(Check(settings), ElementsAre(FatalProblem(Field::kName, "no name to send")));
}

TEST_F(ContextTest, WhatCheckCombinationFindsIsNotSaidAgain) {
  Settings settings = WithClientCertificate();
  settings.certificate_key = {};
  settings.verify = true;
  EXPECT_EQ(CheckCombination(settings).size(), 3u);
  EXPECT_THAT(CheckSettings(settings), IsEmpty());
}

TEST_F(ContextTest, NamesThatCannotBeHostNamesAreRefused) {
  Settings settings;
  settings.send_server_name = true;
  for (const std::string& name :
       {std::string("a\nb"), std::string("a\0b", 3), std::string("\xe4"), std::string(256, 'a')}) {
    settings.name = name;
    EXPECT_THAT(Check(settings), ElementsAre(FatalProblem(Field::kName, "is no host name")));
  }
}

TEST_F(ContextTest, EverythingThatIsWrongIsToldAtOnce) {
  Settings settings;
  settings.certificate = FileOf("client.pem", "nothing");
  settings.certificate_key = FileOf("client.key", "nothing");
  settings.ciphers = "DEFAULT@SECLEVEL=0";
  settings.verify = true;
  settings.name = "backend.test";
  settings.trusted_certificate = FileOf("ca.pem", "nothing");
  settings.crl = FileOf("crl.pem", "nothing");
  EXPECT_THAT(Check(settings), ElementsAre(FatalProblem(Field::kCiphers, "@SECLEVEL=0"),
                                           FatalProblem(Field::kCertificate, "\"client.pem\""),
                                           FatalProblem(Field::kCertificateKey, "\"client.key\""),
                                           FatalProblem(Field::kTrustedCertificate, "\"ca.pem\""),
                                           FatalProblem(Field::kCrl, "\"crl.pem\"")));
}

TEST_F(ContextTest, AnExpiredCrlIsWarnedOf) {
  Settings settings = VerifyingSettings(Identities().root);
  settings.crl = FileOf(
      "crl.pem", Identities().root.CrlPem({.next_update_s = tools::NowSeconds() - tools::kDayS}));
  EXPECT_THAT(Check(settings),
              ElementsAre(Warning(Field::kCrl, "\"crl.pem\" holds a CRL that has expired")));
}

TEST_F(ContextTest, AnRsaKeyHasAtLeast1024Bits) {
  for (const auto& [kind, is_usable] :
       {std::pair(tools::KeyKind::kRsa768, false), std::pair(tools::KeyKind::kRsa1024, true)}) {
    tools::CertificateSpec spec = tools::ClientSpec("client");
    spec.key_kind = kind;
    const auto client = Identities().root.Issue(spec);
    Settings settings;
    settings.certificate = FileOf("client.pem", client.pem());
    settings.certificate_key = FileOf("client.key", client.key_pem());
    if (is_usable) {
      EXPECT_THAT(Check(settings), IsEmpty());
    } else {
      EXPECT_THAT(Check(settings), ElementsAre(FatalProblem(Field::kCertificateKey,
                                                            "\"client.key\": an RSA key of 768 "
                                                            "bits is too small")));
    }
  }
}

TEST_F(ContextTest, CiphersThatTheVersionsCannotUseAreRefused) {
  Settings settings;
  settings.min_version = Version::kTls10;
  settings.max_version = Version::kTls11;
  settings.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305";
  EXPECT_THAT(Check(settings),
              ElementsAre(FatalProblem(Field::kCiphers, "holds none that TLSv1.1 can use")));
  settings.max_version = Version::kTls12;
  EXPECT_THAT(Check(settings), IsEmpty());
  settings.max_version = Version::kTls11;
  settings.ciphers += ":AES128-SHA";
  EXPECT_THAT(Check(settings), IsEmpty());
}

TEST_F(ContextTest, WarningsDoNotKeepAContextFromBeingMade) {
  Settings settings;
  settings.ciphers = "AES128-SHA:CAMELLIA";
  EXPECT_THAT(Check(settings), ElementsAre(Warning(Field::kCiphers, "CAMELLIA")));
}

TEST_F(ContextTest, EffectiveCiphersFollowVersionsAndList) {
  Settings settings;
  settings.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA";
  const std::vector<std::string> both = EffectiveCiphers(settings);
  ASSERT_EQ(both.size(), 5u);
  EXPECT_THAT(both, Contains("TLS_AES_128_GCM_SHA256"));
  EXPECT_EQ(both[3], "ECDHE-RSA-AES128-GCM-SHA256");
  EXPECT_EQ(both[4], "AES128-SHA");
  settings.min_version = Version::kTls13;
  EXPECT_EQ(EffectiveCiphers(settings).size(), 3u);
  settings.min_version = Version::kTls10;
  settings.max_version = Version::kTls11;
  EXPECT_THAT(EffectiveCiphers(settings), ElementsAre("AES128-SHA"));
  settings.ciphers = "NULL";
  EXPECT_THAT(EffectiveCiphers(settings), IsEmpty());
}

TEST_F(ContextTest, HighIsWithoutTripleDes) {
  Settings settings;
  settings.ciphers = "HIGH:!aNULL:!MD5";
  EXPECT_THAT(EffectiveCiphers(settings), AllOf(Not(IsEmpty()), Not(Contains(HasSubstr("DES")))));
}

}  // namespace
}  // namespace sluice::tls
