#include "tools/certificate_maker.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace sluice::tools {
namespace {

int CountOf(std::string_view text, std::string_view part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

bssl::UniquePtr<BIO> ReaderOf(const std::string& text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<ossl_ssize_t>(text.size())));
}

TEST(CertificateMakerTest, EveryKindOfKeySignsAndIsSigned) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kP521, KeyKind::kEd25519,
                             KeyKind::kRsa1024, KeyKind::kRsa2048}) {
    CertificateSpec spec = CaSpec("ca");
    spec.key_kind = kind;
    const Certificate ca = Certificate::SelfSigned(spec);
    const Certificate leaf = ca.Issue(ServerSpec({"backend.test"}));
    EXPECT_EQ(X509_verify(ca.x509(), ca.key()), 1);
    EXPECT_EQ(X509_verify(leaf.x509(), ca.key()), 1);
    EXPECT_EQ(X509_check_private_key(leaf.x509(), leaf.key()), 1);
    EXPECT_EQ(X509_check_issued(ca.x509(), leaf.x509()), X509_V_OK);
    EXPECT_NE(X509_verify(leaf.WithBrokenSignature().x509(), ca.key()), 1);
  }
  ERR_clear_error();
}

TEST(CertificateMakerTest, EveryKindOfSignatureIsMade) {
  CertificateSpec spec = CaSpec("ca");
  spec.key_kind = KeyKind::kRsa1024;
  const Certificate ca = Certificate::SelfSigned(spec);
  spec = ServerSpec({"backend.test"});
  spec.pss = true;
  EXPECT_EQ(X509_verify(ca.Issue(spec).x509(), ca.key()), 1);
  spec.pss = false;
  spec.digest = Digest::kSha1;
  EXPECT_EQ(X509_verify(ca.Issue(spec).x509(), ca.key()), 1);
  spec.digest = Digest::kMd5;
  const Certificate md5 = ca.Issue(spec);
  EXPECT_EQ(X509_get_signature_nid(md5.x509()), NID_md5WithRSAEncryption);
  EXPECT_NE(X509_verify(md5.x509(), ca.key()), 1);  // BoringSSL refuses MD5 on principle.
  ERR_clear_error();
}

TEST(CertificateMakerTest, ReissuedCertificatesHaveTheSameKey) {
  const Certificate root = Certificate::SelfSigned(CaSpec("root"));
  const Certificate other = Certificate::SelfSigned(CaSpec("other"));
  const Certificate leaf = root.Issue(ServerSpec({"backend.test"}));
  const Certificate crossed = root.ReissueBy(other, CaSpec("root"));
  EXPECT_EQ(X509_verify(crossed.x509(), other.key()), 1);
  EXPECT_EQ(X509_check_issued(crossed.x509(), leaf.x509()), X509_V_OK);
  EXPECT_EQ(X509_verify(leaf.x509(), crossed.key()), 1);
  EXPECT_NE(crossed.der(), root.der());
}

