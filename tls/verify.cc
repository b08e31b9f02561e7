#include "tls/verify.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tls/error_queue.h"
#include "tls/pem.h"

namespace sluice::tls {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
// Deeper than any chain that a handshake message can hold usefully.
constexpr int kDepthMax = 100;

int64_t SecondsOf(const ASN1_TIME* time) {
  int64_t seconds;
  return time != nullptr && ASN1_TIME_to_posix(time, &seconds) == 1 ? seconds : kForever;
}

Verdict Untrusted(long error) {
  Verdict verdict;
  verdict.alert = static_cast<uint8_t>(SSL_alert_from_verify_result(error));
  verdict.failure = {.kind = FailureKind::kCertificateUntrusted,
                     .text = absl::StrCat("upstream SSL certificate verify error: (", error, ":",
                                          X509_verify_cert_error_string(error), ")")};
  return verdict;
}

Verdict NameMismatch(const PeerName& name) {
  Verdict verdict;
  verdict.alert = static_cast<uint8_t>(SSL_alert_from_verify_result(X509_V_ERR_HOSTNAME_MISMATCH));
  verdict.failure = {.kind = FailureKind::kNameMismatch,
                     .text = absl::StrCat("upstream SSL certificate does not match \"",
                                          Printable(name.text), "\"")};
  return verdict;
}

// One run of BoringSSL's chain builder.
struct ChainCheck {
  ChainCheck(X509_STORE* store, X509* leaf, STACK_OF(X509) * others, int depth)
      : context(X509_STORE_CTX_new()) {
    CHECK(context != nullptr);
    CHECK_EQ(X509_STORE_CTX_init(context.get(), store, leaf, others), 1);
    // The purposes and trust settings of a server's certificate as a client sees it.
    CHECK_EQ(X509_STORE_CTX_set_default(context.get(), "ssl_server"), 1);
    X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(context.get()), depth);
    ok = X509_verify_cert(context.get()) == 1;
    error = X509_STORE_CTX_get_error(context.get());
    // A check that could not be made is a failed one.
    if (!ok && error == X509_V_OK) error = X509_V_ERR_UNSPECIFIED;
  }

  int64_t good_until_s() const {
    int64_t good_until_s = kForever;
    for (const X509* certificate : X509_STORE_CTX_get0_chain(context.get())) {
      good_until_s = std::min(good_until_s, SecondsOf(X509_get0_notAfter(certificate)));
    }
    return good_until_s;
  }

  bssl::UniquePtr<X509_STORE_CTX> context;
  bool ok;
  int error;
};

bool IssuerMissing(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}

bool NameMatches(X509* leaf, const PeerName& name) {
  if (name.is_ip) return X509_check_ip_asc(leaf, name.text.c_str(), 0) == 1;
  return X509_check_host(leaf, name.text.data(), name.text.size(), 0, nullptr) == 1;
}

}  // namespace

std::unique_ptr<Verifier> Verifier::Create(const Settings& settings,
                                           std::vector<Problem>* problems) {
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  CHECK(store != nullptr);
  bool usable = true;

  const auto trusted = ReadCertificates(settings.trusted_certificate);
  if (trusted.ok()) {
    bool all_have_expired = true;
    for (const auto& certificate : *trusted) {
      CHECK_EQ(X509_STORE_add_cert(store.get(), certificate.get()), 1);
      if (SecondsOf(X509_get0_notAfter(certificate.get())) >= std::time(nullptr)) {
        all_have_expired = false;
      }
    }
    // Bundles of distributions always hold a few that have expired: no reason to warn.
    if (all_have_expired) {
      problems->push_back(
          {.field = Field::kTrustedCertificate,
           .fatal = false,
           .message = absl::StrCat("every CA in \"", settings.trusted_certificate.path,
                                   "\" has expired: no upstream will be trusted; "
                                   "renew them")});
    }
  } else {
    usable = false;
    problems->push_back(
        {.field = Field::kTrustedCertificate, .message = std::string(trusted.status().message())});
  }

  int64_t crls_good_until_s = kForever;
  if (settings.crl.given()) {
    const auto crls = ReadCrls(settings.crl);
    if (crls.ok()) {
      for (const auto& crl : *crls) {
        CHECK_EQ(X509_STORE_add_crl(store.get(), crl.get()), 1);
        crls_good_until_s =
            std::min(crls_good_until_s, SecondsOf(X509_CRL_get0_nextUpdate(crl.get())));
      }
      if (crls_good_until_s < std::time(nullptr)) {
        problems->push_back(
            {.field = Field::kCrl,
             .fatal = false,
             .message = absl::StrCat("\"", settings.crl.path,
                                     "\" holds a CRL that has expired: all that its "
                                     "CA has issued will be refused; renew it")});
      }
      X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    } else {
      usable = false;
      problems->push_back({.field = Field::kCrl, .message = std::string(crls.status().message())});
    }
  }
  ERR_clear_error();
  if (!usable) return nullptr;
  std::unique_ptr<Verifier> verifier(new Verifier(settings, std::move(store)));
  verifier->crls_good_until_s_ = crls_good_until_s;
  return verifier;
}

// nginx's depth counts the intermediates (as OpenSSL does since 1.1.0), BoringSSL's every CA.
Verifier::Verifier(const Settings& settings, bssl::UniquePtr<X509_STORE> store)
    : store_(std::move(store)),
      name_(ParsePeerName(settings.name)),
      depth_(std::clamp(settings.verify_depth, 0, kDepthMax - 1) + 1) {}

Verdict Verifier::Verify(const STACK_OF(CRYPTO_BUFFER) * chain) const {
  bssl::UniquePtr<STACK_OF(X509)> others(sk_X509_new_null());
  bssl::UniquePtr<X509> leaf;
  for (CRYPTO_BUFFER* buffer : chain) {
    bssl::UniquePtr<X509> certificate(X509_parse_from_buffer(buffer));
    if (certificate == nullptr) {
      Verdict verdict;
      verdict.alert = SSL_AD_DECODE_ERROR;
      verdict.failure = {.kind = FailureKind::kCertificateUntrusted,
                         .text = absl::StrCat("upstream SSL certificate cannot be parsed (SSL:",
                                              DrainErrorQueue().text, ")")};
      return verdict;
    }
    if (leaf == nullptr) {
      leaf = std::move(certificate);
    } else {
      CHECK(bssl::PushToStack(others.get(), std::move(certificate)));
    }
  }
  if (leaf == nullptr) return Untrusted(X509_V_ERR_UNSPECIFIED);

  const ChainCheck check(store_.get(), leaf.get(), others.get(), depth_);
  if (!check.ok) {
    // BoringSSL ends its search at the depth and reports the next issuer as missing. If a longer
    // chain does lead to a CA, the depth is the reason.
    const bool too_long = IssuerMissing(check.error) &&
                          ChainCheck(store_.get(), leaf.get(), others.get(), kDepthMax).ok;
    ERR_clear_error();
    return Untrusted(too_long ? X509_V_ERR_CERT_CHAIN_TOO_LONG : check.error);
  }
  const bool name_matches = NameMatches(leaf.get(), name_);
  ERR_clear_error();
  if (!name_matches) return NameMismatch(name_);

  Verdict verdict;
  verdict.trusted = true;
  verdict.trusted_until_s = std::min(check.good_until_s(), crls_good_until_s_);
  return verdict;
}

}  // namespace sluice::tls
