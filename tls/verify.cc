#include "tls/verify.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tls/pem.h"
#include "tls/verify_rules.h"

namespace sluice::tls {
namespace {

using Crls = std::vector<bssl::UniquePtr<X509_CRL>>;

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
// Deeper than any chain that a handshake message can hold usefully.
constexpr int kDepthMax = 100;

int64_t SecondsOf(const ASN1_TIME* time) {
  int64_t seconds;
  return time != nullptr && ASN1_TIME_to_posix(time, &seconds) == 1 ? seconds : kForever;
}

// A parsed chain: what is to be judged, and what may lead from it to a CA.
struct Presented {
  bssl::UniquePtr<X509> leaf;
  bssl::UniquePtr<STACK_OF(X509)> others{sk_X509_new_null()};
};

bool IsValidAt(const X509* certificate, int64_t now_s) {
  return SecondsOf(X509_get0_notBefore(certificate)) <= now_s &&
         now_s < SecondsOf(X509_get0_notAfter(certificate));
}

bool IsIssuedBy(X509* certificate, X509* issuer) {
  return X509_check_issued(issuer, certificate) == X509_V_OK;
}

bool IsSelfSigned(X509* certificate) {
  return (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
}

using Certificates = bssl::UniquePtr<STACK_OF(X509)>;

// What the store of `context` has under `name`.
Certificates TrustedOf(X509_STORE_CTX* context, X509_NAME* name) {
  Certificates found(X509_STORE_get1_certs(context, name));
  if (found == nullptr) found.reset(sk_X509_new_null());
  CHECK(found != nullptr);
  return found;
}

bool HasSigned(X509* issuer, X509* certificate) {
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(issuer));
  return key != nullptr && X509_verify(certificate, key.get()) == 1;
}

// BoringSSL's lookup takes the first of the trusted certificates that may have issued
// `certificate`. While a CA is renewed the file holds two of it, perhaps with two keys. The one to
// take has the right key and is valid; of several, one that ends the chain, and then the one that
// lasts longest. A self-signed certificate is its own issuer. 1 if there is one, with a reference
// in `*issuer`.
int FindIssuer(X509** issuer, X509_STORE_CTX* context, X509* certificate) {
  const auto* now_s = static_cast<const int64_t*>(X509_STORE_CTX_get_app_data(context));
  // A context that BoringSSL made itself, for the path of a CRL.
  if (now_s == nullptr) return X509_STORE_CTX_get1_issuer(issuer, context, certificate);
  const auto rank = [&](X509* candidate) {
    return std::make_tuple(X509_cmp(candidate, certificate) == 0, HasSigned(candidate, certificate),
                           IsValidAt(candidate, *now_s), IsSelfSigned(candidate),
                           SecondsOf(X509_get0_notAfter(candidate)));
  };
  const Certificates trusted = TrustedOf(context, X509_get_issuer_name(certificate));
  std::vector<X509*> candidates;
  for (X509* candidate : trusted.get()) {
    if (IsIssuedBy(certificate, candidate)) candidates.push_back(candidate);
  }
  if (candidates.empty()) return 0;
  X509* best = candidates.front();
  if (candidates.size() > 1) {
    // Once for each: a rank costs a signature's check.
    auto best_rank = rank(best);
    for (size_t i = 1; i < candidates.size(); ++i) {
      const auto candidate_rank = rank(candidates[i]);
      if (candidate_rank <= best_rank) continue;
      best = candidates[i];
      best_rank = candidate_rank;
    }
  }
  // Of an intermediate that has run out the peer may have sent the new certificate.
  if (!IsValidAt(best, *now_s) && !IsSelfSigned(best)) {
    for (X509* sent : X509_STORE_CTX_get0_untrusted(context)) {
      if (IsValidAt(sent, *now_s) && IsIssuedBy(certificate, sent)) return 0;
    }
  }
  X509_up_ref(best);
  *issuer = best;
  return 1;
}

// A self-issued server certificate that is in the trusted file itself. One whose usages do not
// allow it to sign certificates is no issuer of its own, so that no chain leads to it.
bool IsPinned(X509_STORE_CTX* context, X509* leaf) {
  if ((X509_get_extension_flags(leaf) & EXFLAG_SI) == 0) return false;
  const Certificates trusted = TrustedOf(context, X509_get_subject_name(leaf));
  for (const X509* one : trusted.get()) {
    if (X509_cmp(one, leaf) == 0) return true;
  }
  return false;
}

// One run of BoringSSL's chain builder.
class ChainCheck {
 public:
  // `with_crls`: `store` has CRLs, and every certificate must be judged by one.
  ChainCheck(X509_STORE* store, const Presented& presented, bool with_crls, int depth,
             PeerRole role, int64_t now_s)
      : context_(X509_STORE_CTX_new()), now_s_(now_s) {
    X509_STORE_CTX* context = context_.get();
    CHECK(context != nullptr);
    CHECK_EQ(X509_STORE_CTX_init(context, store, presented.leaf.get(), presented.others.get()), 1);
    // The purposes and trust settings of a certificate as the other end sees it.
    CHECK_EQ(X509_STORE_CTX_set_default(context,
                                        role == PeerRole::kUpstream ? "ssl_server" : "ssl_client"),
             1);
    X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(context), depth);
    X509_STORE_CTX_set_time_posix(context, 0, now_s_);
    CHECK_EQ(X509_STORE_CTX_set_app_data(context, &now_s_), 1);
    if (!with_crls && IsPinned(context, presented.leaf.get())) {
      X509_STORE_CTX_set_flags(context, X509_V_FLAG_PARTIAL_CHAIN);
    }
    ok_ = X509_verify_cert(context) == 1;
    error_ = X509_STORE_CTX_get_error(context);
    // A check that could not be made is a failed one.
    if (!ok_ && error_ == X509_V_OK) error_ = X509_V_ERR_UNSPECIFIED;
    ERR_clear_error();
  }

