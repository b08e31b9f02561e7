// The TLS settings towards clients of all servers: files become their contents, equal settings
// become one profile.
#ifndef SLUICE_CONFIG_CLIENT_TLS_PROFILES_H_
#define SLUICE_CONFIG_CLIENT_TLS_PROFILES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/scope.h"
#include "config/tls_files.h"
#include "tls/server_settings.h"

namespace sluice::config {

// Everything that is wrong with settings whose files have been read, but for what
// tls::CheckServerCombination finds: tls::CheckServerSettings.
using ClientTlsCheck = std::function<std::vector<tls::Problem>(const tls::ServerSettings&)>;

class ClientTlsProfiles {
 public:
  // Both must outlive the profiles.
  ClientTlsProfiles(TlsFiles& files, DiagnosticList& diagnostics)
      : files_(files), diagnostics_(diagnostics) {}

  // The index of the profile for `server`, which has a `listen ... ssl` and whose directives stand
  // in `block` and the blocks around it. Reports settings that contradict each other, files that
  // cannot be read, and settings that are not safe. Commands are applied.
  int Add(const ServerScope& server, const Block& block);

  // Runs `check` over every profile whose files could be read, and reports each problem at the
  // directive it belongs to, in each server that has it.
  void Check(const ClientTlsCheck& check);

  // All profiles by index. Nothing else may be called afterwards.
  std::vector<tls::ServerSettings> Take() && { return std::move(profiles_); }

 private:
  // Where problems belong, by field and index.
  using Places = std::map<std::pair<tls::Field, int>, Span>;
  struct Use {
    int profile;
    bool is_complete;  // All files could be read.
    Places places;
    std::string password_path;
  };

  static Places PlacesOf(const ServerScope& server, const Block& block);
  // Sessions kept under one name are kept in one cache.
  void CheckSessionCache(const tls::ServerSettings& settings, const Block& block);
  void WarnOfUnsafe(const tls::ServerSettings& settings, const Block& block);
  void WarnOfOpenSecrets(const Use& use);
  void Report(const tls::Problem& problem, const Use& use);

  TlsFiles& files_;
  DiagnosticList& diagnostics_;
  std::vector<tls::ServerSettings> profiles_;
  std::vector<Use> uses_;
  struct SessionCache {
    int64_t bytes;
    Span span;
  };
  // The first one of each name.
  std::map<std::string, SessionCache> session_caches_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_CLIENT_TLS_PROFILES_H_
