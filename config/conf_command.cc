#include "config/conf_command.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/quote.h"
#include "config/read_file.h"
#include "config/suggest.h"
#include "config/tls_version.h"

namespace sluice::config {
namespace {

void SetCertificate(const std::string& path, ConfCommandTarget& target) {
  target.certificate->path = path;
}
void SetPrivateKey(const std::string& path, ConfCommandTarget& target) {
  target.certificate_key->path = path;
}
void SetCiphers(const std::string& ciphers, ConfCommandTarget& target) { target.ciphers = ciphers; }
void SetGroups(const std::string& groups, ConfCommandTarget& target) { target.groups = groups; }
void SetSignatureAlgorithms(const std::string& list, ConfCommandTarget& target) {
  target.signature_algorithms = list;
}

// As in nginx with OpenSSL, where proxy_ssl_protocols switches versions off one by one: a command
// takes away, and never brings back.
void RaiseMinVersion(const std::string& name, ConfCommandTarget& target) {
  const std::optional<tls::Version> version = ParseTlsVersion(name);
  if (version.has_value()) target.min_version = std::max(target.min_version, *version);
}
void LowerMaxVersion(const std::string& name, ConfCommandTarget& target) {
  const std::optional<tls::Version> version = ParseTlsVersion(name);
  if (version.has_value()) target.max_version = std::min(target.max_version, *version);
}

enum class Value : uint8_t { kFile, kList, kVersion };

struct Command {
  std::string_view name;
  Value value = Value::kList;
  void (*apply)(const std::string& value, ConfCommandTarget& target) = nullptr;
  std::optional<tls::Field> field = {};
};

constexpr Command kCommands[] = {
    {"Certificate", Value::kFile, SetCertificate, tls::Field::kCertificate},
    {"PrivateKey", Value::kFile, SetPrivateKey, tls::Field::kCertificateKey},
    {"CipherString", Value::kList, SetCiphers, tls::Field::kCiphers},
    {"Groups", Value::kList, SetGroups, tls::Field::kGroups},
    {"Curves", Value::kList, SetGroups, tls::Field::kGroups},
    {"SignatureAlgorithms", Value::kList, SetSignatureAlgorithms, tls::Field::kSignatureAlgorithms},
    {"MinProtocol", Value::kVersion, RaiseMinVersion},
    {"MaxProtocol", Value::kVersion, LowerMaxVersion},
};

struct RefusedCommand {
  std::string_view name;
  // Continues the sentence `command "x" ...`.
  std::string_view why;
  // The same for ssl_conf_command; empty: the same words.
  std::string_view why_of_server = {};
};

constexpr std::string_view kForServers = "is for servers, and this is a client: remove it";
constexpr std::string_view kUseTrusted =
    "is not supported: use \"proxy_ssl_trusted_certificate FILE;\"";
constexpr std::string_view kUseServerTrusted =
    "is not supported: use \"ssl_trusted_certificate FILE;\"";
constexpr std::string_view kUseChain =
    "is not supported: put the chain behind the certificate, into the file of "
    "\"proxy_ssl_certificate\"";
constexpr std::string_view kUseServerChain =
    "is not supported: put the chain behind the certificate, into the file of \"ssl_certificate\"";
constexpr std::string_view kUseClientCertificate =
    "is not supported: use \"ssl_client_certificate FILE;\"";
constexpr std::string_view kUseGroups = "is not supported: use \"Groups\"";

constexpr RefusedCommand kRefused[] = {
    {"ChainCAFile", kUseChain, kUseServerChain},
    {"ChainCAPath", kUseChain, kUseServerChain},
    {"Ciphersuites",
     "is not supported: BoringSSL always offers all three suites of TLS 1.3; remove it"},
    {"ClientCAFile", kForServers, kUseClientCertificate},
    {"ClientCAPath", kForServers, kUseClientCertificate},
    {"ClientSignatureAlgorithms",
     "is not supported: use \"SignatureAlgorithms\", which holds for both sides"},
    {"DHParameters", "is not supported: BoringSSL has no DHE ciphers; remove it"},
    {"ECDHParameters", kUseGroups},
    {"NumTickets", kForServers, "is not supported: BoringSSL sends two tickets; remove it"},
    {"Options",
     "is not supported: BoringSSL has none of them, or they are always on; use "
     "\"proxy_ssl_protocols\" for versions and \"proxy_ssl_session_reuse\" for tickets",
     "is not supported: BoringSSL has none of them, or they are always on; use \"ssl_protocols\" "
     "for versions, \"ssl_session_tickets\" for tickets and \"ssl_prefer_server_ciphers\" for "
     "the order of ciphers"},
    {"Protocol", "is not supported: use \"proxy_ssl_protocols\"",
     "is not supported: use \"ssl_protocols\""},
    {"RecordPadding", "is not supported: BoringSSL does not pad records; remove it"},
    {"RequestCAFile", "is not supported: BoringSSL's clients name no CAs; remove it",
     kUseClientCertificate},
    {"RequestCAPath", "is not supported: BoringSSL's clients name no CAs; remove it",
     kUseClientCertificate},
    {"ServerInfoFile", kForServers, "is not supported: BoringSSL has none; remove it"},
    {"VerifyCAFile", kUseTrusted, kUseServerTrusted},
    {"VerifyCAPath", kUseTrusted, kUseServerTrusted},
    {"VerifyMode", "is not supported: use \"proxy_ssl_verify on|off;\"",
     "is not supported: use \"ssl_verify_client\""},
};

// Of a server, which has them in directives that may stand several times.
constexpr RefusedCommand kRefusedOfServer[] = {
    {"Certificate", "is not supported: use \"ssl_certificate FILE;\""},
    {"PrivateKey", "is not supported: use \"ssl_certificate_key FILE;\""},
};

template <typename Row>
const Row* FindRow(std::span<const Row> rows, std::string_view name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return absl::EqualsIgnoreCase(row.name, name);
  });
  return found == rows.end() ? nullptr : &*found;
}

