#include "tools/certificate_maker.h"

#include <openssl/bio.h>
#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "absl/log/check.h"

namespace sluice::tools {
namespace {

bssl::UniquePtr<EVP_PKEY> MakeKeyOf(int type, int curve_nid, int rsa_bits) {
  bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(type, nullptr));
  CHECK(context != nullptr);
  CHECK_EQ(EVP_PKEY_keygen_init(context.get()), 1);
  if (type == EVP_PKEY_EC) {
    CHECK_EQ(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context.get(), curve_nid), 1);
  } else if (type == EVP_PKEY_RSA) {
    CHECK_EQ(EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), rsa_bits), 1);
  }
  EVP_PKEY* key = nullptr;
  CHECK_EQ(EVP_PKEY_keygen(context.get(), &key), 1);
  return bssl::UniquePtr<EVP_PKEY>(key);
}

bssl::UniquePtr<EVP_PKEY> MakeKey(KeyKind kind) {
  switch (kind) {
    case KeyKind::kP224:
      return MakeKeyOf(EVP_PKEY_EC, NID_secp224r1, 0);
    case KeyKind::kP256:
      return MakeKeyOf(EVP_PKEY_EC, NID_X9_62_prime256v1, 0);
    case KeyKind::kP384:
      return MakeKeyOf(EVP_PKEY_EC, NID_secp384r1, 0);
    case KeyKind::kP521:
      return MakeKeyOf(EVP_PKEY_EC, NID_secp521r1, 0);
    case KeyKind::kEd25519:
      return MakeKeyOf(EVP_PKEY_ED25519, NID_undef, 0);
    case KeyKind::kRsa512:
      return MakeKeyOf(EVP_PKEY_RSA, NID_undef, 512);
    case KeyKind::kRsa768:
      return MakeKeyOf(EVP_PKEY_RSA, NID_undef, 768);
    case KeyKind::kRsa1024:
      return MakeKeyOf(EVP_PKEY_RSA, NID_undef, 1024);
    case KeyKind::kRsa2048:
      return MakeKeyOf(EVP_PKEY_RSA, NID_undef, 2048);
    case KeyKind::kRsa4096:
      return MakeKeyOf(EVP_PKEY_RSA, NID_undef, 4096);
  }
  std::abort();  // An enum holds nothing else.
}

const EVP_MD* DigestFor(Digest digest, const EVP_PKEY* signer) {
  if (EVP_PKEY_id(signer) == EVP_PKEY_ED25519) return nullptr;
  switch (digest) {
    case Digest::kMd5:
      return EVP_md5();
    case Digest::kSha1:
      return EVP_sha1();
    case Digest::kSha256:
      return EVP_sha256();
    case Digest::kSha384:
      return EVP_sha384();
    case Digest::kSha512:
      return EVP_sha512();
  }
  std::abort();  // An enum holds nothing else.
}

int NidOf(ExtendedKeyUsage usage) {
  switch (usage) {
    case ExtendedKeyUsage::kServerAuth:
      return NID_server_auth;
    case ExtendedKeyUsage::kClientAuth:
      return NID_client_auth;
    case ExtendedKeyUsage::kEmailProtection:
      return NID_email_protect;
  }
  std::abort();  // An enum holds nothing else.
}

bssl::UniquePtr<ASN1_TIME> TimeOf(int64_t seconds) {
  bssl::UniquePtr<ASN1_TIME> time(ASN1_TIME_set_posix(nullptr, seconds));
  CHECK(time != nullptr) << seconds << " s is no date that a certificate can hold";
  return time;
}

bssl::UniquePtr<ASN1_INTEGER> IntegerOf(uint64_t number) {
  bssl::UniquePtr<ASN1_INTEGER> integer(ASN1_INTEGER_new());
  CHECK(integer != nullptr);
  CHECK_EQ(ASN1_INTEGER_set_uint64(integer.get(), number), 1);
  return integer;
}

bssl::UniquePtr<GENERAL_NAME> TextName(int type, std::string_view text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  bssl::UniquePtr<ASN1_IA5STRING> value(ASN1_IA5STRING_new());
  CHECK(name != nullptr && value != nullptr);
  CHECK_EQ(ASN1_STRING_set(value.get(), text.data(), text.size()), 1);
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  return name;
}