  bool ok() const { return ok_; }
  int error() const { return error_; }
  const STACK_OF(X509) * chain() const { return X509_STORE_CTX_get0_chain(context_.get()); }

  // The depth of the certificate that error() is about. One that BoringSSL does not point to is
  // the last one it came to.
  int error_depth() const {
    const X509* culprit = X509_STORE_CTX_get_current_cert(context_.get());
    const int num_certificates = static_cast<int>(sk_X509_num(chain()));
    for (int depth = 0; depth < num_certificates; ++depth) {
      if (sk_X509_value(chain(), depth) == culprit) return depth;
    }
    return num_certificates - 1;
  }

 private:
  const bssl::UniquePtr<X509_STORE_CTX> context_;
  int64_t now_s_;  // FindIssuer reads it.
  bool ok_;
  int error_;
};

bool IssuerMissing(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}

bool IsOf(const X509_CRL* crl, const X509_NAME* issuer) {
  return X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) == 0;
}

std::string TimeText(const ASN1_TIME* time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(SecondsOf(time)),
                          absl::UTCTimeZone());
}

// What else an operator has to know to find the fault.
std::string DetailOf(PeerRole role, int error, int depth, X509* certificate, const Crls& crls) {
  const std::string_view prefix = DirectivePrefix(role);
  const X509_NAME* issuer = X509_get_issuer_name(certificate);
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return absl::StrCat("it was valid until ", TimeText(X509_get0_notAfter(certificate)),
                          "; renew it");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::StrCat("it is valid from ", TimeText(X509_get0_notBefore(certificate)),
                          " on; look at this machine's clock");
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_PURPOSE:
      return LacksOfPurpose(certificate, depth, role);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      return absl::StrCat(
          "no usable certificate of its issuer ", QuotedName(issuer), " came with it or is in ",
          prefix, role == PeerRole::kUpstream ? "trusted_certificate" : "client_certificate");
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return absl::StrCat(
          prefix, "crl has no ",
          absl::c_any_of(crls, [&](const auto& crl) { return IsOf(crl.get(), issuer); })
              ? "usable CRL of its issuer "
              : "CRL of its issuer ",
          QuotedName(issuer));
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      return absl::StrCat("in ", prefix, "crl, the CRL of its issuer ", QuotedName(issuer));
    default:
      return "";
  }
}

Verdict VerdictOf(PeerRole role, const ChainCheck& check, const Crls& crls) {
  const int depth = check.error_depth();
  X509* certificate = sk_X509_value(check.chain(), depth);
  if (check.error() == X509_V_ERR_CERT_SIGNATURE_FAILURE && SignedWithMd5(certificate)) {
    return Untrusted(role, Md5Rule(depth), certificate);
  }
  return Untrusted(role,
                   {.error = check.error(),
                    .words = X509_verify_cert_error_string(check.error()),
                    .alert = static_cast<uint8_t>(SSL_alert_from_verify_result(check.error())),
                    .depth = depth,
                    .detail = DetailOf(role, check.error(), depth, certificate, crls)},
                   certificate);
}

