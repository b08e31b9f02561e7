// Rows for TLS with clients: nginx's ngx_stream_ssl_module, and the names that clients ask for.
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/conf_command.h"
#include "config/directives.h"
#include "config/tls_values.h"
#include "config/value.h"

namespace sluice::config {
namespace {

// nginx: 8 pages.
constexpr int64_t kSharedCacheBytesMin = 8 * 4096;
constexpr int64_t kSharedCacheBytesMax = int64_t{1} << 30;
// OpenSSL's default, which nginx's documentation names.
constexpr int64_t kBuiltinSessions = 20'480;
constexpr int64_t kBuiltinSessionsMax = 1'000'000;

template <std::vector<PlacedPath> ServerScope::*kField>
void AddFile(Call& call) {
  std::vector<PlacedPath>& files = call.server->*kField;
  if (call.is_first) files.clear();
  const std::optional<std::string> path = PathArg(call);
  if (path == "") return;
  files.push_back({.path = path.value_or(""), .span = call.arg(0).span});
}

template <tls::File tls::ServerSettings::*kField>
void SetFile(Call& call) {
  SetPath(call, &(call.server->client_tls.*kField).path);
}

void SetPasswordFile(Call& call) { SetPath(call, &call.server->client_tls_password_path); }

void SetProtocols(Call& call) {
  tls::ServerSettings& tls = call.server->client_tls;
  AddVersions(call, &call.server->client_tls_versions, &tls.min_version, &tls.max_version);
}

void SetCiphers(Call& call) { SetAlgorithms(call, &call.server->client_tls.ciphers); }

void SetCurves(Call& call) {
  std::string& groups = call.server->client_tls.groups;
  SetAlgorithms(call, &groups);
  if (groups == "auto") groups = tls::ServerSettings().groups;
}

void SetAlpn(Call& call) { SetProtocolNames(call, &call.server->client_tls.alpn); }

void SetKeyLog(Call& call) { SetKeyLogPath(call, &call.server->client_tls.key_log_path); }

// What it bounds does not exist yet.
void SetUnusedCertificateCache(Call& call) {
  CertificateCache unused;
  SetCertificateCache(call, &unused);
}

void SetVerifyClient(Call& call) {
  for (const tls::ClientVerification verification :
       {tls::ClientVerification::kOff, tls::ClientVerification::kOn,
        tls::ClientVerification::kOptional, tls::ClientVerification::kOptionalNoCa}) {
    if (call.arg(0).text != tls::ClientVerificationName(verification)) continue;
    call.server->client_tls.verify_client = verification;
    return;
  }
  call.InvalidValue(call.arg(0), "\"on\", \"off\", \"optional\" or \"optional_no_ca\"");
}

bool SetBuiltinCache(std::string_view value, tls::ServerSettings& tls) {
  if (!value.starts_with("builtin")) return false;
  int64_t sessions = kBuiltinSessions;
  if (value.size() > 7) {
    const auto given =
        value[7] == ':' ? ParseNumber(value.substr(8), 1, kBuiltinSessionsMax) : std::nullopt;
    if (!given.has_value()) return false;
    sessions = *given;
  }
  // Beside a shared cache it would only cost memory.
  if (tls.session_cache != tls::SessionCacheKind::kShared) {
    tls.session_cache = tls::SessionCacheKind::kBuiltin;
  }
  tls.session_cache_sessions = sessions;
  return true;
}

bool SetSharedCache(std::string_view value, tls::ServerSettings& tls) {
  if (!value.starts_with("shared:")) return false;
  value.remove_prefix(7);
  const size_t colon = value.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::optional<int64_t> bytes = ParseSize(value.substr(colon + 1));
  if (!bytes.has_value() || *bytes < kSharedCacheBytesMin || *bytes > kSharedCacheBytesMax) {
    return false;
  }
  tls.session_cache = tls::SessionCacheKind::kShared;
  tls.session_cache_name = value.substr(0, colon);
  tls.session_cache_bytes = *bytes;
  return true;
}

void SetSessionCache(Call& call) {
  tls::ServerSettings& tls = call.server->client_tls;
  tls.session_cache = tls::SessionCacheKind::kNone;
  tls.session_cache_name.clear();
  tls.session_cache_bytes = tls.session_cache_sessions = 0;
  for (const Word& word : call.directive.args) {
    if (word.text == "off" || word.text == "none") continue;
    if (SetBuiltinCache(word.text, tls) || SetSharedCache(word.text, tls)) continue;
    call.InvalidValue(word, absl::StrCat("\"off\", \"none\", \"builtin[:SESSIONS]\" or "
                                         "\"shared:NAME:SIZE\" with a size from 32k to 1g"));
    return;
  }
}

void SetSessionTimeout(Call& call) {
  const int64_t timeout_ms = DurationMsArg(call, -1);
  if (timeout_ms < 0) return;
  constexpr int64_t kTimeoutSMax = std::numeric_limits<int>::max();
  if (timeout_ms < 1000 || timeout_ms / 1000 > kTimeoutSMax) {
    return call.InvalidValue(call.arg(0), "a time from 1s");
  }
  call.server->client_tls.session_timeout_s = timeout_ms / 1000;
}

void AddServerNames(Call& call) {
  for (const Word& word : call.directive.args) {
    if (word.text.starts_with('~')) {
      call.NotSupportedYet(word, "a regular expression in \"server_name\"");
      continue;
    }
    if (word.text == "$hostname") {
      call.NotSupportedYet(word, "\"$hostname\" in \"server_name\"");
      continue;
    }
    if (!ServerNames::IsValid(word.text)) {
      call.InvalidValue(word,
                        "a name such as \"www.example.com\", \"*.example.com\", \".example.com\" "
                        "or \"www.example.*\"");
      continue;
    }
    call.server->server_names.push_back(&word);
  }
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "server_name",
     .contexts = kServer,
     .args = {1, kUnbounded},
     .repeat = Repeat::kMany,
     .set = AddServerNames,
     .usage = "NAME...",
     .help = "Whom clients with TLS ask for (SNI) that mean this server."},
    {.name = "ssl_certificate",
     .contexts = kStream | kServer,
     .repeat = Repeat::kMany,
     .set = AddFile<&ServerScope::client_certificates>,
     .usage = "FILE",
     .help = "PEM: the certificate shown to clients, and its chain."},
    {.name = "ssl_certificate_key",
     .contexts = kStream | kServer,
     .repeat = Repeat::kMany,
     .set = AddFile<&ServerScope::client_certificate_keys>,
     .usage = "FILE",
     .help = "PEM: the key of that certificate."},
    {.name = "ssl_certificate_cache",
     .contexts = kStream | kServer,
     .args = {1, 3},
     .set = SetUnusedCertificateCache,
     .usage = "off | max=N [inactive=TIME] [valid=TIME]",
     .help = "How many certificates named with variables are kept, and how long."},
    {.name = "ssl_password_file",
     .contexts = kStream | kServer,
     .set = SetPasswordFile,
     .usage = "FILE",
     .help = "Passwords for the keys, one a line, tried in turn."},
    {.name = "ssl_protocols",
     .contexts = kStream | kServer,
     .args = {1, kUnbounded},
     .repeat = Repeat::kMany,
     .set = SetProtocols,
     .usage = "[TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]",
     .help = "The versions that clients may speak."},
    {.name = "ssl_ciphers",
     .contexts = kStream | kServer,
     .set = SetCiphers,
     .usage = "CIPHERS",
     .help = "Cipher suites up to TLS 1.2, in OpenSSL's syntax."},
    {.name = "ssl_prefer_server_ciphers",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::ServerSettings::prefer_server_ciphers>,
     .usage = "on|off",
     .help = "Whether our order of ciphers counts, not the client's."},
    {.name = "ssl_ecdh_curve",
     .contexts = kStream | kServer,
     .set = SetCurves,
     .usage = "auto | NAME[:NAME...]",
     .help = "The groups for key exchange, the preferred one first."},
    {.name = "ssl_dhparam",
     .contexts = kStream | kServer,
     .usage = "FILE",
     .no_effect = "BoringSSL has no DHE ciphers, clients use ECDHE"},
    {.name = "ssl_alpn",
     .contexts = kStream | kServer,
     .args = {1, kUnbounded},
     .set = SetAlpn,
     .usage = "NAME...",
     .help = "The application protocols that clients may choose from."},
    {.name = "ssl_verify_client",
     .contexts = kStream | kServer,
     .set = SetVerifyClient,
     .usage = "on|off|optional|optional_no_ca",
     .help = "Whether clients must show a certificate."},
    {.name = "ssl_verify_depth",
     .contexts = kStream | kServer,
     .set = SetNumber<&tls::ServerSettings::verify_depth, 0, kVerifyDepthMax>,
     .usage = "NUMBER",
     .help = "How many intermediate CAs the chain of a client may have."},
    {.name = "ssl_client_certificate",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::ServerSettings::client_certificate>,
     .usage = "FILE",
     .help = "PEM: the CAs of clients; their names are sent to clients."},
    {.name = "ssl_trusted_certificate",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::ServerSettings::trusted_certificate>,
     .usage = "FILE",
     .help = "PEM: CAs of clients whose names are not sent."},
    {.name = "ssl_crl",
     .contexts = kStream | kServer,
     .set = SetFile<&tls::ServerSettings::crl>,
     .usage = "FILE",
     .help = "PEM: revoked certificates of clients."},
    {.name = "ssl_session_cache",
     .contexts = kStream | kServer,
     .args = {1, 2},
     .set = SetSessionCache,
     .usage = "off | none | [builtin[:SESSIONS]] [shared:NAME:SIZE]",
     .help = "Where sessions are kept for clients that come back without a ticket."},
    {.name = "ssl_session_timeout",
     .contexts = kStream | kServer,
     .set = SetSessionTimeout,
     .usage = "TIME",
     .help = "How long a client can resume its session."},
    {.name = "ssl_session_tickets",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::ServerSettings::session_tickets>,
     .usage = "on|off",
     .help = "Whether clients get tickets to resume with."},
    {.name = "ssl_session_ticket_key",
     .contexts = kStream | kServer,
     .repeat = Repeat::kMany,
     .set = AddFile<&ServerScope::ticket_keys>,
     .usage = "FILE",
     .help = "48 or 80 bytes that tickets are sealed with; the first one counts, all are read."},
    {.name = "ssl_handshake_timeout",
     .contexts = kStream | kServer,
     .set = SetTimeout<&Server::client_handshake_timeout_ms>,
     .usage = "TIME",
     .help = "How long a handshake with a client may take."},
    {.name = "ssl_reject_handshake",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&tls::ServerSettings::reject_handshake>,
     .usage = "on|off",
     .help = "Whether handshakes of clients are refused."},
    {.name = "ssl_conf_command",
     .contexts = kStream | kServer,
     .args = {2, 2},
     .repeat = Repeat::kMany,
     .set = AddServerConfCommand,
     .usage = "NAME VALUE",
     .help = "One of OpenSSL's configuration commands."},
    {.name = "ssl_key_log",
     .contexts = kStream | kServer,
     .set = SetKeyLog,
     .usage = "FILE",
     .help = "Where the secrets of connections are written to, for Wireshark."},
};

}  // namespace

std::span<const DirectiveSpec> SslDirectives() { return kDirectives; }

}  // namespace sluice::config
