#include "tls/ciphers.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Result {
  bool set;
  std::vector<std::string> names;
  std::vector<std::string> warnings;
  std::vector<std::string> errors;
};

Result Apply(const std::string& ciphers) {
  const bssl::UniquePtr<SSL_CTX> ssl_ctx(SSL_CTX_new(TLS_method()));
  Result result;
  std::vector<Problem> problems;
  result.set = ApplyCiphers(ciphers, ssl_ctx.get(), &problems);
  for (const Problem& problem : problems) {
    EXPECT_EQ(problem.field, Field::kCiphers);
    (problem.fatal ? result.errors : result.warnings).push_back(problem.message);
  }
  if (result.set) {
    for (const SSL_CIPHER* cipher : SSL_CTX_get_ciphers(ssl_ctx.get())) {
      result.names.push_back(SSL_CIPHER_get_name(cipher));
    }
  }
  EXPECT_EQ(result.set, result.errors.empty()) << ciphers;
  EXPECT_EQ(ERR_peek_error(), 0u) << ciphers;
  return result;
}

TEST(CiphersTest, WhatNginxConfigurationsHoldIsTakenWithoutAWord) {
  for (const char* ciphers :
       {"DEFAULT", "HIGH:!aNULL:!MD5", "HIGH:!aNULL:!MD5:!RC4:!DH:!kDHE", "ALL:!EXPORT:!LOW",
        "ECDHE+AESGCM:ECDHE+CHACHA20", "EECDH+AESGCM:!3DES", "ALL:@STRENGTH", "DEFAULT:!kRSA",
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256 AES128-SHA,AES256-SHA"}) {
    const Result result = Apply(ciphers);
    EXPECT_TRUE(result.set) << ciphers;
    EXPECT_THAT(result.warnings, IsEmpty()) << ciphers;
  }
}

TEST(CiphersTest, TripleDesAndPskAreOfferedOnlyWhereNamed) {
  for (const char* ciphers : {"HIGH", "DEFAULT", "ALL", "kRSA", "SHA1"}) {
    const Result result = Apply(ciphers);
    EXPECT_TRUE(result.set) << ciphers;
    EXPECT_THAT(result.names, Not(Contains("DES-CBC3-SHA"))) << ciphers;
    EXPECT_THAT(result.names, Not(Contains(HasSubstr("PSK")))) << ciphers;
  }
  EXPECT_THAT(Apply("DES-CBC3-SHA").names, ElementsAre("DES-CBC3-SHA"));
  EXPECT_THAT(Apply("HIGH:3DES").names, Contains("DES-CBC3-SHA"));
  EXPECT_THAT(Apply("HIGH:!3DES").names, Not(Contains("DES-CBC3-SHA")));
  EXPECT_FALSE(Apply("PSK").set);
}

TEST(CiphersTest, OrderIsKept) {
  EXPECT_THAT(Apply("AES256-SHA:AES128-SHA").names, ElementsAre("AES256-SHA", "AES128-SHA"));
  EXPECT_THAT(Apply("AES256-SHA:AES128-SHA:+AES256-SHA").names,
              ElementsAre("AES128-SHA", "AES256-SHA"));
}

TEST(CiphersTest, EachIgnoredNameIsWarnedOf) {
  const Result result = Apply("ECDHE-RSA-AES128-GMC-SHA256:AES128-SHA:CAMELLIA:!kRSAA");
  EXPECT_THAT(result.names, ElementsAre("AES128-SHA"));
  EXPECT_THAT(
      result.warnings,
      ElementsAre("cipher name \"ECDHE-RSA-AES128-GMC-SHA256\" is ignored: BoringSSL does not know "
                  "it; check its spelling or remove it",
                  "cipher name \"CAMELLIA\" is ignored: BoringSSL has no such cipher",
                  "cipher name \"kRSAA\" is ignored: BoringSSL does not know it; check its "
                  "spelling or remove it"));
}

TEST(CiphersTest, WhatOnlyOpenSslHasIsNoMatterOfSpelling) {
  for (const char* name :
       {"DHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA384", "AES128-SHA256", "AES256-CCM8",
        "ECDHE-ECDSA-AES128-CCM", "CAMELLIA256-SHA", "ECDHE-ARIA128-GCM-SHA256", "RC4-MD5",
        "DHE-RSA-CHACHA20-POLY1305", "EDH-RSA-DES-CBC3-SHA", "SRP-AES-128-CBC-SHA"}) {
    EXPECT_THAT(Apply(std::string("AES128-SHA:") + name).warnings,
                ElementsAre(std::string("cipher name \"") + name +
                            "\" is ignored: BoringSSL has no such cipher"));
    EXPECT_THAT(Apply(std::string("AES128-SHA:!") + name).warnings, IsEmpty());
  }
}

TEST(CiphersTest, ATls13SuiteIsWarnedOf) {
  EXPECT_THAT(Apply("TLS_AES_256_GCM_SHA384:AES128-SHA").warnings,
              ElementsAre("cipher name \"TLS_AES_256_GCM_SHA384\" is ignored: the suites of TLS "
                          "1.3 cannot be chosen by this list"));
}

TEST(CiphersTest, DefaultCountsAtTheStartOnly) {
  EXPECT_THAT(Apply("DEFAULT:!AES256").warnings, IsEmpty());
  EXPECT_THAT(Apply("AES128-SHA:DEFAULT").warnings,
              ElementsAre("cipher name \"DEFAULT\" is ignored: it counts only at the start of the "
                          "list"));
}

TEST(CiphersTest, SecurityLevelsAreRefusedWithTheRemedy) {
  for (const char* ciphers : {"DEFAULT@SECLEVEL=1", "DEFAULT:@SECLEVEL=1"}) {
    EXPECT_THAT(Apply(ciphers).errors,
                ElementsAre("cipher rule \"@SECLEVEL=1\" cannot be used: BoringSSL has no security "
                            "levels; remove it"));
  }
}

TEST(CiphersTest, RefusedPartsAreAllNamed) {
  const Result result = Apply("AES128-SHA:@FOO:A=B:!:[AES128-SHA|AES256-SHA]");
  ASSERT_EQ(result.errors.size(), 4u);
  EXPECT_THAT(result.errors[0], HasSubstr("\"@FOO\""));
  EXPECT_THAT(result.errors[1], HasSubstr("\"A=B\""));
  EXPECT_THAT(result.errors[2], HasSubstr("\"!\""));
  EXPECT_THAT(result.errors[3], HasSubstr("\"[AES128-SHA|AES256-SHA]\""));
}

TEST(CiphersTest, AListThatLeavesNothingIsRefused) {
  for (const char* ciphers : {"", ":", "aNULL", "NULL", "CAMELLIA", "HIGH:!ALL", "SHA256",
                              "TLS_AES_128_GCM_SHA256", "AES128-SHA256"}) {
    const Result result = Apply(ciphers);
    EXPECT_FALSE(result.set) << ciphers;
    EXPECT_THAT(result.errors, Contains(HasSubstr("leaves no cipher"))) << ciphers;
  }
}

TEST(CiphersTest, ControlCharactersAreEscaped) {
  EXPECT_THAT(Apply("AES128-SHA:\x1b[31m").errors, ElementsAre(HasSubstr("\"\\x1B[31m\"")));
}

}  // namespace
}  // namespace sluice::tls