// `depth` counts CAs, root included, of which `chain` has more.
Verdict TooLong(PeerRole role, const STACK_OF(X509) * chain, int depth) {
  return Untrusted(
      role,
      {.error = X509_V_ERR_CERT_CHAIN_TOO_LONG,
       .words = X509_verify_cert_error_string(X509_V_ERR_CERT_CHAIN_TOO_LONG),
       .alert = static_cast<uint8_t>(SSL_alert_from_verify_result(X509_V_ERR_CERT_CHAIN_TOO_LONG)),
       .depth = depth,
       .detail = absl::StrCat(sk_X509_num(chain) - 2, " intermediate certificates where ",
                              DirectivePrefix(role), "verify_depth allows ", depth - 1)},
      sk_X509_value(chain, depth));
}

bool NameMatches(X509* leaf, const PeerName& name) {
  if (name.is_ip) return X509_check_ip_asc(leaf, name.text.c_str(), 0) == 1;
  return X509_check_host(leaf, name.text.data(), name.text.size(), 0, nullptr) == 1;
}

// Until when nothing changes for `chain`, which is good: its certificates last, and so do the CRLs
// of its CAs. A CRL that becomes valid later supersedes the present one then.
int64_t GoodUntil(const STACK_OF(X509) * chain, const Crls& crls, int64_t now_s) {
  int64_t good_until_s = kForever;
  for (const X509* certificate : chain) {
    good_until_s = std::min(good_until_s, SecondsOf(X509_get0_notAfter(certificate)));
    for (const auto& crl : crls) {
      if (!IsOf(crl.get(), X509_get_issuer_name(certificate))) continue;
      for (const ASN1_TIME* time :
           {X509_CRL_get0_lastUpdate(crl.get()), X509_CRL_get0_nextUpdate(crl.get())}) {
        const int64_t time_s = SecondsOf(time);
        if (time_s > now_s) good_until_s = std::min(good_until_s, time_s);
      }
    }
  }
  return good_until_s;
}

// Warns once for each CA whose last CRL has run out.
void CheckCrls(const File& file, const Crls& crls, int64_t now_s, std::vector<Problem>* problems) {
  for (auto crl = crls.begin(); crl != crls.end(); ++crl) {
    const X509_NAME* issuer = X509_CRL_get_issuer(crl->get());
    const auto same_issuer = [&](const auto& other) { return IsOf(other.get(), issuer); };
    if (std::any_of(crls.begin(), crl, same_issuer)) continue;
    const bool all_have_expired = std::all_of(crl, crls.end(), [&](const auto& other) {
      return !same_issuer(other) || SecondsOf(X509_CRL_get0_nextUpdate(other.get())) < now_s;
    });
    if (!all_have_expired) continue;
    problems->push_back({.field = Field::kCrl,
                         .fatal = false,
                         .message = absl::StrCat(
                             "\"", file.path, "\" holds a CRL that has expired: all that its CA ",
                             QuotedName(issuer), " has issued will be refused; renew it")});
  }
}

}  // namespace

std::unique_ptr<Verifier> Verifier::Create(const Settings& settings,
                                           std::vector<Problem>* problems) {
  return Create({.trusted = {&settings.trusted_certificate},
                 .crl = &settings.crl,
                 .name = settings.name,
                 .depth = settings.verify_depth,
                 .legacy = settings.verify_legacy},
                problems);
}

