#include "tls/algorithm_lists.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Apply = bool(const std::string&, SSL_CTX*, std::vector<Problem>*);

struct Result {
  bool set;
  std::vector<uint16_t> offered;  // What a ClientHello carries.
  std::vector<std::string> errors;
};

// The 16-bit numbers in `extension` of the ClientHello that `ssl_ctx` makes.
std::vector<uint16_t> Offered(SSL_CTX* ssl_ctx, uint16_t extension) {
  const bssl::UniquePtr<SSL> ssl(SSL_new(ssl_ctx));
  BIO* wire = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), wire);
  SSL_set_connect_state(ssl.get());
  EXPECT_EQ(SSL_do_handshake(ssl.get()), -1);
  const uint8_t* bytes;
  size_t bytes_len;
  EXPECT_EQ(BIO_mem_contents(wire, &bytes, &bytes_len), 1);
  CBS hello, session_id, suites, compression, extensions;
  CBS_init(&hello, bytes, bytes_len);
  // Record header, handshake header, version and random.
  EXPECT_TRUE(CBS_skip(&hello, 5 + 4 + 2 + 32));
  EXPECT_TRUE(CBS_get_u8_length_prefixed(&hello, &session_id));
  EXPECT_TRUE(CBS_get_u16_length_prefixed(&hello, &suites));
  EXPECT_TRUE(CBS_get_u8_length_prefixed(&hello, &compression));
  EXPECT_TRUE(CBS_get_u16_length_prefixed(&hello, &extensions));
  std::vector<uint16_t> numbers;
  while (CBS_len(&extensions) > 0) {
    uint16_t type;
    CBS body, list;
    EXPECT_TRUE(CBS_get_u16(&extensions, &type));
    EXPECT_TRUE(CBS_get_u16_length_prefixed(&extensions, &body));
    if (type != extension) continue;
    EXPECT_TRUE(CBS_get_u16_length_prefixed(&body, &list));
    uint16_t number;
    while (CBS_get_u16(&list, &number)) numbers.push_back(number);
  }
  ERR_clear_error();
  return numbers;
}

Result Try(Apply* apply, Field field, uint16_t extension, const std::string& list) {
  const bssl::UniquePtr<SSL_CTX> ssl_ctx(SSL_CTX_new(TLS_method()));
  Result result;
  std::vector<Problem> problems;
  result.set = apply(list, ssl_ctx.get(), &problems);
  EXPECT_EQ(ERR_peek_error(), 0u) << list;
  for (const Problem& problem : problems) {
    EXPECT_EQ(problem.field, field);
    EXPECT_TRUE(problem.fatal);
    result.errors.push_back(problem.message);
  }
  EXPECT_EQ(result.set, result.errors.empty()) << list;
  result.offered = Offered(ssl_ctx.get(), extension);
  return result;
}

Result Groups(const std::string& list) {
  return Try(ApplyGroups, Field::kGroups, TLSEXT_TYPE_supported_groups, list);
}
Result Signatures(const std::string& list) {
  return Try(ApplySignatureAlgorithms, Field::kSignatureAlgorithms,
             TLSEXT_TYPE_signature_algorithms, list);
}

TEST(GroupsTest, AreOfferedInTheOrderGiven) {
  EXPECT_THAT(Groups("P-384:X25519").offered, ElementsAre(SSL_CURVE_SECP384R1, SSL_CURVE_X25519));
  EXPECT_THAT(Groups("P-521").offered, ElementsAre(SSL_CURVE_SECP521R1));
}

TEST(GroupsTest, AreKnownByEachOfOpenSslsNamesInEitherCase) {
  for (const char* name : {"P-256", "prime256v1", "secp256r1", "p-256", "PRIME256V1"}) {
    EXPECT_THAT(Groups(name).offered, ElementsAre(SSL_CURVE_SECP256R1)) << name;
  }
  EXPECT_THAT(Groups("x25519:secp384r1:secp521r1").offered,
              ElementsAre(SSL_CURVE_X25519, SSL_CURVE_SECP384R1, SSL_CURVE_SECP521R1));
}

TEST(GroupsTest, EachUnknownOneIsNamedWithTheKnownOnes) {
  const std::vector<uint16_t> untouched = Offered(
      bssl::UniquePtr<SSL_CTX>(SSL_CTX_new(TLS_method())).get(), TLSEXT_TYPE_supported_groups);
  const Result result = Groups("X25519:X448:ffdhe2048");
  EXPECT_THAT(result.errors,
              ElementsAre("unknown group \"X448\": expected some of X25519, P-256, P-384, P-521, "
                          "joined by ':'",
                          HasSubstr("\"ffdhe2048\"")));
  EXPECT_EQ(result.offered, untouched);
  // TLS 1.3 does not have it, though BoringSSL does.
  EXPECT_THAT(Groups("P-224").errors, ElementsAre(HasSubstr("unknown group \"P-224\"")));
}

