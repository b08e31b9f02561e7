#include "tls/identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tls/error_queue.h"
#include "tls/pem.h"

namespace sluice::tls {
namespace {

// Smaller RSA keys are too small for OpenSSL at its default security level, and below 528 bits for
// the signatures of TLS 1.3 (RSA-PSS with SHA-256, RFC 8017 9.1.1).
constexpr int kRsaKeyBitsMin = 1024;

bssl::UniquePtr<CRYPTO_BUFFER> BufferOf(X509* certificate) {
  uint8_t* der = nullptr;
  const int der_len = i2d_X509(certificate, &der);
  CHECK_GT(der_len, 0);
  const bssl::UniquePtr<uint8_t> free_der(der);
  bssl::UniquePtr<CRYPTO_BUFFER> buffer(
      CRYPTO_BUFFER_new(der, static_cast<size_t>(der_len), nullptr));
  CHECK(buffer != nullptr);
  return buffer;
}

}  // namespace

bool ApplyIdentity(const File& certificate, const File& certificate_key,
                   const std::vector<std::string>& passwords, PeerRole peer, int index,
                   SSL_CTX* ssl_ctx, std::vector<Problem>* problems) {
  const auto report = [&](Field field, std::string message) {
    problems->push_back({.field = field, .message = std::move(message), .index = index});
  };
  if (!certificate.given()) return false;
  const auto chain = ReadCertificates(certificate);
  if (!chain.ok()) report(Field::kCertificate, std::string(chain.status().message()));
  if (!certificate_key.given()) return false;
  const auto key = ReadPrivateKey(certificate_key, passwords, peer);
  if (!key.ok()) report(Field::kCertificateKey, std::string(key.status().message()));
  if (!chain.ok() || !key.ok()) return false;

  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    report(Field::kCertificateKey,
           absl::StrCat("\"", certificate_key.path,
                        "\": the key does not belong to the first certificate of \"",
                        certificate.path, "\""));
    return false;
  }
  const int key_bits = EVP_PKEY_bits(key->get());
  if (EVP_PKEY_id(key->get()) == EVP_PKEY_RSA && key_bits < kRsaKeyBitsMin) {
    report(Field::kCertificateKey,
           absl::StrCat("\"", certificate_key.path, "\": an RSA key of ", key_bits,
                        " bits is too small to be of use; make one of 2048 or more"));
    return false;
  }
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> owned;
  std::vector<CRYPTO_BUFFER*> buffers;
  for (const auto& one : *chain) {
    owned.push_back(BufferOf(one.get()));
    buffers.push_back(owned.back().get());
  }
  ERR_clear_error();
  if (SSL_CTX_set_chain_and_key(ssl_ctx, buffers.data(), buffers.size(), key->get(), nullptr) ==
      1) {
    return true;
  }
  const std::string reason = DrainErrorQueue().reason;
  report(Field::kCertificate,
         absl::StrCat("\"", certificate.path, "\" cannot be used as a ",
                      peer == PeerRole::kUpstream ? "client" : "server", " certificate",
                      reason == "KEY_USAGE_BIT_INCORRECT"
                          ? ": its keyUsage lacks digitalSignature; have it reissued with it"
                          : absl::StrCat(" (", reason, ")")));
  return false;
}

}  // namespace sluice::tls
