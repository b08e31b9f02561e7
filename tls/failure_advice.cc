#include "tls/failure_advice.h"

#include "absl/strings/match.h"

namespace sluice::tls {
namespace {

constexpr std::string_view kDemandsCertificate =
    "the upstream demands a client certificate, set proxy_ssl_certificate and "
    "proxy_ssl_certificate_key";

// What many servers send to a client without a certificate: only TLS 1.3 has a word for that.
bool MayMeanCertificateMissing(uint8_t alert) { return alert == 40 || alert == 42 || alert == 46; }

// RFC 8446 6.2, and of RFC 5246 7.2.2 what is still sent.
std::string_view AlertAdvice(uint8_t alert) {
  switch (alert) {
    case 40:  // handshake_failure
      return "the upstream has no cipher, group or signature algorithm in common with sluice, or "
             "demands a client certificate; look at proxy_ssl_ciphers and proxy_ssl_certificate";
    case 41:   // no_certificate
    case 116:  // certificate_required
      return kDemandsCertificate;
    case 42:  // bad_certificate
    case 46:  // certificate_unknown
      return "the upstream does not accept the client certificate, check proxy_ssl_certificate";
    case 43:  // unsupported_certificate
      return "the upstream cannot use a client certificate of this kind, replace "
             "proxy_ssl_certificate";
    case 44:  // certificate_revoked
      return "the client certificate is revoked, replace proxy_ssl_certificate";
    case 45:  // certificate_expired
      return "the client certificate has expired, renew proxy_ssl_certificate";
    case 48:  // unknown_ca
      return "the upstream does not know the CA of the client certificate; is its chain complete "
             "in proxy_ssl_certificate?";
    case 49:  // access_denied
      return "the upstream knows the client certificate and does not let it in";
    case 70:  // protocol_version
      return "the upstream speaks no TLS version that is offered, look at proxy_ssl_protocols";
    case 71:  // insufficient_security
      return "the upstream wants stronger ciphers, look at proxy_ssl_ciphers";
    case 80:  // internal_error
      return "the upstream's own log may tell why";
    case 112:  // unrecognized_name
      return "the upstream does not serve this name, look at proxy_ssl_name and "
             "proxy_ssl_server_name";
    case 120:  // no_application_protocol
      return "the upstream speaks none of the protocols that proxy_ssl_alpn offers";
    default:
      return "";
  }
}

}  // namespace

std::string_view FailureAdvice(const Failure& failure, bool certificate_missing) {
  if (failure.kind == FailureKind::kAlertReceived) {
    return certificate_missing && MayMeanCertificateMissing(failure.alert)
               ? kDemandsCertificate
               : AlertAdvice(failure.alert);
  }
  if (failure.kind != FailureKind::kProtocol) return "";
  if (absl::StrContains(failure.text, ":WRONG_VERSION_NUMBER")) {
    return "what the upstream sends is not TLS; is this its plaintext port, or does it want "
           "STARTTLS?";
  }
  if (absl::StrContains(failure.text, ":UNSUPPORTED_PROTOCOL")) {
    return "the upstream answers with a TLS version that is not offered, look at "
           "proxy_ssl_protocols";
  }
  if (absl::StrContains(failure.text, ":KEY_USAGE_BIT_INCORRECT")) {
    return "the keyUsage of the upstream's certificate lacks digitalSignature; have it reissued "
           "with it, or set proxy_ssl_verify_legacy on and leave TLSv1.3 out of "
           "proxy_ssl_protocols";
  }
  return "";
}

std::string_view ClientFailureAdvice(const Failure& failure) {
  if (failure.kind == FailureKind::kAlertReceived) {
    switch (failure.alert) {
      case 42:  // bad_certificate
      case 46:  // certificate_unknown
        return "the client does not accept the certificate, check ssl_certificate";
      case 43:  // unsupported_certificate
        return "the client cannot use a certificate of this kind, add one to ssl_certificate";
      case 45:  // certificate_expired
        return "the client finds the certificate expired, renew ssl_certificate";
      case 48:  // unknown_ca
        return "the client does not know the CA of the certificate; is its chain complete in "
               "ssl_certificate?";
      default:
        return "";
    }
  }
  if (failure.kind != FailureKind::kProtocol) return "";
  if (absl::StrContains(failure.text, ":HTTP_REQUEST")) {
    return "what the client sends is plain HTTP, not TLS";
  }
  if (absl::StrContains(failure.text, ":WRONG_VERSION_NUMBER")) {
    return "what the client sends is not TLS; or should \"listen\" have no \"ssl\" here?";
  }
  if (absl::StrContains(failure.text, ":UNSUPPORTED_PROTOCOL")) {
    return "the client offers no TLS version of ssl_protocols";
  }
  if (absl::StrContains(failure.text, ":NO_SHARED_CIPHER")) {
    return "the client offers none of ssl_ciphers, or none for the kind of ssl_certificate";
  }
  if (absl::StrContains(failure.text, ":NO_SHARED_GROUP")) {
    return "the client offers no group of ssl_ecdh_curve";
  }
  return "";
}

}  // namespace sluice::tls
