#include "tls/certificate_facts.h"

#include <openssl/mem.h>
#include <openssl/x509.h>

#include <string>

#include "absl/log/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/certificate_maker.h"

namespace sluice::tls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tools::Certificate;
using tools::CertificateSpec;

std::string Der(const Certificate& certificate) {
  uint8_t* bytes = nullptr;
  const int len = i2d_X509(certificate.x509(), &bytes);
  CHECK_GT(len, 0);
  const bssl::UniquePtr<uint8_t> free_bytes(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(len)};
}

TEST(CertificateFactsTest, TellsWhatStandsInIt) {
  const Certificate root = Certificate::SelfSigned(tools::CaSpec("root"));
  CertificateSpec spec = tools::ServerSpec({"backend.test", "*.backend.test", "192.0.2.1", "::1"});
  spec.emails = {"ops@backend.test"};
  spec.uris = {"spiffe://backend.test/db"};
  spec.not_before_s = 1'700'000'000;
  spec.not_after_s = 1'800'000'000;
  const CertificateFacts facts = ReadCertificateFacts(Der(root.Issue(spec)));
  EXPECT_TRUE(facts.parsed);
  EXPECT_EQ(facts.subject, "CN=backend.test");
  EXPECT_EQ(facts.issuer, "CN=root");
  EXPECT_THAT(facts.alternative_names,
              testing::UnorderedElementsAre("DNS:backend.test", "DNS:*.backend.test",
                                            "IP:192.0.2.1", "IP:::1", "email:ops@backend.test",
                                            "URI:spiffe://backend.test/db"));
  EXPECT_EQ(facts.not_before_s, 1'700'000'000);
  EXPECT_EQ(facts.not_after_s, 1'800'000'000);
  EXPECT_EQ(facts.key, "ECDSA P-256");
  EXPECT_EQ(facts.key_bits, 256);
  EXPECT_EQ(facts.signature_algorithm, "ecdsa-with-SHA256");
  EXPECT_FALSE(facts.self_issued);
}

TEST(CertificateFactsTest, NamesEveryKindOfKey) {
  const auto key_of = [](tools::KeyKind kind) {
    CertificateSpec spec = tools::CaSpec("root");
    spec.key_kind = kind;
    return ReadCertificateFacts(Der(Certificate::SelfSigned(spec)));
  };
  EXPECT_EQ(key_of(tools::KeyKind::kP384).key, "ECDSA P-384");
  EXPECT_EQ(key_of(tools::KeyKind::kEd25519).key, "Ed25519");
  const CertificateFacts rsa = key_of(tools::KeyKind::kRsa2048);
  EXPECT_EQ(rsa.key, "RSA");
  EXPECT_EQ(rsa.key_bits, 2048);
  EXPECT_EQ(rsa.signature_algorithm, "sha256WithRSAEncryption");
  EXPECT_TRUE(rsa.self_issued);
}

TEST(CertificateFactsTest, BytesThatCouldDriveATerminalAreEscaped) {
  CertificateSpec spec = tools::CaSpec("a\x1b[2J\n\"b\xe2\x80\xae");
  spec.dns_names = {std::string("x\0y\r\n\x9b", 6)};
  const CertificateFacts facts = ReadCertificateFacts(Der(Certificate::SelfSigned(spec)));
  EXPECT_THAT(facts.subject, HasSubstr("\\1B[2J\\0A\\\"b"));
  EXPECT_THAT(facts.alternative_names, ElementsAre("DNS:x\\x00y\\x0D\\x0A\\x9B"));
  for (const std::string& text : {facts.subject, facts.issuer, facts.alternative_names[0]}) {
    for (const char c : text) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << text;
  }
}

TEST(CertificateFactsTest, WhatIsNoCertificateIsSaidToBeNone) {
  EXPECT_FALSE(ReadCertificateFacts("").parsed);
  EXPECT_FALSE(ReadCertificateFacts("not DER at all").parsed);
  const std::string der = Der(Certificate::SelfSigned(tools::CaSpec("root")));
  EXPECT_FALSE(ReadCertificateFacts(std::string_view(der).substr(0, der.size() - 1)).parsed);
}

}  // namespace
}  // namespace sluice::tls