TEST(CertificateMakerTest, NamesAreToldApart) {
  const Certificate leaf =
      Certificate::SelfSigned(ServerSpec({"backend.test", "127.0.0.1", "::1", "*.other.test"}));
  X509* x509 = leaf.x509();
  EXPECT_EQ(X509_check_host(x509, "backend.test", 12, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509, "a.other.test", 12, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509, "127.0.0.1", 9, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(x509, "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(x509, "127.0.0.2", 0), 0);
}

TEST(CertificateMakerTest, SpecIsFollowed) {
  CertificateSpec spec = CaSpec("ca");
  spec.path_len = 3;
  spec.serial = 77;
  spec.not_before_s = 1'000'000'000;
  spec.not_after_s = 4'000'000'000;
  spec.unknown_critical_extension = true;
  const Certificate ca = Certificate::SelfSigned(spec);
  X509* x509 = ca.x509();
  EXPECT_EQ(ca.serial(), 77u);
  EXPECT_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(x509)), 77);
  EXPECT_EQ(X509_get_pathlen(x509), 3);
  EXPECT_EQ(X509_check_ca(x509), 1);
  EXPECT_EQ(X509_get_key_usage(x509), uint32_t{X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN});
  EXPECT_NE(X509_get_extension_flags(x509) & EXFLAG_CRITICAL, 0u);
  int64_t time_s;
  ASSERT_EQ(ASN1_TIME_to_posix(X509_get0_notBefore(x509), &time_s), 1);
  EXPECT_EQ(time_s, 1'000'000'000);
  ASSERT_EQ(ASN1_TIME_to_posix(X509_get0_notAfter(x509), &time_s), 1);
  EXPECT_EQ(time_s, 4'000'000'000);
}

TEST(CertificateMakerTest, ExtensionsThatAreNotAskedForAreLeftOut) {
  CertificateSpec spec;
  spec.key_identifiers = false;
  EXPECT_EQ(X509_get_ext_count(Certificate::SelfSigned(spec).x509()), 0);
}

TEST(CertificateMakerTest, SerialsDiffer) {
  EXPECT_NE(Certificate::SelfSigned({}).serial(), Certificate::SelfSigned({}).serial());
}

TEST(CertificateMakerTest, ChainEndsBeforeTheRoot) {
  const Certificate root = Certificate::SelfSigned(CaSpec("root"));
  const Certificate intermediate = root.Issue(CaSpec("intermediate"));
  const Certificate leaf = intermediate.Issue(ServerSpec({"backend.test"}));
  EXPECT_EQ(leaf.chain_pem(), leaf.pem() + intermediate.pem());
  EXPECT_EQ(root.chain_pem(), root.pem());
  EXPECT_EQ(CountOf(leaf.chain_pem(), "BEGIN CERTIFICATE"), 2);
}

TEST(CertificateMakerTest, KeysAreWrittenPlainAndEncrypted) {
  const Certificate leaf = Certificate::SelfSigned(ServerSpec({"backend.test"}));
  const bssl::UniquePtr<EVP_PKEY> plain(
      PEM_read_bio_PrivateKey(ReaderOf(leaf.key_pem()).get(), nullptr, nullptr, nullptr));
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(EVP_PKEY_cmp(plain.get(), leaf.key()), 1);
  const std::string encrypted = leaf.encrypted_key_pem("secret");
  EXPECT_EQ(CountOf(encrypted, "BEGIN ENCRYPTED PRIVATE KEY"), 1);
  const bssl::UniquePtr<EVP_PKEY> decrypted(PEM_read_bio_PrivateKey(
      ReaderOf(encrypted).get(), nullptr, nullptr, const_cast<char*>("secret")));
  ASSERT_NE(decrypted, nullptr);
  EXPECT_EQ(EVP_PKEY_cmp(decrypted.get(), leaf.key()), 1);
}

TEST(CertificateMakerTest, RevocationListsNameTheRevoked) {
  const Certificate ca = Certificate::SelfSigned(CaSpec("ca"));
  const Certificate good = ca.Issue(ServerSpec({"good.test"}));
  const Certificate revoked = ca.Issue(ServerSpec({"revoked.test"}));
  const std::string pem = ca.CrlPem({.revoked_serials = {revoked.serial(), 5}});
  const bssl::UniquePtr<X509_CRL> crl(
      PEM_read_bio_X509_CRL(ReaderOf(pem).get(), nullptr, nullptr, nullptr));
  ASSERT_NE(crl, nullptr);
  EXPECT_EQ(X509_CRL_verify(crl.get(), ca.key()), 1);
  X509_REVOKED* entry;
  EXPECT_EQ(X509_CRL_get0_by_cert(crl.get(), &entry, revoked.x509()), 1);
  EXPECT_EQ(X509_CRL_get0_by_cert(crl.get(), &entry, good.x509()), 0);
}

TEST(CertificateMakerDeathTest, WhatCannotBeMadeAborts) {
  CertificateSpec spec = ServerSpec({});
  spec.ip_addresses = {"1.2.3"};
  EXPECT_DEATH(Certificate::SelfSigned(spec), "\"1.2.3\" is no IP address");
}

}  // namespace
}  // namespace sluice::tools
