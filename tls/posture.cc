#include "tls/posture.h"

#include <openssl/base.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tls/algorithm_lists.h"
#include "tls/certificate_facts.h"
#include "tls/error_queue.h"
#include "tls/pem.h"
#include "tls/verify_rules.h"

namespace sluice::tls {
namespace {

constexpr int64_t kDayS = 86'400;

using Certificates = std::vector<bssl::UniquePtr<X509>>;
using Crls = std::vector<bssl::UniquePtr<X509_CRL>>;

// "on 2026-12-01 (8 days ago)", "on 2026-12-01 (in 8 days)".
std::string When(int64_t time_s, int64_t now_s) {
  const std::string date =
      absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(time_s), absl::UTCTimeZone());
  const int64_t days = std::abs(time_s - now_s) / kDayS;
  const std::string span = absl::StrCat(days, days == 1 ? " day" : " days");
  if (days == 0) return absl::StrCat("on ", date, " (within a day)");
  return absl::StrCat(
      "on ", date,
      time_s < now_s ? absl::StrCat(" (", span, " ago)") : absl::StrCat(" (in ", span, ")"));
}

class Warnings {
 public:
  explicit Warnings(int64_t now_s) : now_s_(now_s) {}

  // `what`: "certificate", "CA". `consequence` of its not being valid any more.
  void OfValidity(Field field, const File& file, std::string_view what, X509* certificate,
                  std::string_view consequence, int index = 0) {
    const CertificateFacts facts = ReadCertificateFacts(certificate);
    const std::string subject =
        facts.subject.empty() ? std::string(what) : absl::StrCat(what, " \"", facts.subject, "\"");
    if (facts.not_after_s < now_s_) {
      Add(field,
          absl::StrCat("the ", subject, " in \"", file.path, "\" expired ",
                       When(facts.not_after_s, now_s_), ": ", consequence, "; renew it"),
          index);
    } else if (facts.not_after_s < now_s_ + kExpiryWarningDays * kDayS) {
      Add(field,
          absl::StrCat("the ", subject, " in \"", file.path, "\" expires ",
                       When(facts.not_after_s, now_s_), ": renew it in time"),
          index);
    } else if (facts.not_before_s > now_s_) {
      Add(field,
          absl::StrCat("the ", subject, " in \"", file.path, "\" becomes valid ",
                       When(facts.not_before_s, now_s_), ", not before: until then ", consequence,
                       "; look at this machine's clock"),
          index);
    }
  }

  void OfCas(const File& file, const Certificates& cas) {
    const auto is_ca = [](const auto& one) { return MayAnchor(one.get()); };
    if (std::none_of(cas.begin(), cas.end(), is_ca)) {
      const bool pins = std::any_of(cas.begin(), cas.end(), [](const auto& one) {
        return (X509_get_extension_flags(one.get()) & EXFLAG_SI) != 0;
      });
      Add(Field::kTrustedCertificate,
          absl::StrCat("no certificate in \"", file.path, "\" is a CA (basicConstraints CA:TRUE): ",
                       pins ? "it can vouch for nobody but itself"
                            : "it can vouch for nobody, and not even for itself because another "
                              "one has issued it",
                       "; expected that of the CA which issued the upstreams' certificates"));
    }
    const auto has_expired = [&](const auto& one) {
      return ReadCertificateFacts(one.get()).not_after_s < now_s_;
    };
    if (cas.size() <= static_cast<size_t>(kOwnCasMax)) {
      for (const auto& ca : cas) {
        OfValidity(Field::kTrustedCertificate, file, "CA", ca.get(),
                   "upstreams with a certificate from it are not trusted");
      }
    } else if (std::all_of(cas.begin(), cas.end(), has_expired)) {
      Add(Field::kTrustedCertificate, absl::StrCat("every CA in \"", file.path,
                                                   "\" has expired: no upstream is trusted; renew "
                                                   "them"));
    }
  }

  // CAs with weak keys of which there is a stronger one may be the rest of a renewal.
  void OfCaKeys(const File& file, const Certificates& cas) {
    const auto is_weak = [](const auto& one) { return !WeaknessOfKey(one.get()).empty(); };
    if (!std::all_of(cas.begin(), cas.end(), is_weak)) return;
    X509* first = cas.front().get();
    Add(Field::kTrustedCertificate,
        absl::StrCat("no CA in \"", file.path, "\" has a key that is strong enough: \"",
                     ReadCertificateFacts(first).subject, "\" has ", WeaknessOfKey(first),
                     "; no upstream is trusted; replace it, or set proxy_ssl_verify_legacy on"));
  }

