#include "tls/posture.h"

#include <openssl/base.h>
#include <openssl/mem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tls/certificate_facts.h"
#include "tls/pem.h"

namespace sluice::tls {
namespace {

constexpr int64_t kDayS = 86'400;

using Certificates = std::vector<bssl::UniquePtr<X509>>;

CertificateFacts FactsOf(X509* certificate) {
  uint8_t* der = nullptr;
  const int der_len = i2d_X509(certificate, &der);
  CHECK_GT(der_len, 0);
  const bssl::UniquePtr<uint8_t> free_der(der);
  return ReadCertificateFacts({reinterpret_cast<const char*>(der), static_cast<size_t>(der_len)});
}

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
                  std::string_view consequence) {
    const CertificateFacts facts = FactsOf(certificate);
    const std::string subject =
        facts.subject.empty() ? std::string(what) : absl::StrCat(what, " \"", facts.subject, "\"");
    if (facts.not_after_s < now_s_) {
      Add(field, absl::StrCat("the ", subject, " in \"", file.path, "\" expired ",
                              When(facts.not_after_s, now_s_), ": ", consequence, "; renew it"));
    } else if (facts.not_after_s < now_s_ + kExpiryWarningDays * kDayS) {
      Add(field, absl::StrCat("the ", subject, " in \"", file.path, "\" expires ",
                              When(facts.not_after_s, now_s_), ": renew it in time"));
    } else if (facts.not_before_s > now_s_) {
      Add(field, absl::StrCat("the ", subject, " in \"", file.path, "\" becomes valid ",
                              When(facts.not_before_s, now_s_), ", not before: until then ",
                              consequence, "; look at this machine's clock"));
    }
  }

  void OfCas(const File& file, const Certificates& cas) {
    const auto is_ca = [](const auto& one) { return X509_check_ca(one.get()) != 0; };
    if (std::none_of(cas.begin(), cas.end(), is_ca)) {
      Add(Field::kTrustedCertificate,
          absl::StrCat("no certificate in \"", file.path,
                       "\" is a CA (basicConstraints CA:TRUE): it can vouch for nobody but itself; "
                       "expected that of the CA which issued the upstreams' certificates"));
    }
    const auto has_expired = [&](const auto& one) {
      return FactsOf(one.get()).not_after_s < now_s_;
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

  std::vector<Problem> Take() { return std::move(problems_); }

 private:
  void Add(Field field, std::string message) {
    problems_.push_back({.field = field, .fatal = false, .message = std::move(message)});
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
    if (cas.ok()) warnings.OfCas(settings.trusted_certificate, *cas);
  }
  return warnings.Take();
}

}  // namespace sluice::tls
