#include "tls/protocol.h"

#include <openssl/aead.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tls/algorithm_lists.h"
#include "tls/ciphers.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

// Holds every certificate of a peer once, however many connections and sessions have it. For good,
// because certificates point back to it, and sessions outlive every Context.
CRYPTO_BUFFER_POOL* CertificatePool() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  CHECK(pool != nullptr);
  return pool;
}

}  // namespace

std::vector<std::string> OfferedCiphers(Version min_version, Version max_version,
                                        const SSL_CTX* ssl_ctx) {
  std::vector<std::string> names;
  if (max_version >= Version::kTls13) {
    // BoringSSL's fixed order: AES first where the CPU has instructions for it.
    names = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    names.insert(EVP_has_aes_hardware() ? names.end() : names.begin(),
                 "TLS_CHACHA20_POLY1305_SHA256");
  }
  if (min_version <= Version::kTls12) {
    for (const SSL_CIPHER* cipher : SSL_CTX_get_ciphers(ssl_ctx)) {
      if (SSL_CIPHER_get_min_version(cipher) <= static_cast<uint16_t>(max_version)) {
        names.push_back(SSL_CIPHER_get_name(cipher));
      }
    }
  }
  return names;
}

void ApplyProtocol(const Protocol& protocol, SSL_CTX* ssl_ctx, std::vector<Problem>* problems) {
  CHECK_EQ(SSL_CTX_set_min_proto_version(ssl_ctx, static_cast<uint16_t>(protocol.min_version)), 1);
  CHECK_EQ(SSL_CTX_set_max_proto_version(ssl_ctx, static_cast<uint16_t>(protocol.max_version)), 1);
  ApplyGroups(protocol.groups, ssl_ctx, problems);
  ApplySignatureAlgorithms(protocol.signature_algorithms, ssl_ctx, problems);
  SSL_CTX_set0_buffer_pool(ssl_ctx, CertificatePool());
  // A caller may move plaintext that is not sealed yet, and one record a call is what Seal expects.
  // Splitting is what keeps TLS 1.0 CBC safe from chosen plaintext (CVE-2011-3389).
  SSL_CTX_set_mode(ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_CBC_RECORD_SPLITTING);
  if (ApplyCiphers(protocol.ciphers, ssl_ctx, problems) &&
      OfferedCiphers(protocol.min_version, protocol.max_version, ssl_ctx).empty()) {
    problems->push_back(
        {.field = Field::kCiphers,
         .message =
             absl::StrCat("cipher list \"", Printable(protocol.ciphers), "\" holds none that ",
                          VersionName(protocol.max_version),
                          " can use; add one such as \"ECDHE-RSA-AES128-SHA\", or add TLSv1.2 to ",
                          DirectivePrefix(protocol.peer), "protocols")});
  }
}

}  // namespace sluice::tls