  void OfCrls(const File& file, const Crls& crls, const Certificates& cas) {
    const auto is_of_a_ca = [&](const auto& crl) {
      return std::any_of(cas.begin(), cas.end(), [&](const auto& ca) {
        return X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(ca.get())) == 0;
      });
    };
    if (std::none_of(crls.begin(), crls.end(), is_of_a_ca)) {
      Add(Field::kCrl,
          absl::StrCat("no CRL in \"", file.path,
                       "\" is of a CA in proxy_ssl_trusted_certificate: every upstream "
                       "is refused; add the one that each CA issues"));
    }
    int64_t first_s = std::numeric_limits<int64_t>::max();
    for (const auto& crl : crls) {
      int64_t time_s = 0;
      if (ASN1_TIME_to_posix(X509_CRL_get0_lastUpdate(crl.get()), &time_s) != 1) time_s = 0;
      first_s = std::min(first_s, time_s);
    }
    if (first_s > now_s_) {
      Add(Field::kCrl,
          absl::StrCat("no CRL in \"", file.path, "\" is valid yet, the first one becomes so ",
                       When(first_s, now_s_),
                       ": until then every upstream is refused; look at this "
                       "machine's clock"));
    }
  }

  void OfSignatureAlgorithms(const Settings& settings) {
    const std::vector<uint16_t> codes = SignatureAlgorithmCodes(settings.signature_algorithms);
    if (codes.empty()) return;
    const auto is_sha1 = [](uint16_t code) {
      return code == SSL_SIGN_RSA_PKCS1_SHA1 || code == SSL_SIGN_ECDSA_SHA1;
    };
    // RFC 8446 4.2.3: PKCS #1 is for certificates only.
    const auto is_for_tls13 = [&](uint16_t code) {
      return !is_sha1(code) && code != SSL_SIGN_RSA_PKCS1_SHA256 &&
             code != SSL_SIGN_RSA_PKCS1_SHA384 && code != SSL_SIGN_RSA_PKCS1_SHA512;
    };
    if (std::all_of(codes.begin(), codes.end(), is_sha1)) {
      Add(Field::kSignatureAlgorithms,
          absl::StrCat("signature algorithms \"", Printable(settings.signature_algorithms),
                       "\" are all over SHA-1, which can be forged and which most upstreams no "
                       "longer use; add \"ECDSA+SHA256\" or \"RSA-PSS+SHA256\""));
    } else if (settings.max_version >= Version::kTls13 &&
               std::none_of(codes.begin(), codes.end(), is_for_tls13)) {
      Add(Field::kSignatureAlgorithms,
          absl::StrCat("signature algorithms \"", Printable(settings.signature_algorithms),
                       "\" hold none that TLS 1.3 can use, which is offered: upstreams that choose "
                       "it fail; add \"ECDSA+SHA256\" or \"RSA-PSS+SHA256\", or take TLSv1.3 out "
                       "of proxy_ssl_protocols"));
    }
  }

  std::vector<Problem> Take() { return std::move(problems_); }

 private:
  void Add(Field field, std::string message, int index = 0) {
    problems_.push_back(
        {.field = field, .fatal = false, .message = std::move(message), .index = index});
  }

  const int64_t now_s_;
  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> CheckPosture(const Settings& settings, int64_t now_s) {
  Warnings warnings(now_s);
  if (settings.certificate.given()) {
    const auto chain = ReadCertificates(settings.certificate);
    for (size_t i = 0; chain.ok() && i < chain->size(); ++i) {
      warnings.OfValidity(Field::kCertificate, settings.certificate, "certificate",
                          (*chain)[i].get(), "upstreams that verify it refuse it");
    }
  }
  if (settings.verify && settings.trusted_certificate.given()) {
    const auto cas = ReadCertificates(settings.trusted_certificate);
    if (cas.ok()) {
      warnings.OfCas(settings.trusted_certificate, *cas);
      if (!settings.verify_legacy) warnings.OfCaKeys(settings.trusted_certificate, *cas);
    }
    if (cas.ok() && settings.crl.given()) {
      const auto crls = ReadCrls(settings.crl);
      if (crls.ok()) warnings.OfCrls(settings.crl, *crls, *cas);
    }
  }
  warnings.OfSignatureAlgorithms(settings);
  return warnings.Take();
}

std::vector<Problem> CheckPosture(const ServerSettings& settings, int64_t now_s) {
  Warnings warnings(now_s);
  const auto check = [&](Field field, int index, const File& file, std::string_view what,
                         std::string_view consequence) {
    if (!file.given()) return;
    const auto certificates = ReadCertificates(file);
    // A bundle of CAs is someone else's to keep up to date.
    if (!certificates.ok() || certificates->size() > static_cast<size_t>(kOwnCasMax)) return;
    for (const auto& certificate : *certificates) {
      warnings.OfValidity(field, file, what, certificate.get(), consequence, index);
    }
  };
  for (size_t i = 0; i < settings.identities.size(); ++i) {
    check(Field::kCertificate, static_cast<int>(i), settings.identities[i].certificate,
          "certificate", "clients that verify it refuse it");
  }
  if (settings.verify_client == ClientVerification::kOff) return warnings.Take();
  constexpr std::string_view kRefused = "clients with a certificate from it are refused";
  check(Field::kClientCertificate, 0, settings.client_certificate, "CA", kRefused);
  check(Field::kTrustedCertificate, 0, settings.trusted_certificate, "CA", kRefused);
  return warnings.Take();
}

}  // namespace sluice::tls
