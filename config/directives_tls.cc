// Rows for TLS to upstreams.
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/quote.h"
#include "config/read_file.h"
#include "config/suggest.h"

namespace sluice::config {
namespace {

// A chain of a hundred CAs is no chain; OpenSSL's own bound.
constexpr int kVerifyDepthMax = 100;

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

// Bit i of ServerScope::tls_versions is number i.
constexpr tls::Version kTlsVersions[] = {tls::Version::kTls10, tls::Version::kTls11,
                                         tls::Version::kTls12, tls::Version::kTls13};

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
    std::vector<std::string_view> names;
    uint8_t bit = 0;
    for (size_t i = 0; i < std::size(kTlsVersions); ++i) {
      names.push_back(tls::VersionName(kTlsVersions[i]));
      if (absl::EqualsIgnoreCase(word.text, names.back())) bit = static_cast<uint8_t>(1u << i);
    }
    if (bit == 0) {
      call.Error(word, absl::StrCat("invalid value ", Quote(word.text), " in \"", call.spec.name,
                                    "\" directive: expected one of ", absl::StrJoin(names, ", "),
                                    DidYouMean(word.text, names)));
      bad = true;
    }
    versions |= bit;
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

void SetCiphers(Call& call) { call.server->tls.ciphers = call.arg(0).text; }

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
     .set = SetCiphers,
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
};

}  // namespace

std::span<const DirectiveSpec> TlsDirectives() { return kDirectives; }

}  // namespace sluice::config
