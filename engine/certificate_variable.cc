#include "engine/certificate_variable.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tls/certificate_facts.h"

namespace sluice::engine {
namespace {

using config::VariableId;

// As OpenSSL's ASN1_TIME_print writes times, and nginx with it.
std::string TimeText(int64_t time_s) {
  return absl::FormatTime("%b %e %H:%M:%S %Y GMT", absl::FromUnixSeconds(time_s),
                          absl::UTCTimeZone());
}

// Whole days, none once it has ended.
std::string DaysUntil(int64_t time_s) {
  constexpr int64_t kDayS = 86'400;
  const int64_t left_s = time_s - absl::ToUnixSeconds(absl::Now());
  return absl::StrCat(left_s < 0 ? 0 : left_s / kDayS);
}

}  // namespace

std::string CertificateVariable(std::string_view der, VariableId id) {
  const tls::CertificateFacts facts = tls::ReadCertificateFacts(der);
  if (!facts.parsed) return "";
  switch (id) {
    case VariableId::kSslClientRawCert:
      return tls::PemOf(der);
    case VariableId::kSslClientCert:
      return absl::StrReplaceAll(absl::StripSuffix(tls::PemOf(der), "\n"), {{"\n", "\n\t"}});
    case VariableId::kSslClientFingerprint:
      return tls::Sha1FingerprintOf(der);
    case VariableId::kSslClientIDn:
      return facts.issuer;
    case VariableId::kSslClientSDn:
      return facts.subject;
    case VariableId::kSslClientSerial:
      return facts.serial;
    case VariableId::kSslClientVStart:
      return TimeText(facts.not_before_s);
    case VariableId::kSslClientVEnd:
      return TimeText(facts.not_after_s);
    case VariableId::kSslClientVRemain:
      return DaysUntil(facts.not_after_s);
    default:
      return "";
  }
}

}  // namespace sluice::engine
