// Rows for TLS to upstreams.
#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/call.h"
#include "config/conf_command.h"
#include "config/directives.h"
#include "config/limits.h"
#include "config/parameter.h"
#include "config/quote.h"
#include "config/read_file.h"
#include "config/suggest.h"
#include "config/tls_version.h"
#include "config/value.h"

namespace sluice::config {
namespace {

// A chain of a hundred CAs is no chain; OpenSSL's own bound.
constexpr int kVerifyDepthMax = 100;

// RFC 7301 3.1: one byte holds the length of a name.
constexpr size_t kAlpnNameBytesMax = 255;
// RFC 7301 allows 65,535 bytes for the list, but BoringSSL's servers take no ClientHello above
// 16 KiB: half of that, so that everything else has room.
constexpr size_t kAlpnListBytesMax = 8'192;

// The file that arg(0) names, or nothing if it is none. "" is nginx's way to take back what is
// inherited.
std::optional<std::string> PathArg(const Call& call) {
  const Word& word = call.arg(0);
  if (word.text.empty()) return "";
  if (call.RefuseVariables(word)) return std::nullopt;
  for (const std::string_view scheme : {"data:", "engine:", "store:"}) {
    if (word.text.starts_with(scheme)) {
      call.NotSupportedYet(word, absl::StrCat("\"", scheme, "\" in \"", call.spec.name, "\""));
      return std::nullopt;
    }
  }
  return ResolvePath(call.conf_directory, word.text);
}

template <tls::File tls::Settings::*kField>
void SetFile(Call& call) {
  if (std::optional<std::string> path = PathArg(call)) {
    (call.server->tls.*kField).path = *std::move(path);
  }
}

void SetPasswordFile(Call& call) {
  if (std::optional<std::string> path = PathArg(call)) {
    call.server->tls_password_path = *std::move(path);
  }
}

void SetProtocols(Call& call) {
  uint8_t& versions = call.server->tls_versions;
  if (call.is_first) versions = 0;
  bool bad = false;
  for (const Word& word : call.directive.args) {
    if (absl::EqualsIgnoreCase(word.text, "SSLv2") || absl::EqualsIgnoreCase(word.text, "SSLv3")) {
      call.Error(word, absl::StrCat(word.text,
                                    " is broken and not built in: remove it, and use "
                                    "TLSv1.2 TLSv1.3"));
      bad = true;
      continue;
    }
    const std::optional<tls::Version> version = ParseTlsVersion(word.text);
    if (!version.has_value()) {
      const std::vector<std::string_view> names = TlsVersionNames();
      call.Error(word, absl::StrCat("invalid value ", Quote(word.text), " in \"", call.spec.name,
                                    "\" directive: expected one of ", absl::StrJoin(names, ", "),
                                    DidYouMean(word.text, names)));
      bad = true;
      continue;
    }
    const auto* found = std::find(std::begin(kTlsVersions), std::end(kTlsVersions), *version);
    versions |= static_cast<uint8_t>(1u << (found - std::begin(kTlsVersions)));
  }
  if (bad) return;

  const int lowest = std::countr_zero(versions);
  const int highest = std::bit_width(versions) - 1;
  if (std::popcount(versions) != highest - lowest + 1) {
    // OpenSSL and BoringSSL would silently offer the part below the hole only.
    std::vector<std::string_view> missing;
    for (int i = lowest; i < highest; ++i) {
      if ((versions & (1u << i)) == 0) missing.push_back(tls::VersionName(kTlsVersions[i]));
    }
    call.Error(call.directive.name, absl::StrCat("\"", call.spec.name, "\" has a hole: add ",
                                                 absl::StrJoin(missing, " "),
                                                 ", or leave out what is on one side of it"));
    return;
  }
  call.server->tls.min_version = kTlsVersions[lowest];
  call.server->tls.max_version = kTlsVersions[highest];
}

// Names joined by ':'. Which there are is tls::CheckSettings's to say.
template <std::string tls::Settings::*kField>
void SetList(Call& call) {
  const Word& word = call.arg(0);
  if (word.text.empty()) return call.InvalidValue(word, "at least one name");
  call.server->tls.*kField = word.text;
}

void SetAlpn(Call& call) {
  std::vector<std::string>& alpn = call.server->tls.alpn;
  alpn.clear();
  size_t list_bytes = 0;  // Each name stands behind one byte of length (RFC 7301 3.1).
  for (const Word& word : call.directive.args) {
    if (call.RefuseVariables(word)) continue;
    if (word.text.empty() || word.text.size() > kAlpnNameBytesMax) {
      call.InvalidValue(word, absl::StrCat("the name of a protocol, 1 to ", kAlpnNameBytesMax,
                                           " bytes, such as \"h2\""));
      continue;
    }
    list_bytes += 1 + word.text.size();
    if (list_bytes > kAlpnListBytesMax) {
      call.Error(
          word,
          absl::StrCat("the names in \"", call.spec.name, "\" are too long: together, ",
                       "with one byte more for each, they may have ", kAlpnListBytesMax, " bytes"));
      return;
    }
    alpn.push_back(word.text);
  }
}

// Something that is written: found where the logs are.
void SetKeyLog(Call& call) {
  const Word& word = call.arg(0);
  if (call.RefuseVariables(word)) return;
  call.server->tls.key_log_path = word.text.empty() ? "" : ResolvePath(call.prefix, word.text);
}

void SetTicketUse(Call& call) {
  for (const tls::TicketUse use : {tls::TicketUse::kSingleUse, tls::TicketUse::kReuse}) {
    if (call.arg(0).text != tls::TicketUseName(use)) continue;
    call.server->tls.ticket_use = use;
    return;
  }
  call.InvalidValue(call.arg(0), "\"single_use\" or \"reuse\"");
}

constexpr Parameter<CertificateCache> kCertificateCacheParameters[] = {
    {"off",
     {},
     [](std::string_view, CertificateCache& cache) {
       cache.max = 0;
       return true;
     }},
    {"max", "a number from 1",
     [](std::string_view value, CertificateCache& cache) {
       return SetIfGiven(ParseNumber(value, 1, std::numeric_limits<int>::max()), &cache.max);
     }},
    {"inactive", "a time such as \"10s\"",
     [](std::string_view value, CertificateCache& cache) {
       const std::optional<int64_t> inactive_ms = ParseDurationMs(value);
       cache.inactive_ms = inactive_ms.value_or(cache.inactive_ms);
       return inactive_ms.has_value();
     }},
    {"valid", "a time such as \"60s\"",
     [](std::string_view value, CertificateCache& cache) {
       const std::optional<int64_t> valid_ms = ParseDurationMs(value);
       cache.valid_ms = valid_ms.value_or(cache.valid_ms);
       return valid_ms.has_value();
     }},
};

void SetCertificateCache(Call& call) {
  CertificateCache cache;
  if (!SetParameters<CertificateCache>(call, 0, kCertificateCacheParameters, cache)) return;
  const std::vector<Word>& args = call.directive.args;
  const bool off =
      std::any_of(args.begin(), args.end(), [](const Word& word) { return word.text == "off"; });
  if (off) cache.max = 0;
  call.server->server.certificate_cache = cache;
  if (off) return;
  if (cache.max == 0) {
    call.Error(call.directive.name, absl::StrCat("\"", call.spec.name,
                                                 "\" must have the \"max\" parameter, or \"off\""));
    return;
  }
  call.diagnostics.Notice(
      call.directive.name.span,
      absl::StrCat("\"", call.spec.name,
                   "\" has no effect here: it is for certificates that are named with variables"));
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
     .set = SetCertificateCache,
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