bssl::UniquePtr<GENERAL_NAME> IpName(const std::string& text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  bssl::UniquePtr<ASN1_OCTET_STRING> value(a2i_IPADDRESS(text.c_str()));
  CHECK(name != nullptr);
  CHECK(value != nullptr) << "\"" << text << "\" is no IP address";
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value.release());
  return name;
}

void AddExtension(X509* x509, int nid, void* value, bool critical) {
  CHECK_EQ(X509_add1_ext_i2d(x509, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT), 1);
}

void AddAlternativeNames(X509* x509, const CertificateSpec& spec) {
  bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  CHECK(names != nullptr);
  for (const std::string& text : spec.dns_names) {
    CHECK(bssl::PushToStack(names.get(), TextName(GEN_DNS, text)));
  }
  for (const std::string& text : spec.ip_addresses) {
    CHECK(bssl::PushToStack(names.get(), IpName(text)));
  }
  for (const std::string& text : spec.emails) {
    CHECK(bssl::PushToStack(names.get(), TextName(GEN_EMAIL, text)));
  }
  for (const std::string& text : spec.uris) {
    CHECK(bssl::PushToStack(names.get(), TextName(GEN_URI, text)));
  }
  if (sk_GENERAL_NAME_num(names.get()) > 0) {
    AddExtension(x509, NID_subject_alt_name, names.get(), false);
  }
}

void AddBasicConstraints(X509* x509, const CertificateSpec& spec) {
  if (!spec.is_ca.has_value()) return;
  bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  CHECK(constraints != nullptr);
  constraints->ca = *spec.is_ca ? 0xff : 0;
  if (spec.path_len.has_value()) {
    constraints->pathlen = IntegerOf(static_cast<uint64_t>(*spec.path_len)).release();
  }
  AddExtension(x509, NID_basic_constraints, constraints.get(), true);
}

void AddKeyUsages(X509* x509, const CertificateSpec& spec) {
  if (spec.key_usage != kNoKeyUsage) {
    bssl::UniquePtr<ASN1_BIT_STRING> bits(ASN1_BIT_STRING_new());
    CHECK(bits != nullptr);
    for (int bit = 0; bit < 9; ++bit) {
      if ((spec.key_usage & (1 << bit)) != 0) {
        CHECK_EQ(ASN1_BIT_STRING_set_bit(bits.get(), bit, 1), 1);
      }
    }
    AddExtension(x509, NID_key_usage, bits.get(), true);
  }
  if (!spec.extended_key_usage.empty()) {
    bssl::UniquePtr<STACK_OF(ASN1_OBJECT)> usages(sk_ASN1_OBJECT_new_null());
    CHECK(usages != nullptr);
    for (const ExtendedKeyUsage usage : spec.extended_key_usage) {
      CHECK(bssl::PushToStack(usages.get(),
                              bssl::UniquePtr<ASN1_OBJECT>(OBJ_dup(OBJ_nid2obj(NidOf(usage))))));
    }
    AddExtension(x509, NID_ext_key_usage, usages.get(), false);
  }
}

// RFC 5280 4.2.1.10: address and mask, one behind the other.
bssl::UniquePtr<GENERAL_NAME> IpRange(const std::string& text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  bssl::UniquePtr<ASN1_OCTET_STRING> value(a2i_IPADDRESS_NC(text.c_str()));
  CHECK(name != nullptr);
  CHECK(value != nullptr) << "\"" << text << "\" is no IP address with a mask";
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value.release());
  return name;
}

STACK_OF(GENERAL_SUBTREE) *
    SubtreesOf(const std::vector<std::string>& dns_names, const std::vector<std::string>& ips) {
  if (dns_names.empty() && ips.empty()) return nullptr;
  STACK_OF(GENERAL_SUBTREE)* subtrees = sk_GENERAL_SUBTREE_new_null();
  CHECK(subtrees != nullptr);
  const auto add = [subtrees](bssl::UniquePtr<GENERAL_NAME> base) {
    GENERAL_SUBTREE* subtree = GENERAL_SUBTREE_new();
    CHECK(subtree != nullptr);
    GENERAL_NAME_free(subtree->base);
    subtree->base = base.release();
    CHECK_GT(sk_GENERAL_SUBTREE_push(subtrees, subtree), 0u);
  };
  for (const std::string& dns_name : dns_names) add(TextName(GEN_DNS, dns_name));
  for (const std::string& ip : ips) add(IpRange(ip));
  return subtrees;
}

