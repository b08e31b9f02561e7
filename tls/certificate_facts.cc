#include "tls/certificate_facts.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "absl/log/check.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

std::string_view BytesOf(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

std::string IpText(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return Printable(bytes);
  return inet_ntop(family, bytes.data(), text.data(), text.size());
}

std::vector<std::string> AlternativeNames(const X509* certificate) {
  std::vector<std::string> texts;
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return texts;
  for (const GENERAL_NAME* name : names.get()) {
    switch (name->type) {
      case GEN_DNS:
        texts.push_back(absl::StrCat("DNS:", Printable(BytesOf(name->d.dNSName))));
        break;
      case GEN_IPADD:
        texts.push_back(absl::StrCat("IP:", IpText(BytesOf(name->d.iPAddress))));
        break;
      case GEN_EMAIL:
        texts.push_back(absl::StrCat("email:", Printable(BytesOf(name->d.rfc822Name))));
        break;
      case GEN_URI:
        texts.push_back(
            absl::StrCat("URI:", Printable(BytesOf(name->d.uniformResourceIdentifier))));
        break;
      default:
        break;
    }
  }
  return texts;
}

std::string KeyText(const EVP_PKEY* key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      return "RSA";
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_EC: {
      const EC_GROUP* group = EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key));
      const char* curve = EC_curve_nid2nist(EC_GROUP_get_curve_name(group));
      return absl::StrCat("ECDSA ", curve != nullptr ? curve : "with an unknown curve");
    }
    default:
      return "unknown";
  }
}

std::string AlgorithmText(const ASN1_OBJECT* algorithm) {
  std::array<char, 128> text = {};
  OBJ_obj2txt(text.data(), text.size(), algorithm, /*always_return_oid=*/0);
  return Printable(text.data());
}

// As OpenSSL's i2a_ASN1_INTEGER.
std::string SerialText(const ASN1_INTEGER* serial) {
  const std::string_view bytes = BytesOf(serial);
  const bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
  const std::string digits = absl::AsciiStrToUpper(absl::BytesToHexString(bytes));
  return absl::StrCat(negative ? "-" : "", digits.empty() ? "00" : digits);
}

int64_t SecondsOf(const ASN1_TIME* time) {
  int64_t seconds = 0;
  return ASN1_TIME_to_posix(time, &seconds) == 1 ? seconds : 0;
}

}  // namespace

// RFC 2253's form escapes control characters, separators, and all that is not ASCII.
std::string NameText(const X509_name_st* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr);
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "(cannot be read)";
  const uint8_t* text = nullptr;
  size_t text_len = 0;
  CHECK_EQ(BIO_mem_contents(bio.get(), &text, &text_len), 1);
  return Printable({reinterpret_cast<const char*>(text), text_len});
}

std::string PemOf(std::string_view der) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr);
  CHECK_GT(
      PEM_write_bio(bio.get(), PEM_STRING_X509, "", reinterpret_cast<const uint8_t*>(der.data()),
                    static_cast<long>(der.size())),
      0);
  const uint8_t* text = nullptr;
  size_t text_len = 0;
  CHECK_EQ(BIO_mem_contents(bio.get(), &text, &text_len), 1);
  return {reinterpret_cast<const char*>(text), text_len};
}

std::string Sha1FingerprintOf(std::string_view der) {
  std::array<uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const uint8_t*>(der.data()), der.size(), digest.data());
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

CertificateFacts ReadCertificateFacts(std::string_view der) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
  const bssl::UniquePtr<X509> certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  if (certificate != nullptr) return ReadCertificateFacts(certificate.get());
  ERR_clear_error();
  return {};
}

CertificateFacts ReadCertificateFacts(x509_st* certificate) {
  CertificateFacts facts = {.parsed = true};
  facts.subject = NameText(X509_get_subject_name(certificate));
  facts.issuer = NameText(X509_get_issuer_name(certificate));
  facts.serial = SerialText(X509_get0_serialNumber(certificate));
  facts.self_issued =
      X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
  facts.alternative_names = AlternativeNames(certificate);
  facts.not_before_s = SecondsOf(X509_get0_notBefore(certificate));
  facts.not_after_s = SecondsOf(X509_get0_notAfter(certificate));
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate));
  facts.key = key != nullptr ? KeyText(key.get()) : "unknown";
  facts.key_bits = key != nullptr ? EVP_PKEY_bits(key.get()) : 0;
  const ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, X509_get0_tbs_sigalg(certificate));
  facts.signature_algorithm = AlgorithmText(algorithm);
  ERR_clear_error();
  return facts;
}

}  // namespace sluice::tls