std::unique_ptr<Verifier> Verifier::Create(const TrustSettings& settings,
                                           std::vector<Problem>* problems) {
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  CHECK(store != nullptr);
  X509_STORE_set_get_issuer(store.get(), FindIssuer);
  const int64_t now_s = Moment::Now().wall_s;
  bool usable = true;

  for (size_t i = 0; i < settings.trusted.size(); ++i) {
    if (!settings.trusted[i]->given()) continue;
    const auto trusted = ReadCertificates(*settings.trusted[i]);
    if (trusted.ok()) {
      for (const auto& certificate : *trusted) {
        CHECK_EQ(X509_STORE_add_cert(store.get(), certificate.get()), 1);
      }
    } else {
      usable = false;
      problems->push_back({.field = settings.trusted_fields[i],
                           .message = std::string(trusted.status().message())});
    }
  }

  Crls kept_crls;
  if (settings.crl != nullptr && settings.crl->given()) {
    auto crls = ReadCrls(*settings.crl);
    if (crls.ok()) {
      for (const auto& crl : *crls) CHECK_EQ(X509_STORE_add_crl(store.get(), crl.get()), 1);
      X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
      CheckCrls(*settings.crl, *crls, now_s, problems);
      kept_crls = *std::move(crls);
    } else {
      usable = false;
      problems->push_back({.field = Field::kCrl, .message = std::string(crls.status().message())});
    }
  }
  ERR_clear_error();
  if (!usable) return nullptr;
  return std::unique_ptr<Verifier>(new Verifier(settings, std::move(store), std::move(kept_crls)));
}

// nginx's depth counts the intermediates (as OpenSSL does since 1.1.0), BoringSSL's every CA.
Verifier::Verifier(const TrustSettings& settings, bssl::UniquePtr<X509_STORE> store, Crls crls)
    : store_(std::move(store)),
      crls_(std::move(crls)),
      role_(settings.role),
      name_(ParsePeerName(settings.name)),
      depth_(std::clamp(settings.depth, 0, kDepthMax - 1) + 1),
      legacy_(settings.legacy) {}

Verdict Verifier::Verify(const STACK_OF(CRYPTO_BUFFER) * chain, const Moment& now) const {
  const ChainCache::Key key = ChainCache::KeyOf(chain);
  if (const auto trusted_until_s = cache_.Find(key, now)) return Trusted(*trusted_until_s);
  ++num_chains_built_;
  Verdict verdict = Build(chain, now.wall_s);
  if (verdict.trusted) cache_.Add(key, verdict.trusted_until_s, now);
  return verdict;
}

Verdict Verifier::Build(const STACK_OF(CRYPTO_BUFFER) * chain, int64_t now_s) const {
  Presented presented;
  std::vector<bssl::UniquePtr<X509>> not_valid_now;
  for (size_t depth = 0; depth < sk_CRYPTO_BUFFER_num(chain); ++depth) {
    bssl::UniquePtr<X509> certificate(X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(chain, depth)));
    if (certificate == nullptr) return Unparsable(role_, depth + 1);
    if (depth == 0) {
      presented.leaf = std::move(certificate);
    } else if (IsValidAt(certificate.get(), now_s)) {
      CHECK(bssl::PushToStack(presented.others.get(), std::move(certificate)));
    } else {
      not_valid_now.push_back(std::move(certificate));
    }
  }
  if (presented.leaf == nullptr) return NothingPresented(role_);
  // BoringSSL takes the first issuer that fits. Of an old and a new certificate of one CA that
  // should be the one that is valid.
  for (auto& certificate : not_valid_now) {
    CHECK(bssl::PushToStack(presented.others.get(), std::move(certificate)));
  }

  const bool with_crls = !crls_.empty();
  const ChainCheck check(store_.get(), presented, with_crls, depth_, role_, now_s);
  if (!check.ok()) {
    if (IssuerMissing(check.error())) {
      // BoringSSL ends its search at the depth and reports the next issuer as missing. If a longer
      // chain does lead to a CA, the depth is the reason.
      const ChainCheck longer(store_.get(), presented, with_crls, kDepthMax, role_, now_s);
      if (longer.ok()) return TooLong(role_, longer.chain(), depth_);
    }
    return VerdictOf(role_, check, crls_);
  }
  std::optional<BrokenRule> broken = FindBrokenRule(check.chain(), role_);
  if (!broken.has_value() && !legacy_) broken = FindWeakness(check.chain(), role_);
  const bool name_matches = role_ == PeerRole::kClient || NameMatches(presented.leaf.get(), name_);
  ERR_clear_error();
  if (broken.has_value()) {
    return Untrusted(role_, *broken, sk_X509_value(check.chain(), broken->depth));
  }
  if (!name_matches) return NameMismatch(name_, presented.leaf.get());
  return Trusted(GoodUntil(check.chain(), crls_, now_s));
}

}  // namespace sluice::tls