void AddNameConstraints(X509* x509, const CertificateSpec& spec) {
  if (spec.permitted_dns.empty() && spec.excluded_dns.empty() && spec.permitted_ips.empty() &&
      spec.excluded_ips.empty()) {
    return;
  }
  NAME_CONSTRAINTS* constraints = NAME_CONSTRAINTS_new();
  CHECK(constraints != nullptr);
  constraints->permittedSubtrees = SubtreesOf(spec.permitted_dns, spec.permitted_ips);
  constraints->excludedSubtrees = SubtreesOf(spec.excluded_dns, spec.excluded_ips);
  AddExtension(x509, NID_name_constraints, constraints, true);
  NAME_CONSTRAINTS_free(constraints);
}

// RFC 5280 4.2.1.2 (1): the SHA-1 of the public key.
bssl::UniquePtr<ASN1_OCTET_STRING> KeyIdentifierOf(const X509* x509) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned hash_len;
  CHECK_EQ(X509_pubkey_digest(x509, EVP_sha1(), hash, &hash_len), 1);
  bssl::UniquePtr<ASN1_OCTET_STRING> identifier(ASN1_OCTET_STRING_new());
  CHECK(identifier != nullptr);
  CHECK_EQ(ASN1_STRING_set(identifier.get(), hash, hash_len), 1);
  return identifier;
}

bssl::UniquePtr<AUTHORITY_KEYID> AuthorityOf(const X509* issuer) {
  bssl::UniquePtr<AUTHORITY_KEYID> authority(AUTHORITY_KEYID_new());
  CHECK(authority != nullptr);
  authority->keyid = KeyIdentifierOf(issuer).release();
  return authority;
}

void AddKeyIdentifiers(X509* x509, const X509* issuer) {
  AddExtension(x509, NID_subject_key_identifier, KeyIdentifierOf(x509).get(), false);
  AddExtension(x509, NID_authority_key_identifier, AuthorityOf(issuer).get(), false);
}

void AddUnknownCriticalExtension(X509* x509) {
  bssl::UniquePtr<ASN1_OBJECT> object(OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1));
  bssl::UniquePtr<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
  CHECK(object != nullptr && value != nullptr);
  CHECK_EQ(ASN1_STRING_set(value.get(), "\x05\x00", 2), 1);  // DER NULL.
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, value.get()));
  CHECK(extension != nullptr);
  CHECK_EQ(X509_add_ext(x509, extension.get(), -1), 1);
}

// BoringSSL signs no certificate over MD5, so the signature is put in by hand (RFC 3279 2.2.1).
void SignWithMd5(X509* x509, EVP_PKEY* key) {
  RSA* rsa = EVP_PKEY_get0_RSA(key);
  CHECK(rsa != nullptr) << "only an RSA key signs over MD5";
  bssl::UniquePtr<X509_ALGOR> algorithm(X509_ALGOR_new());
  CHECK(algorithm != nullptr);
  CHECK_EQ(
      X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_md5WithRSAEncryption), V_ASN1_NULL, nullptr),
      1);
  CHECK_EQ(X509_set1_signature_algo(x509, algorithm.get()), 1);
  uint8_t* tbs = nullptr;
  const int tbs_len = i2d_re_X509_tbs(x509, &tbs);
  CHECK_GT(tbs_len, 0);
  const bssl::UniquePtr<uint8_t> free_tbs(tbs);
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned hash_len;
  CHECK_EQ(EVP_Digest(tbs, static_cast<size_t>(tbs_len), hash, &hash_len, EVP_md5(), nullptr), 1);
  std::vector<uint8_t> signature(RSA_size(rsa));
  unsigned signature_len;
  CHECK_EQ(RSA_sign(NID_md5, hash, hash_len, signature.data(), &signature_len, rsa), 1);
  CHECK_EQ(X509_set1_signature_value(x509, signature.data(), signature_len), 1);
}

void SignWithPss(X509* x509, EVP_PKEY* key, const EVP_MD* digest) {
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* key_context;
  CHECK_EQ(EVP_DigestSignInit(context.get(), &key_context, digest, nullptr, key), 1);
  CHECK_EQ(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING), 1);
  CHECK_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, -1), 1);  // As long as the hash.
  CHECK_GT(X509_sign_ctx(x509, context.get()), 0);
}

