#include "tls/verify_verdict.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tls/certificate_facts.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

// A name may fill a whole handshake message; a log line only has to tell it from others.
constexpr size_t kNameBytesMax = 200;

// `text` is printable.
std::string Quoted(std::string text) {
  if (text.size() > kNameBytesMax) text = absl::StrCat(text.substr(0, kNameBytesMax), "...");
  return absl::StrCat("\"", text, "\"");
}

std::string SubjectOf(const X509* certificate) {
  return absl::StrCat(", subject ", QuotedName(X509_get_subject_name(certificate)));
}

// The names that count, as far as a log line has room for them.
std::string NamesOf(X509* leaf) {
  std::string names;
  const CertificateFacts facts = ReadCertificateFacts(leaf);
  for (const std::string& name : facts.alternative_names) {
    if (!absl::StartsWith(name, "DNS:") && !absl::StartsWith(name, "IP:")) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", absl::StrReplaceAll(name, {{"\"", "\\\""}}));
    if (names.size() > kNameBytesMax) break;
  }
  if (names.empty()) return ", which names no host and no address besides";
  return absl::StrCat(", which is for ", Quoted(names));
}

Verdict Refusal(FailureKind kind, std::string text, uint8_t alert) {
  Verdict verdict;
  verdict.alert = alert;
  verdict.failure = {.kind = kind, .text = std::move(text)};
  return verdict;
}

}  // namespace

Verdict Trusted(int64_t trusted_until_s) {
  Verdict verdict;
  verdict.trusted = true;
  verdict.trusted_until_s = trusted_until_s;
  return verdict;
}

Verdict Untrusted(PeerRole role, const BrokenRule& rule, const X509* certificate) {
  Verdict verdict =
      Refusal(FailureKind::kCertificateUntrusted,
              absl::StrCat(PeerRoleName(role), " SSL certificate verify error: (", rule.error, ":",
                           rule.words, ") at depth ", rule.depth, SubjectOf(certificate),
                           rule.detail.empty() ? "" : ", ", rule.detail),
              rule.alert);
  verdict.error = rule.error;
  verdict.words = rule.words;
  return verdict;
}

Verdict NameMismatch(const PeerName& name, X509* leaf) {
  return Refusal(FailureKind::kNameMismatch,
                 absl::StrCat("upstream SSL certificate does not match \"", Printable(name.text),
                              "\"", SubjectOf(leaf), NamesOf(leaf)),
                 static_cast<uint8_t>(SSL_alert_from_verify_result(X509_V_ERR_HOSTNAME_MISMATCH)));
}

Verdict Unparsable(PeerRole role, size_t number) {
  return Refusal(FailureKind::kCertificateUntrusted,
                 absl::StrCat(PeerRoleName(role), " SSL certificate cannot be parsed (SSL:",
                              DrainErrorQueue().text, "), number ", number, " of those sent"),
                 SSL_AD_DECODE_ERROR);
}

Verdict NothingPresented(PeerRole role) {
  return Refusal(FailureKind::kCertificateUntrusted,
                 absl::StrCat(PeerRoleName(role), " sent no SSL certificate"), SSL_AD_DECODE_ERROR);
}

std::string QuotedName(const X509_NAME* name) { return Quoted(NameText(name)); }

}  // namespace sluice::tls
