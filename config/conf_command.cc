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

void SetCertificate(const std::string& path, tls::Settings& tls) { tls.certificate.path = path; }
void SetPrivateKey(const std::string& path, tls::Settings& tls) { tls.certificate_key.path = path; }
void SetCiphers(const std::string& ciphers, tls::Settings& tls) { tls.ciphers = ciphers; }
void SetGroups(const std::string& groups, tls::Settings& tls) { tls.groups = groups; }
void SetSignatureAlgorithms(const std::string& list, tls::Settings& tls) {
  tls.signature_algorithms = list;
}

// As in nginx with OpenSSL, where proxy_ssl_protocols switches versions off one by one: a command
// takes away, and never brings back.
void RaiseMinVersion(const std::string& name, tls::Settings& tls) {
  const std::optional<tls::Version> version = ParseTlsVersion(name);
  if (version.has_value()) tls.min_version = std::max(tls.min_version, *version);
}
void LowerMaxVersion(const std::string& name, tls::Settings& tls) {
  const std::optional<tls::Version> version = ParseTlsVersion(name);
  if (version.has_value()) tls.max_version = std::min(tls.max_version, *version);
}

enum class Value : uint8_t { kFile, kList, kVersion };

struct Command {
  std::string_view name;
  Value value = Value::kList;
  void (*apply)(const std::string& value, tls::Settings& tls) = nullptr;
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
};

constexpr std::string_view kForServers = "is for servers, and this is a client: remove it";
constexpr std::string_view kUseTrusted =
    "is not supported: use \"proxy_ssl_trusted_certificate FILE;\"";
constexpr std::string_view kUseChain =
    "is not supported: put the chain behind the certificate, into the file of "
    "\"proxy_ssl_certificate\"";

constexpr RefusedCommand kRefused[] = {
    {"ChainCAFile", kUseChain},
    {"ChainCAPath", kUseChain},
    {"Ciphersuites",
     "is not supported: BoringSSL always offers all three suites of TLS 1.3; remove it"},
    {"ClientCAFile", kForServers},
    {"ClientCAPath", kForServers},
    {"ClientSignatureAlgorithms",
     "is not supported: use \"SignatureAlgorithms\", which holds for both sides"},
    {"DHParameters", "is not supported: BoringSSL has no DHE ciphers; remove it"},
    {"ECDHParameters", "is not supported: use \"Groups\""},
    {"NumTickets", kForServers},
    {"Options",
     "is not supported: BoringSSL has none of them, or they are always on; use "
     "\"proxy_ssl_protocols\" for versions and \"proxy_ssl_session_reuse\" for tickets"},
    {"Protocol", "is not supported: use \"proxy_ssl_protocols\""},
    {"RecordPadding", "is not supported: BoringSSL does not pad records; remove it"},
    {"RequestCAFile", "is not supported: BoringSSL's clients name no CAs; remove it"},
    {"RequestCAPath", "is not supported: BoringSSL's clients name no CAs; remove it"},
    {"ServerInfoFile", kForServers},
    {"VerifyCAFile", kUseTrusted},
    {"VerifyCAPath", kUseTrusted},
    {"VerifyMode", "is not supported: use \"proxy_ssl_verify on|off;\""},
};

template <typename Row>
const Row* FindRow(std::span<const Row> rows, std::string_view name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return absl::EqualsIgnoreCase(row.name, name);
  });
  return found == rows.end() ? nullptr : &*found;
}

void ReportUnusable(const Call& call, const Word& name) {
  if (const auto* refused = FindRow<RefusedCommand>(kRefused, name.text)) {
    call.Error(name, absl::StrCat("command \"", refused->name, "\" ", refused->why));
    return;
  }
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.name);
  const std::string suggestion = DidYouMean(name.text, names);
  call.Error(name, absl::StrCat("unknown command ", Quote(name.text), " in \"", call.spec.name,
                                "\" directive",
                                suggestion.empty()
                                    ? absl::StrCat(": expected one of ", absl::StrJoin(names, ", "))
                                    : suggestion));
}

}  // namespace

void AddConfCommand(Call& call) {
  std::vector<ConfCommand>& commands = call.server->conf_commands;
  if (call.is_first) commands.clear();
  const Word& name = call.arg(0);
  const Word& value = call.arg(1);
  const Command* command = FindRow<Command>(kCommands, name.text);
  if (command == nullptr) return ReportUnusable(call, name);

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

void ApplyConfCommands(ServerScope& scope, DiagnosticList& diagnostics) {
  for (const ConfCommand& command : scope.conf_commands) {
    command.apply(command.value, scope.tls);
    if (scope.tls.min_version > scope.tls.max_version) {
      diagnostics.Error(command.span,
                        absl::StrCat(Quote(command.value),
                                     " leaves no protocol: \"proxy_ssl_protocols\" and the other "
                                     "commands allow none on this side of it"));
      return;
    }
  }
}

}  // namespace sluice::config