void Sign(X509* x509, EVP_PKEY* key, const CertificateSpec& spec) {
  const EVP_MD* digest = DigestFor(spec.digest, key);
  if (spec.pss) {
    SignWithPss(x509, key, digest);
  } else if (spec.digest == Digest::kMd5) {
    SignWithMd5(x509, key);
  } else {
    CHECK_GT(X509_sign(x509, key, digest), 0);
  }
}

uint64_t NextSerial() {
  // Begins high, so that no number is the only short one.
  static std::atomic<uint64_t> next = 0x1000;
  return next.fetch_add(1, std::memory_order_relaxed);
}

template <typename Write>
std::string PemOf(Write write) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr);
  CHECK_EQ(write(bio.get()), 1);
  const uint8_t* text;
  size_t text_len;
  CHECK_EQ(BIO_mem_contents(bio.get(), &text, &text_len), 1);
  return std::string(reinterpret_cast<const char*>(text), text_len);
}

}  // namespace

int64_t NowSeconds() { return std::time(nullptr); }

CertificateSpec CaSpec(std::string_view common_name) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.is_ca = true;
  spec.key_usage = kKeyCertSign | kCrlSign;
  return spec;
}

CertificateSpec ServerSpec(const std::vector<std::string>& names) {
  CertificateSpec spec;
  if (!names.empty()) spec.common_name = names.front();
  for (const std::string& name : names) {
    const bssl::UniquePtr<ASN1_OCTET_STRING> address(a2i_IPADDRESS(name.c_str()));
    (address != nullptr ? spec.ip_addresses : spec.dns_names).push_back(name);
  }
  spec.is_ca = false;
  spec.key_usage = kDigitalSignature | kKeyEncipherment;
  spec.extended_key_usage = {ExtendedKeyUsage::kServerAuth};
  return spec;
}

CertificateSpec ClientSpec(std::string_view common_name) {
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.is_ca = false;
  spec.key_usage = kDigitalSignature;
  spec.extended_key_usage = {ExtendedKeyUsage::kClientAuth};
  return spec;
}

struct Certificate::Parts {
  bssl::UniquePtr<X509> x509;
  bssl::UniquePtr<EVP_PKEY> key;
  uint64_t serial = 0;
  std::shared_ptr<const Parts> issuer;  // Null: self-signed.
};

Certificate Certificate::SelfSigned(const CertificateSpec& spec) {
  return Make(spec, MakeKey(spec.key_kind), nullptr);
}

Certificate Certificate::Issue(const CertificateSpec& spec) const {
  return Make(spec, MakeKey(spec.key_kind), parts_);
}

Certificate Certificate::ReissueBy(const Certificate& issuer, const CertificateSpec& spec) const {
  return Make(spec, bssl::UpRef(parts_->key), issuer.parts_);
}

Certificate Certificate::Make(const CertificateSpec& spec, bssl::UniquePtr<EVP_PKEY> key,
                              std::shared_ptr<const Parts> issuer) {
  auto parts = std::make_shared<Parts>();
  parts->x509.reset(X509_new());
  parts->key = std::move(key);
  parts->serial = spec.serial.value_or(NextSerial());
  X509* x509 = parts->x509.get();
  CHECK(x509 != nullptr);

  CHECK_EQ(X509_set_version(x509, X509_VERSION_3), 1);
  CHECK_EQ(X509_set_serialNumber(x509, IntegerOf(parts->serial).get()), 1);
  CHECK_EQ(X509_set1_notBefore(x509, TimeOf(spec.not_before_s).get()), 1);
  CHECK_EQ(X509_set1_notAfter(x509, TimeOf(spec.not_after_s).get()), 1);
  CHECK_EQ(X509_set_pubkey(x509, parts->key.get()), 1);
  if (!spec.common_name.empty()) {
    CHECK_EQ(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                        reinterpret_cast<const uint8_t*>(spec.common_name.data()),
                                        static_cast<int>(spec.common_name.size()), -1, 0),
             1);
  }
  X509* issuer_x509 = issuer != nullptr ? issuer->x509.get() : x509;
  EVP_PKEY* issuer_key = issuer != nullptr ? issuer->key.get() : parts->key.get();
  CHECK_EQ(X509_set_issuer_name(x509, X509_get_subject_name(issuer_x509)), 1);
  AddBasicConstraints(x509, spec);
  AddKeyUsages(x509, spec);
  AddAlternativeNames(x509, spec);
  AddNameConstraints(x509, spec);
  if (spec.key_identifiers) AddKeyIdentifiers(x509, issuer_x509);
  if (spec.unknown_critical_extension) AddUnknownCriticalExtension(x509);
  Sign(x509, issuer_key, spec);
  parts->issuer = std::move(issuer);
  return Certificate(std::move(parts));
}

