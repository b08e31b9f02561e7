#include "tls/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"

namespace sluice::tls {
namespace {

using ::testing::HasSubstr;

class PemTest : public ::testing::Test {
 protected:
  ~PemTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }
};

TEST_F(PemTest, ReadsEveryCertificateAndPassesOverOtherBlocks) {
  const auto& [root, intermediate, server, client] = Identities();
  const auto certificates = ReadCertificates(
      FileOf("all.pem", "Some words.\n" + root.pem() + server.key_pem() + server.pem()));
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  EXPECT_EQ(certificates->size(), 2u);
}

TEST_F(PemTest, SaysWhichCertificateIsDamaged) {
  std::string damaged = Identities().root.pem();
  damaged.replace(damaged.size() / 2, 4, "!!!!");
  EXPECT_THAT(
      ReadCertificates(FileOf("ca.pem", Identities().root.pem() + damaged)).status().message(),
      HasSubstr("\"ca.pem\": certificate number 2 is damaged ("));
}

TEST_F(PemTest, SaysThatThereIsNone) {
  for (const char* contents : {"", "no PEM", "-----BEGIN"}) {
    EXPECT_EQ(ReadCertificates(FileOf("ca.pem", contents)).status().message(),
              "\"ca.pem\" holds no certificate in PEM form");
    EXPECT_EQ(ReadCrls(FileOf("crl.pem", contents)).status().message(),
              "\"crl.pem\" holds no CRL in PEM form");
    EXPECT_EQ(ReadPrivateKey(FileOf("key.pem", contents), {}).status().message(),
              "\"key.pem\" holds no private key in PEM form");
  }
}

TEST_F(PemTest, ReadsCrls) {
  const auto crls = ReadCrls(
      FileOf("crl.pem", Identities().root.CrlPem({}) + Identities().intermediate.CrlPem({})));
  ASSERT_TRUE(crls.ok()) << crls.status();
  EXPECT_EQ(crls->size(), 2u);
}

TEST_F(PemTest, ReadsAPlainKeyWhateverThePasswords) {
  const File file = FileOf("key.pem", Identities().server.key_pem());
  EXPECT_TRUE(ReadPrivateKey(file, {}).ok());
  EXPECT_TRUE(ReadPrivateKey(file, {"not needed"}).ok());
}

TEST_F(PemTest, TriesPasswordsInTurn) {
  const File file = FileOf("key.pem", Identities().server.encrypted_key_pem("right"));
  EXPECT_TRUE(ReadPrivateKey(file, {"right"}).ok());
  EXPECT_TRUE(ReadPrivateKey(file, {"wrong", "", "right", "other"}).ok());
  EXPECT_EQ(ReadPrivateKey(file, {"wrong", "rightt"}).status().message(),
            "\"key.pem\": none of the 2 passwords given decrypts the private key");
  EXPECT_EQ(ReadPrivateKey(file, {"wrong"}).status().message(),
            "\"key.pem\": the password given does not decrypt the private key");
  EXPECT_EQ(ReadPrivateKey(file, {}).status().message(),
            "\"key.pem\": the private key is encrypted and there is no password for it; set "
            "proxy_ssl_password_file");
}

TEST_F(PemTest, APasswordLongerThanBoringSslTakesIsAWrongOne) {
  const File file = FileOf("key.pem", Identities().server.encrypted_key_pem("right"));
  EXPECT_TRUE(ReadPrivateKey(file, {std::string(100'000, 'x'), "right"}).ok());
}

TEST_F(PemTest, ReadsKeysInTheTraditionalEncryptedForm) {
  tools::CertificateSpec spec = tools::ClientSpec("rsa");
  spec.key_kind = tools::KeyKind::kRsa1024;
  const auto certificate = tools::Certificate::SelfSigned(spec);
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_RSAPrivateKey(bio.get(), EVP_PKEY_get0_RSA(certificate.key()),
                                        EVP_aes_128_cbc(), nullptr, 0, nullptr,
                                        const_cast<char*>("right")),
            1);
  const uint8_t* text;
  size_t text_len;
  ASSERT_EQ(BIO_mem_contents(bio.get(), &text, &text_len), 1);
  const File file = FileOf("key.pem", std::string(reinterpret_cast<const char*>(text), text_len));
  EXPECT_THAT(file.contents, HasSubstr("Proc-Type: 4,ENCRYPTED"));
  EXPECT_TRUE(ReadPrivateKey(file, {"wrong", "right"}).ok());
  EXPECT_FALSE(ReadPrivateKey(file, {"wrong"}).ok());
}

TEST_F(PemTest, SaysThatAKeyIsDamaged) {
  EXPECT_THAT(
      ReadPrivateKey(
          FileOf("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), {})
          .status()
          .message(),
      HasSubstr("\"key.pem\": the private key is damaged"));
}

}  // namespace
}  // namespace sluice::tls
