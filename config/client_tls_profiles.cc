#include "config/client_tls_profiles.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/quote.h"
#include "config/tls_fields.h"

namespace sluice::config {
namespace {

const std::vector<PlacedPath>* PathsOf(tls::Field field, const ServerScope& server) {
  switch (field) {
    case tls::Field::kCertificate:
      return &server.client_certificates;
    case tls::Field::kCertificateKey:
      return &server.client_certificate_keys;
    case tls::Field::kTicketKey:
      return &server.ticket_keys;
    default:
      return nullptr;
  }
}

}  // namespace

ClientTlsProfiles::Places ClientTlsProfiles::PlacesOf(const ServerScope& server,
                                                      const Block& block) {
  Places places;
  const Span listen = std::find_if(server.listeners.begin(), server.listeners.end(),
                                   [](const PlacedListener& placed) { return placed.listener.ssl; })
                          ->span;
  for (const auto& [field, upstream, name] : kTlsFields) {
    if (name.empty()) continue;
    const std::vector<PlacedPath>* paths = PathsOf(field, server);
    for (size_t i = 0; paths != nullptr && i < paths->size(); ++i) {
      places.emplace(std::pair(field, static_cast<int>(i)), (*paths)[i].span);
    }
    const Directive* directive = block.SetBy(name);
    if (directive != nullptr) {
      places.emplace(std::pair(field, 0), directive->args[0].span);
      continue;
    }
    if (field == tls::Field::kClientCertificate) directive = block.SetBy("ssl_verify_client");
    places.emplace(std::pair(field, 0), directive != nullptr ? directive->name.span : listen);
  }
  for (const ConfCommand& command : server.client_conf_commands) {
    if (command.field.has_value()) places[{*command.field, 0}] = command.span;
  }
  return places;
}

int ClientTlsProfiles::Add(const ServerScope& server, const Block& block) {
  tls::ServerSettings settings = server.client_tls;
  Use use{.profile = 0,
          .is_complete = true,
          .places = PlacesOf(server, block),
          .password_path = server.client_tls_password_path};
  const auto load = [&](tls::Field field, int index, tls::File* file) {
    if (!file->given()) return;
    const std::string* contents = files_.Load(file->path, use.places.at({field, index}));
    if (contents == nullptr) {
      use.is_complete = false;
    } else {
      file->contents = *contents;
    }
  };
  for (const auto* paths :
       {&server.client_certificates, &server.client_certificate_keys, &server.ticket_keys}) {
    use.is_complete &= std::none_of(paths->begin(), paths->end(),
                                    [](const PlacedPath& placed) { return placed.path.empty(); });
  }
  const std::vector<PlacedPath>& certificates = server.client_certificates;
  const std::vector<PlacedPath>& keys = server.client_certificate_keys;
  for (size_t i = 0; i < certificates.size(); ++i) {
    tls::ServerSettings::Identity identity{.certificate = {.path = certificates[i].path},
                                           .certificate_key = {}};
    load(tls::Field::kCertificate, static_cast<int>(i), &identity.certificate);
    if (i < keys.size()) {
      identity.certificate_key.path = keys[i].path;
      load(tls::Field::kCertificateKey, static_cast<int>(i), &identity.certificate_key);
    } else {
      use.is_complete = false;
      diagnostics_.Error(
          certificates[i].span,
          absl::StrCat("no \"ssl_certificate_key\" is defined for certificate \"",
                       certificates[i].path, "\": expected \"ssl_certificate_key FILE;\""));
    }
    settings.identities.push_back(std::move(identity));
  }
  for (size_t i = certificates.size(); i < keys.size(); ++i) {
    diagnostics_.Warning(keys[i].span,
                         "\"ssl_certificate_key\" has no effect without \"ssl_certificate\"");
  }
  load(tls::Field::kClientCertificate, 0, &settings.client_certificate);
  load(tls::Field::kTrustedCertificate, 0, &settings.trusted_certificate);
  load(tls::Field::kCrl, 0, &settings.crl);
  for (size_t i = 0; i < server.ticket_keys.size(); ++i) {
    tls::File file{.path = server.ticket_keys[i].path, .contents = {}};
    load(tls::Field::kTicketKey, static_cast<int>(i), &file);
    settings.ticket_keys.push_back(std::move(file));
  }
  tls::File passwords{.path = server.client_tls_password_path, .contents = {}};
  load(tls::Field::kPasswordFile, 0, &passwords);
  settings.passwords = PasswordsIn(passwords.contents);

  WarnOfUnsafe(settings, block);
  CheckSessionCache(settings, block);
  if (!settings.key_log_path.empty()) {
    files_.CheckKeyLog(settings.key_log_path, "these clients", *block.SetBy("ssl_key_log"));
  }
  for (const tls::Problem& problem : tls::CheckServerCombination(settings)) {
    if (problem.fatal) use.is_complete = false;
    Report(problem, use);
  }
  const auto known = std::find(profiles_.begin(), profiles_.end(), settings);
  use.profile = static_cast<int>(known - profiles_.begin());
  if (known == profiles_.end()) profiles_.push_back(std::move(settings));
  uses_.push_back(std::move(use));
  return uses_.back().profile;
}

void ClientTlsProfiles::CheckSessionCache(const tls::ServerSettings& settings, const Block& block) {
  if (settings.session_cache != tls::SessionCacheKind::kShared) return;
  const SessionCache cache{.bytes = settings.session_cache_bytes,
                           .span = block.SetBy("ssl_session_cache")->name.span};
  const SessionCache& first =
      session_caches_.try_emplace(settings.session_cache_name, cache).first->second;
  if (first.bytes == cache.bytes) return;
  diagnostics_.Error(
      cache.span,
      absl::StrCat("the size ", cache.bytes, " of \"ssl_session_cache\" ",
                   Quote(settings.session_cache_name), " conflicts with the size ", first.bytes,
                   " at ", first.span.Where(), ": expected the same everywhere"));
}

void ClientTlsProfiles::WarnOfUnsafe(const tls::ServerSettings& settings, const Block& block) {
  if (const Directive* protocols = block.SetBy("ssl_protocols");
      protocols != nullptr && settings.min_version < tls::Version::kTls12) {
    diagnostics_.Warning(protocols->name.span,
                         "TLSv1 and TLSv1.1 are no longer safe (RFC 8996): keep to TLSv1.2 TLSv1.3 "
                         "if all clients can");
  }
  if (settings.verify_client != tls::ClientVerification::kOff) return;
  for (const std::string_view name : {"ssl_crl", "ssl_client_certificate"}) {
    const Directive* directive = block.SetHereBy(name);
    if (directive == nullptr) continue;
    diagnostics_.Warning(directive->name.span,
                         absl::StrCat("\"", name,
                                      "\" has no effect without \"ssl_verify_client "
                                      "on\": clients need no certificate"));
  }
}

void ClientTlsProfiles::WarnOfOpenSecrets(const Use& use) {
  const tls::ServerSettings& settings = profiles_[static_cast<size_t>(use.profile)];
  for (size_t i = 0; i < settings.identities.size(); ++i) {
    files_.WarnIfOpen("key", settings.identities[i].certificate_key.path,
                      use.places.at({tls::Field::kCertificateKey, static_cast<int>(i)}));
  }
  for (size_t i = 0; i < settings.ticket_keys.size(); ++i) {
    files_.WarnIfOpen("ticket key", settings.ticket_keys[i].path,
                      use.places.at({tls::Field::kTicketKey, static_cast<int>(i)}));
  }
  files_.WarnIfOpen("password", use.password_path, use.places.at({tls::Field::kPasswordFile, 0}));
}

void ClientTlsProfiles::Check(const ClientTlsCheck& check) {
  std::vector<std::vector<tls::Problem>> problems(profiles_.size());
  std::vector<bool> checked(profiles_.size());
  for (const Use& use : uses_) {
    if (!use.is_complete) continue;
    const auto index = static_cast<size_t>(use.profile);
    if (!checked[index]) problems[index] = check(profiles_[index]);
    checked[index] = true;
    bool loaded = true;
    for (const tls::Problem& problem : problems[index]) {
      Report(problem, use);
      if (problem.fatal) loaded = false;
    }
    if (loaded) WarnOfOpenSecrets(use);
  }
}

void ClientTlsProfiles::Report(const tls::Problem& problem, const Use& use) {
  diagnostics_.Add(problem.fatal ? Severity::kError : Severity::kWarning,
                   use.places.at({problem.field, problem.index}), problem.message);
}

}  // namespace sluice::config