Certificate Certificate::WithBrokenSignature() const {
  std::string changed = der();
  changed.back() ^= 1;
  const auto* next = reinterpret_cast<const uint8_t*>(changed.data());
  auto parts = std::make_shared<Parts>();
  parts->x509.reset(d2i_X509(nullptr, &next, static_cast<long>(changed.size())));
  CHECK(parts->x509 != nullptr);
  parts->key = bssl::UpRef(parts_->key);
  parts->serial = parts_->serial;
  parts->issuer = parts_->issuer;
  return Certificate(std::move(parts));
}

std::string Certificate::pem() const {
  return PemOf([this](BIO* bio) { return PEM_write_bio_X509(bio, parts_->x509.get()); });
}

std::string Certificate::chain_pem() const {
  std::string chain = pem();
  for (const Parts* link = parts_->issuer.get(); link != nullptr && link->issuer != nullptr;
       link = link->issuer.get()) {
    chain += PemOf([link](BIO* bio) { return PEM_write_bio_X509(bio, link->x509.get()); });
  }
  return chain;
}

std::string Certificate::key_pem() const {
  return PemOf([this](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, parts_->key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr);
  });
}

std::string Certificate::encrypted_key_pem(std::string_view password) const {
  return PemOf([this, password](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, parts_->key.get(), EVP_aes_256_cbc(),
                                         const_cast<char*>(password.data()),
                                         static_cast<int>(password.size()), nullptr, nullptr);
  });
}

std::string Certificate::CrlPem(const CrlSpec& spec) const {
  bssl::UniquePtr<X509_CRL> crl(X509_CRL_new());
  CHECK(crl != nullptr);
  CHECK_EQ(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2), 1);
  CHECK_EQ(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(parts_->x509.get())), 1);
  CHECK_EQ(X509_CRL_set1_lastUpdate(crl.get(), TimeOf(spec.this_update_s).get()), 1);
  CHECK_EQ(X509_CRL_set1_nextUpdate(crl.get(), TimeOf(spec.next_update_s).get()), 1);
  for (const uint64_t serial : spec.revoked_serials) {
    bssl::UniquePtr<X509_REVOKED> revoked(X509_REVOKED_new());
    CHECK(revoked != nullptr);
    CHECK_EQ(X509_REVOKED_set_serialNumber(revoked.get(), IntegerOf(serial).get()), 1);
    CHECK_EQ(X509_REVOKED_set_revocationDate(revoked.get(), TimeOf(spec.this_update_s).get()), 1);
    CHECK_EQ(X509_CRL_add0_revoked(crl.get(), revoked.get()), 1);
    static_cast<void>(revoked.release());
  }
  CHECK_EQ(X509_CRL_sort(crl.get()), 1);
  CHECK_EQ(
      X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, IntegerOf(1).get(), 0, X509V3_ADD_DEFAULT),
      1);
  if (spec.key_identifier) {
    CHECK_EQ(X509_CRL_add1_ext_i2d(crl.get(), NID_authority_key_identifier,
                                   AuthorityOf(parts_->x509.get()).get(), 0, X509V3_ADD_DEFAULT),
             1);
  }
  EVP_PKEY* key = parts_->key.get();
  CHECK_GT(X509_CRL_sign(crl.get(), key, DigestFor(Digest::kSha256, key)), 0);
  return PemOf([&crl](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl.get()); });
}

std::string Certificate::der() const {
  uint8_t* der = nullptr;
  const int der_len = i2d_X509(parts_->x509.get(), &der);
  CHECK_GT(der_len, 0);
  const bssl::UniquePtr<uint8_t> free_der(der);
  return std::string(reinterpret_cast<const char*>(der), static_cast<size_t>(der_len));
}

uint64_t Certificate::serial() const { return parts_->serial; }
X509* Certificate::x509() const { return parts_->x509.get(); }
EVP_PKEY* Certificate::key() const { return parts_->key.get(); }

}  // namespace sluice::tools
