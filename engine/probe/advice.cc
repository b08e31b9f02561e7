#include "engine/probe/advice.h"

#include <cerrno>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice::engine {
namespace {

struct Alert {
  uint8_t number;
  const char* name;
  const char* advice;
};

// RFC 8446 6.2, and of RFC 5246 7.2.2 what is still sent; with what usually is behind each.
constexpr Alert kAlerts[] = {
    {10, "unexpected_message", ""},
    {20, "bad_record_mac", ""},
    {40, "handshake_failure",
     "the two have no cipher, group or signature algorithm in common, or it wants a client "
     "certificate; look at proxy_ssl_ciphers, proxy_ssl_groups and proxy_ssl_certificate"},
    {41, "no_certificate", "it wants a client certificate: proxy_ssl_certificate"},
    {42, "bad_certificate", "it does not like our client certificate, or misses one"},
    {43, "unsupported_certificate", "our client certificate is of a kind it cannot use"},
    {44, "certificate_revoked", "our client certificate is on its revocation list"},
    {45, "certificate_expired", "our client certificate has expired: renew it"},
    {46, "certificate_unknown", "it does not like our client certificate"},
    {47, "illegal_parameter", ""},
    {48, "unknown_ca", "it does not know the CA of our client certificate"},
    {49, "access_denied", "it knows our client certificate and does not let it in"},
    {50, "decode_error", ""},
    {51, "decrypt_error", ""},
    {70, "protocol_version", "it does not speak this TLS version: proxy_ssl_protocols"},
    {71, "insufficient_security", "it wants stronger ciphers: proxy_ssl_ciphers"},
    {80, "internal_error", "its own log may tell why"},
    {86, "inappropriate_fallback", ""},
    {90, "user_canceled", ""},
    {109, "missing_extension", ""},
    {112, "unrecognized_name",
     "it does not serve this name: proxy_ssl_name and proxy_ssl_server_name"},
    {116, "certificate_required",
     "it wants a client certificate: proxy_ssl_certificate and proxy_ssl_certificate_key"},
    {120, "no_application_protocol", "it speaks none of the protocols offered: proxy_ssl_alpn"},
};

std::string AlertAdvice(uint8_t number) {
  for (const Alert& alert : kAlerts) {
    if (alert.number != number) continue;
    std::string text = absl::StrCat(": alert ", alert.name);
    if (alert.advice[0] != '\0') absl::StrAppend(&text, ", ", alert.advice);
    return text;
  }
  return absl::StrCat(": alert ", number);
}

}  // namespace

std::string ConnectAdvice(int error) {
  switch (error) {
    case ECONNREFUSED:
      return ": nobody listens there; is the upstream running, and the port right?";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ": there is no route to it from here";
    case ENOENT:
      return ": there is no such socket; is the upstream running?";
    case EACCES:
    case EPERM:
      return ": run as the user that sluice runs as, and look at the firewall's rules";
    default:
      return "";
  }
}

std::string TlsAdvice(const tls::Failure& failure) {
  switch (failure.kind) {
    case tls::FailureKind::kAlertReceived:
      return AlertAdvice(failure.alert);
    case tls::FailureKind::kNameMismatch:
      return "; the names it has are shown below: which of them is proxy_ssl_name to be?";
    case tls::FailureKind::kCertificateUntrusted:
      return "";
    case tls::FailureKind::kProtocol:
      if (absl::StrContains(failure.text, "UNSUPPORTED_PROTOCOL")) {
        return ": it does not speak this TLS version";
      }
      return "";
    case tls::FailureKind::kNone:
      return "";
  }
  return "";
}

}  // namespace sluice::engine
