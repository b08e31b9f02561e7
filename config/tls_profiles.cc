#include "config/tls_profiles.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "config/endpoint.h"
#include "config/tls_fields.h"

namespace sluice::config {
namespace {

std::string_view DirectiveOf(tls::Field field) {
  return kTlsFields[static_cast<size_t>(field)].upstream;
}

// Whether upstreams may be expected to tell their hosts apart by `name`: a host name, not an
// address, and not the name of a group that has no dot and was not meant as a host name.
bool IsHostName(const std::string& name, const Block& block) {
  if (name.empty() || ParseIpAddress(name).has_value()) return false;
  const Directive* proxy_ssl_name = block.SetBy("proxy_ssl_name");
  const bool is_explicit = proxy_ssl_name != nullptr && proxy_ssl_name->args[0].text == name;
  return is_explicit || name.find('.') != std::string::npos;
}

}  // namespace

// A command or the field's directive, or for a default the directive that made the default count.
TlsProfiles::Origin TlsProfiles::OriginOf(tls::Field field, const ServerScope& server,
                                          const Block& block) {
  for (const ConfCommand& command : server.conf_commands) {
    if (command.field == field) return {.span = command.span, .command = command.name};
  }
  const Directive* directive = block.SetBy(DirectiveOf(field));
  if (directive == nullptr && field == tls::Field::kName) directive = block.SetBy("proxy_pass");
  if (directive != nullptr) return {.span = directive->args[0].span, .command = {}};
  if (field == tls::Field::kTrustedCertificate) {
    directive = block.SetBy("proxy_ssl_verify");
    if (directive == nullptr) directive = block.SetBy("strict_tls");
  }
  if (directive == nullptr) directive = block.SetBy("proxy_ssl");
  return {.span = directive->name.span, .command = {}};
}

int TlsProfiles::Add(const ServerScope& server, const Block& block) {
  const tls::Settings& tls = server.tls;
  WarnOfUnsafe(tls, block);
  TellOfUnusedSessionSettings(tls, block);
  if (!tls.key_log_path.empty()) {
    files_.CheckKeyLog(tls.key_log_path, "these upstreams", *block.SetBy("proxy_ssl_key_log"));
  }
  const int index = Find(tls, server.tls_password_path);
  Profile& profile = profiles_[static_cast<size_t>(index)];
  Use use{.profile = index, .origins = {}};
  for (const auto& [field, name, client] : kTlsFields) {
    if (name.empty()) continue;
    use.origins[static_cast<size_t>(field)] = OriginOf(field, server, block);
  }
  for (const tls::Problem& problem : tls::CheckCombination(tls)) Report(problem, use);

  // For a known profile too: its files, if bad, are to be reported at this server's lines.
  const auto load = [&](tls::Field field, tls::File* file) {
    if (!file->given()) return;
    const std::string* contents = files_.Load(file->path, OriginOf(field, use).span);
    if (contents == nullptr) {
      profile.is_complete = false;
    } else if (file->contents.empty()) {
      file->contents = *contents;
    }
  };
  load(tls::Field::kCertificate, &profile.settings.certificate);
  load(tls::Field::kCertificateKey, &profile.settings.certificate_key);
  load(tls::Field::kTrustedCertificate, &profile.settings.trusted_certificate);
  load(tls::Field::kCrl, &profile.settings.crl);
  tls::File password_file{.path = server.tls_password_path, .contents = {}};
  load(tls::Field::kPasswordFile, &password_file);
  profile.settings.passwords = PasswordsIn(password_file.contents);
  uses_.push_back(std::move(use));
  return index;
}

void TlsProfiles::WarnOfUnsafe(const tls::Settings& tls, const Block& block) {
  const auto warn = [&](std::string_view name, std::string message) {
    const Directive* directive = block.SetBy(name);
    if (directive == nullptr) directive = block.SetBy("proxy_ssl");
    diagnostics_.Warning(directive->name.span, std::move(message));
  };

  if (!tls.verify) {
    warn("proxy_ssl_verify",
         "upstreams are not verified: anyone on the way can pose as them; add "
         "\"proxy_ssl_verify on;\" and \"proxy_ssl_trusted_certificate FILE;\"");
    if (tls.crl.given()) {
      warn("proxy_ssl_crl", "\"proxy_ssl_crl\" has no effect without \"proxy_ssl_verify on\"");
    }
  }
  // Who writes "off" means it.
  if (!tls.send_server_name && block.SetBy("proxy_ssl_server_name") == nullptr &&
      IsHostName(tls.name, block)) {
    warn("proxy_ssl",
         "upstreams are not told which host is meant (SNI): one that has several may show another "
         "host's certificate, or refuse; add \"proxy_ssl_server_name on;\", or \"off\" to keep it "
         "so");
  }
  if (tls.verify && tls.verify_legacy) {
    warn("proxy_ssl_verify_legacy",
         "certificates with RSA keys below 2048 bits or SHA-1 signatures are trusted, which can be "
         "forged: have the upstream's renewed, and turn this off");
  }
  if (tls.min_version < tls::Version::kTls12) {
    warn("proxy_ssl_protocols",
         "TLSv1 and TLSv1.1 are no longer safe (RFC 8996): keep to TLSv1.2 TLSv1.3 if all "
         "upstreams can");
  }
}

// Settings of a whole `stream` are not told where one server does without sessions.
void TlsProfiles::TellOfUnusedSessionSettings(const tls::Settings& tls, const Block& block) {
  constexpr std::string_view kSwitch = "proxy_ssl_session_reuse";
  if (tls.session_reuse) return;
  for (const std::string_view name : {"proxy_ssl_session_tickets", "proxy_ssl_session_cache"}) {
    const Directive* here = block.SetHereBy(name);
    const Directive* unused =
        here == nullptr && block.SetHereBy(kSwitch) == nullptr ? block.SetBy(name) : here;
    if (unused == nullptr) continue;
    diagnostics_.Notice(unused->name.span,
                        absl::StrCat("\"", name, "\" has no effect with \"", kSwitch, " off\""));
  }
}

void TlsProfiles::WarnOfOpenSecrets(const Use& use) {
  const Profile& profile = profiles_[static_cast<size_t>(use.profile)];
  // Without a certificate nobody has looked into the key, nor without a key at the passwords.
  if (!profile.settings.certificate.given()) return;
  const auto warn = [&](std::string_view secret, tls::Field field, const std::string& path) {
    files_.WarnIfOpen(secret, path, OriginOf(field, use).span);
  };
  warn("key", tls::Field::kCertificateKey, profile.settings.certificate_key.path);
  warn("password", tls::Field::kPasswordFile, profile.password_path);
}

int TlsProfiles::Find(const tls::Settings& tls, const std::string& password_path) {
  std::vector<int>& candidates =
      by_hash_[absl::HashOf(tls.name, tls.certificate.path, tls.certificate_key.path,
                            tls.trusted_certificate.path, tls.crl.path)];
  for (const int index : candidates) {
    const Profile& profile = profiles_[static_cast<size_t>(index)];
    if (profile.key == tls && profile.password_path == password_path) return index;
  }
  const int index = static_cast<int>(profiles_.size());
  candidates.push_back(index);
  profiles_.push_back({.key = tls, .password_path = password_path, .settings = tls});
  return index;
}

void TlsProfiles::Check(const TlsCheck& check) {
  std::vector<std::vector<tls::Problem>> problems(profiles_.size());
  for (size_t i = 0; i < profiles_.size(); ++i) {
    if (profiles_[i].is_complete) problems[i] = check(profiles_[i].settings);
  }
  for (const Use& use : uses_) {
    const auto index = static_cast<size_t>(use.profile);
    bool loaded = profiles_[index].is_complete;
    for (const tls::Problem& problem : problems[index]) {
      Report(problem, use);
      if (problem.fatal) loaded = false;
    }
    if (loaded) WarnOfOpenSecrets(use);
  }
}

void TlsProfiles::Report(const tls::Problem& problem, const Use& use) {
  const Origin& origin = OriginOf(problem.field, use);
  std::string message = problem.message;
  if (!origin.command.empty()) {
    // A message may name the field's directive, which nobody wrote.
    absl::StrReplaceAll({{absl::StrCat("\"", DirectiveOf(problem.field), "\""),
                          absl::StrCat("\"proxy_ssl_conf_command ", origin.command, "\"")}},
                        &message);
  }
  diagnostics_.Add(problem.fatal ? Severity::kError : Severity::kWarning, origin.span,
                   std::move(message));
}

std::vector<tls::Settings> TlsProfiles::Take() && {
  std::vector<tls::Settings> settings;
  settings.reserve(profiles_.size());
  for (Profile& profile : profiles_) settings.push_back(std::move(profile.settings));
  return settings;
}

}  // namespace sluice::config
