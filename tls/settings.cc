#include "tls/settings.h"

namespace sluice::tls {

const char* VersionName(Version version) {
  switch (version) {
    case Version::kTls10:
      return "TLSv1";
    case Version::kTls11:
      return "TLSv1.1";
    case Version::kTls12:
      return "TLSv1.2";
    case Version::kTls13:
      return "TLSv1.3";
  }
  return "unknown";
}

const char* TicketUseName(TicketUse use) {
  switch (use) {
    case TicketUse::kReuse:
      return "reuse";
    case TicketUse::kSingleUse:
      return "single_use";
  }
  return "unknown";
}

std::vector<Problem> CheckCombination(const Settings& settings) {
  std::vector<Problem> problems;
  if (settings.certificate.given() && !settings.certificate_key.given()) {
    problems.push_back(
        {.field = Field::kCertificate,
         .message = "no \"proxy_ssl_certificate_key\" is defined for certificate \"" +
                    settings.certificate.path + "\""});
  }
  if (settings.certificate_key.given() && !settings.certificate.given()) {
    problems.push_back({.field = Field::kCertificateKey,
                        .fatal = false,
                        .message = "\"proxy_ssl_certificate_key\" has no effect without "
                                   "\"proxy_ssl_certificate\""});
  }
  if (settings.verify && !settings.trusted_certificate.given()) {
    problems.push_back({.field = Field::kTrustedCertificate,
                        .message = "no \"proxy_ssl_trusted_certificate\" for \"proxy_ssl_verify "
                                   "on\": expected a file with the CAs to trust"});
  }
  if ((settings.verify || settings.send_server_name) && settings.name.empty()) {
    problems.push_back({.field = Field::kName,
                        .message = std::string("no name to ") +
                                   (settings.verify ? "verify the upstream's certificate by"
                                                    : "send to the upstream") +
                                   ": a unix socket has none, add \"proxy_ssl_name NAME;\""});
  }
  return problems;
}

}  // namespace sluice::tls
