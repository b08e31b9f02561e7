// Rows for TLS to upstreams.
#include <optional>
#include <string>
#include <vector>

#include "config/call.h"
#include "config/conf_command.h"
#include "config/directives.h"
#include "config/limits.h"
#include "config/tls_values.h"

namespace sluice::config {
namespace {

template <tls::File tls::Settings::*kField>
void SetFile(Call& call) {
  SetPath(call, &(call.server->tls.*kField).path);
}

void SetPasswordFile(Call& call) { SetPath(call, &call.server->tls_password_path); }

void SetProtocols(Call& call) {
  tls::Settings& tls = call.server->tls;
  AddVersions(call, &call.server->tls_versions, &tls.min_version, &tls.max_version);
}

template <std::string tls::Settings::*kField>
void SetList(Call& call) {
  SetAlgorithms(call, &(call.server->tls.*kField));
}

void SetAlpn(Call& call) { SetProtocolNames(call, &call.server->tls.alpn); }

void SetKeyLog(Call& call) { SetKeyLogPath(call, &call.server->tls.key_log_path); }

void SetCache(Call& call) { SetCertificateCache(call, &call.server->server.certificate_cache); }

void SetTicketUse(Call& call) {
  for (const tls::TicketUse use : {tls::TicketUse::kSingleUse, tls::TicketUse::kReuse}) {
    if (call.arg(0).text != tls::TicketUseName(use)) continue;
    call.server->tls.ticket_use = use;
    return;
  }
  call.InvalidValue(call.arg(0), "\"single_use\" or \"reuse\"");
}

void SetName(Call& call) {
  if (!call.RefuseVariables(call.arg(0))) call.server->tls.name = call.arg(0).text;
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "proxy_ssl",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&ServerScope::tls_enabled>,
     .usage = "on|off",
     .help = "TLS on connections to upstreams."},
    {.name = "proxy_ssl_certificate",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::Settings::certificate>,
     .usage = "FILE",
     .help = "PEM: the certificate shown to upstreams, and its chain."},
    {.name = "proxy_ssl_certificate_key",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::Settings::certificate_key>,
     .usage = "FILE",
     .help = "PEM: the key of that certificate."},
    {.name = "proxy_ssl_password_file",
     .contexts = kStream | kServer,
     .set = SetPasswordFile,
     .usage = "FILE",
     .help = "Passwords for the key, one a line, tried in turn."},
    {.name = "proxy_ssl_protocols",
     .contexts = kStream | kServer,
     .args = {1, kUnbounded},
     .repeat = Repeat::kMany,
     .set = SetProtocols,
     .usage = "[TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]",
     .help = "The versions offered to upstreams."},
    {.name = "proxy_ssl_ciphers",
     .contexts = kStream | kServer,
     .set = SetList<&tls::Settings::ciphers>,
     .usage = "CIPHERS",
     .help = "Cipher suites up to TLS 1.2, in OpenSSL's syntax."},
    {.name = "proxy_ssl_trusted_certificate",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::Settings::trusted_certificate>,
     .usage = "FILE",
     .help = "PEM: the CAs that upstreams' certificates must come from."},
    {.name = "proxy_ssl_verify",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::Settings::verify>,
     .usage = "on|off",
     .help = "Whether upstreams' certificates are verified."},
    {.name = "proxy_ssl_verify_depth",
     .contexts = kStream | kServer,
     .set = SetNumber<&tls::Settings::verify_depth, 0, kVerifyDepthMax>,
     .usage = "NUMBER",
     .help = "How many intermediate CAs a chain may have."},
    {.name = "proxy_ssl_crl",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::Settings::crl>,
     .usage = "FILE",
     .help = "PEM: revoked certificates."},
    {.name = "proxy_ssl_name",
     .contexts = kStream | kServer,
     .set = SetName,
     .usage = "NAME",
     .help = "The name in the upstream's certificate; else that in proxy_pass."},
    {.name = "proxy_ssl_server_name",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::Settings::send_server_name>,
     .usage = "on|off",
     .help = "Whether to send the name (SNI)."},
    {.name = "proxy_ssl_session_reuse",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::Settings::session_reuse>,
     .usage = "on|off",
     .help = "Whether TLS sessions are resumed."},
    {.name = "proxy_ssl_session_tickets",
     .contexts = kStream | kServer,
     .set = SetTicketUse,
     .usage = "single_use|reuse",
     .help = "Whether the newest TLS 1.3 ticket may be offered again when no other is left."},
    {.name = "proxy_ssl_session_cache",
     .contexts = kStream | kServer,
     .set =
         SetSize<&tls::Settings::session_cache_bytes, kSessionCacheBytesMin, kSessionCacheBytesMax>,
     .usage = "SIZE",
     .help = "What the sessions kept for one peer may take."},
    {.name = "proxy_ssl_alpn",
     .contexts = kStream | kServer,
     .args = {1, kUnbounded},
     .set = SetAlpn,
     .usage = "NAME...",
     .help = "The application protocols offered to upstreams, the preferred one first."},
    {.name = "proxy_ssl_groups",
     .contexts = kStream | kServer,
     .set = SetList<&tls::Settings::groups>,
     .usage = "NAME[:NAME...]",
     .help = "The groups for key exchange, the preferred one first."},
    {.name = "proxy_ssl_conf_command",
     .contexts = kStream | kServer,
     .args = {2, 2},
     .repeat = Repeat::kMany,
     .set = AddConfCommand,
     .usage = "NAME VALUE",
     .help = "One of OpenSSL's configuration commands."},
    {.name = "proxy_ssl_certificate_cache",
     .contexts = kStream | kServer,
     .args = {1, 3},
     .set = SetCache,
     .usage = "off | max=N [inactive=TIME] [valid=TIME]",
     .help = "How many certificates named with variables are kept, and how long."},
    {.name = "proxy_ssl_key_log",
     .contexts = kStream | kServer,
     .set = SetKeyLog,
     .usage = "FILE",
     .help = "Where the secrets of connections are written to, for Wireshark."},
    {.name = "proxy_ssl_verify_legacy",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::Settings::verify_legacy>,
     .usage = "on|off",
     .help = "Whether RSA keys below 2048 bits and SHA-1 signatures are accepted."},
    {.name = "proxy_ssl_strict_close",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&Server::strict_close>,
     .usage = "on|off",
     .help = "Whether an end without close_notify reaches the client as a reset."},
    {.name = "strict_tls",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&ServerScope::strict_tls>,
     .usage = "on|off",
     .help = "Makes \"on\" the default of proxy_ssl_verify and proxy_ssl_server_name."},
};

}  // namespace

std::span<const DirectiveSpec> TlsDirectives() { return kDirectives; }

}  // namespace sluice::config
