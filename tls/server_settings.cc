#include "tls/server_settings.h"

namespace sluice::tls {

const char* ClientVerificationName(ClientVerification verification) {
  switch (verification) {
    case ClientVerification::kOff:
      return "off";
    case ClientVerification::kOn:
      return "on";
    case ClientVerification::kOptional:
      return "optional";
    case ClientVerification::kOptionalNoCa:
      return "optional_no_ca";
  }
  return "unknown";
}

std::vector<Problem> CheckServerCombination(const ServerSettings& settings) {
  std::vector<Problem> problems;
  if (settings.identities.empty() && !settings.reject_handshake) {
    problems.push_back({.field = Field::kCertificate,
                        .message = "no \"ssl_certificate\" is defined for \"listen ... ssl\": "
                                   "expected \"ssl_certificate FILE;\" and \"ssl_certificate_key "
                                   "FILE;\""});
  }
  const bool verifies = settings.verify_client == ClientVerification::kOn ||
                        settings.verify_client == ClientVerification::kOptional;
  if (verifies && !settings.client_certificate.given() && !settings.trusted_certificate.given()) {
    problems.push_back({.field = Field::kClientCertificate,
                        .message = "no \"ssl_client_certificate\" or \"ssl_trusted_certificate\" "
                                   "for \"ssl_verify_client\": expected a file with the CAs to "
                                   "trust"});
  }
  return problems;
}

}  // namespace sluice::tls