// Reports a command that cannot be had; true if `name` is one.
bool ReportRefused(const Call& call, const Word& name, bool of_server) {
  const RefusedCommand* refused = FindRow<RefusedCommand>(kRefused, name.text);
  if (refused == nullptr && of_server) {
    refused = FindRow<RefusedCommand>(kRefusedOfServer, name.text);
  }
  if (refused == nullptr) return false;
  const bool own_words = of_server && !refused->why_of_server.empty();
  call.Error(name, absl::StrCat("command \"", refused->name, "\" ",
                                own_words ? refused->why_of_server : refused->why));
  return true;
}

void ReportUnknown(const Call& call, const Word& name) {
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  const std::string suggestion = DidYouMean(name.text, names);
  call.Error(name, absl::StrCat("unknown command ", Quote(name.text), " in \"", call.spec.name,
                                "\" directive",
                                suggestion.empty()
                                    ? absl::StrCat(": expected one of ", absl::StrJoin(names, ", "))
                                    : suggestion));
}

void AddCommand(const Call& call, bool of_server, std::vector<ConfCommand>& commands) {
  if (call.is_first) commands.clear();
  const Word& name = call.arg(0);
  const Word& value = call.arg(1);
  if (ReportRefused(call, name, of_server)) return;
  const Command* command = FindRow<Command>(kCommands, name.text);
  if (command == nullptr) return ReportUnknown(call, name);

  std::string text = value.text;
  if (text.empty()) {
    call.InvalidValue(value, command->value == Value::kFile ? "a file" : "a value");
    return;
  }
  switch (command->value) {
    case Value::kFile:
      text = ResolvePath(call.conf_directory, text);
      break;
    case Value::kVersion:
      if (!ParseTlsVersion(text).has_value() && !absl::EqualsIgnoreCase(text, "None")) {
        call.InvalidValue(
            value, absl::StrCat("one of ", absl::StrJoin(TlsVersionNames(), ", "), ", None"));
        return;
      }
      break;
    case Value::kList:
      break;
  }
  // The last one counts.
  std::erase_if(commands, [&](const ConfCommand& one) { return one.apply == command->apply; });
  commands.push_back({.apply = command->apply,
                      .name = command->name,
                      .field = command->field,
                      .value = std::move(text),
                      .span = value.span});
}

void Apply(const std::vector<ConfCommand>& commands, std::string_view protocols,
           ConfCommandTarget target, DiagnosticList& diagnostics) {
  for (const ConfCommand& command : commands) {
    command.apply(command.value, target);
    if (target.min_version > target.max_version) {
      diagnostics.Error(command.span,
                        absl::StrCat(Quote(command.value), " leaves no protocol: \"", protocols,
                                     "\" and the other commands allow none on this "
                                     "side of it"));
      return;
    }
  }
}

}  // namespace

void AddConfCommand(Call& call) {
  AddCommand(call, /*of_server=*/false, call.server->conf_commands);
}

void AddServerConfCommand(Call& call) {
  AddCommand(call, /*of_server=*/true, call.server->client_conf_commands);
}

void ApplyConfCommands(ServerScope& scope, DiagnosticList& diagnostics) {
  tls::Settings& tls = scope.tls;
  Apply(scope.conf_commands, "proxy_ssl_protocols",
        {&tls.certificate, &tls.certificate_key, tls.ciphers, tls.groups, tls.signature_algorithms,
         tls.min_version, tls.max_version},
        diagnostics);
}

void ApplyServerConfCommands(ServerScope& scope, DiagnosticList& diagnostics) {
  tls::ServerSettings& tls = scope.client_tls;
  Apply(scope.client_conf_commands, "ssl_protocols",
        {nullptr, nullptr, tls.ciphers, tls.groups, tls.signature_algorithms, tls.min_version,
         tls.max_version},
        diagnostics);
}

}  // namespace sluice::config