TEST(GroupsTest, NoneMayStandTwiceUnderWhateverName) {
  EXPECT_THAT(Groups("P-256:X25519:prime256v1").errors,
              ElementsAre(AllOf(HasSubstr("\"prime256v1\" stands twice"), HasSubstr("remove"))));
}

TEST(GroupsTest, EmptyNamesAreRefused) {
  for (const char* list : {"", ":", "X25519:", ":X25519", "X25519::P-256"}) {
    EXPECT_FALSE(Groups(list).set) << list;
    EXPECT_THAT(Groups(list).errors[0], HasSubstr("has no name")) << list;
  }
}

TEST(GroupsTest, ControlCharactersAreEscaped) {
  EXPECT_THAT(Groups("\x1b[31m").errors, ElementsAre(HasSubstr("\"\\x1B[31m\"")));
}

TEST(SignatureAlgorithmsTest, AreOfferedInTheOrderGivenUnderEitherName) {
  EXPECT_THAT(
      Signatures("rsa_pss_rsae_sha256:ECDSA+SHA384:ed25519").offered,
      ElementsAre(SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_ED25519));
  EXPECT_THAT(Signatures("PSS+SHA512:RSA-PSS+SHA384:rsa+sha1").offered,
              ElementsAre(SSL_SIGN_RSA_PSS_RSAE_SHA512, SSL_SIGN_RSA_PSS_RSAE_SHA384,
                          SSL_SIGN_RSA_PKCS1_SHA1));
}

TEST(SignatureAlgorithmsTest, BothNamesOfOneMeanTheSameToBoringSsl) {
  for (const char* list : {"ecdsa_secp256r1_sha256",
                           "ECDSA+SHA256",
                           "ecdsa_secp384r1_sha384",
                           "ECDSA+SHA384",
                           "ecdsa_secp521r1_sha512",
                           "ECDSA+SHA512",
                           "ed25519",
                           "rsa_pss_rsae_sha256",
                           "RSA-PSS+SHA256",
                           "PSS+SHA256",
                           "rsa_pss_rsae_sha384",
                           "RSA-PSS+SHA384",
                           "PSS+SHA384",
                           "rsa_pss_rsae_sha512",
                           "RSA-PSS+SHA512",
                           "PSS+SHA512",
                           "rsa_pkcs1_sha256",
                           "RSA+SHA256",
                           "rsa_pkcs1_sha384",
                           "RSA+SHA384",
                           "rsa_pkcs1_sha512",
                           "RSA+SHA512",
                           "rsa_pkcs1_sha1",
                           "RSA+SHA1",
                           "ecdsa_sha1",
                           "ECDSA+SHA1"}) {
    const bssl::UniquePtr<SSL_CTX> by_boringssl(SSL_CTX_new(TLS_method()));
    ASSERT_EQ(SSL_CTX_set1_sigalgs_list(by_boringssl.get(), list), 1) << list;
    EXPECT_EQ(Signatures(list).offered,
              Offered(by_boringssl.get(), TLSEXT_TYPE_signature_algorithms))
        << list;
  }
}

TEST(SignatureAlgorithmsTest, EachUnknownOneIsNamedWithTheKnownOnes) {
  const Result result = Signatures("ed448:RSA+SHA256:DSA+SHA1:rsa_pkcs1_md5_sha1");
  ASSERT_THAT(result.errors, SizeIs(3));
  EXPECT_THAT(result.errors[0],
              AllOf(HasSubstr("unknown signature algorithm \"ed448\""), HasSubstr("ed25519")));
  EXPECT_THAT(result.errors[1], HasSubstr("\"DSA+SHA1\""));
  EXPECT_THAT(result.errors[2], HasSubstr("\"rsa_pkcs1_md5_sha1\""));
}

TEST(SignatureAlgorithmsTest, NoneMayStandTwiceAndNoneMayBeEmpty) {
  EXPECT_THAT(Signatures("RSA+SHA256:rsa_pkcs1_sha256").errors,
              ElementsAre(HasSubstr("stands twice")));
  EXPECT_THAT(Signatures("").errors, ElementsAre(HasSubstr("has no name")));
  EXPECT_THAT(Signatures("ed25519").errors, IsEmpty());
}

}  // namespace
}  // namespace sluice::tls
