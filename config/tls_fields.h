// The directives that problems with TLS settings belong to.
#ifndef SLUICE_CONFIG_TLS_FIELDS_H_
#define SLUICE_CONFIG_TLS_FIELDS_H_

#include <cstddef>
#include <string_view>

#include "tls/settings.h"

namespace sluice::config {

struct TlsField {
  tls::Field field;
  std::string_view upstream;  // Of TLS to upstreams; empty: there it has none.
  std::string_view client;    // Of TLS with clients, likewise.
};

inline constexpr TlsField kTlsFields[] = {
    {tls::Field::kCertificate, "proxy_ssl_certificate", "ssl_certificate"},
    {tls::Field::kCertificateKey, "proxy_ssl_certificate_key", "ssl_certificate_key"},
    {tls::Field::kPasswordFile, "proxy_ssl_password_file", "ssl_password_file"},
    {tls::Field::kCiphers, "proxy_ssl_ciphers", "ssl_ciphers"},
    {tls::Field::kTrustedCertificate, "proxy_ssl_trusted_certificate", "ssl_trusted_certificate"},
    {tls::Field::kCrl, "proxy_ssl_crl", "ssl_crl"},
    {tls::Field::kName, "proxy_ssl_name", ""},
    {tls::Field::kGroups, "proxy_ssl_groups", "ssl_ecdh_curve"},
    {tls::Field::kSignatureAlgorithms, "proxy_ssl_conf_command", "ssl_conf_command"},
    {tls::Field::kAlpn, "proxy_ssl_alpn", "ssl_alpn"},
    {tls::Field::kClientCertificate, "", "ssl_client_certificate"},
    {tls::Field::kTicketKey, "", "ssl_session_ticket_key"},
};

// Each row stands at its field.
static_assert([] {
  size_t i = 0;
  for (const TlsField& row : kTlsFields) {
    if (static_cast<size_t>(row.field) != i++) return false;
  }
  return i == static_cast<size_t>(tls::Field::kTicketKey) + 1;
}());

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TLS_FIELDS_H_
