// The TLS settings of all servers: files become their contents, equal settings become one profile.
#ifndef SLUICE_CONFIG_TLS_PROFILES_H_
#define SLUICE_CONFIG_TLS_PROFILES_H_

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/scope.h"
#include "config/tls_files.h"
#include "tls/settings.h"

namespace sluice::config {

// Everything that is wrong with settings whose files have been read, but for what
// tls::CheckCombination finds: tls::CheckSettings.
using TlsCheck = std::function<std::vector<tls::Problem>(const tls::Settings&)>;

class TlsProfiles {
 public:
  // Both must outlive the profiles.
  TlsProfiles(TlsFiles& files, DiagnosticList& diagnostics)
      : files_(files), diagnostics_(diagnostics) {}

  // The index of the profile for `server`, which has `proxy_ssl on` and whose directives stand in
  // `block` and the blocks around it. Reports settings that contradict each other, files that
  // cannot be read, and settings that are not safe. `server.tls` has paths without contents, `name`
  // and commands are applied.
  int Add(const ServerScope& server, const Block& block);

  // Runs `check` over every profile whose files could be read, and reports each problem at the
  // directive it belongs to, in each server that has it.
  void Check(const TlsCheck& check);

  // All profiles by index. Nothing else may be called afterwards.
  std::vector<tls::Settings> Take() &&;

 private:
  static constexpr size_t kNumFields = 10;  // Of tls::Field.
  // Where the value of a field comes from.
  struct Origin {
    Span span;
    std::string_view command;  // Of proxy_ssl_conf_command; empty: it is a directive or a default.
  };

  struct Profile {
    // As given to Add: what profiles are compared by.
    tls::Settings key;
    std::string password_path;
    // With contents.
    tls::Settings settings;
    bool is_complete = true;  // All files could be read.
  };
  struct Use {
    int profile;
    std::array<Origin, kNumFields> origins;
  };

  static Origin OriginOf(tls::Field field, const ServerScope& server, const Block& block);
  static const Origin& OriginOf(tls::Field field, const Use& use) {
    return use.origins[static_cast<size_t>(field)];
  }

  void WarnOfUnsafe(const tls::Settings& tls, const Block& block);
  void TellOfUnusedSessionSettings(const tls::Settings& tls, const Block& block);
  // Reports what everyone may read or overwrite of the files that `use` has secrets in. For those
  // that proved to hold them: what else may stand there (/dev/null, /etc/passwd) is not to be
  // closed to others.
  void WarnOfOpenSecrets(const Use& use);
  void Report(const tls::Problem& problem, const Use& use);
  int Find(const tls::Settings& tls, const std::string& password_path);

  TlsFiles& files_;
  DiagnosticList& diagnostics_;
  std::vector<Profile> profiles_;
  std::vector<Use> uses_;
  // By a hash of what usually tells profiles apart; the full comparison decides.
  std::unordered_map<size_t, std::vector<int>> by_hash_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TLS_PROFILES_H_
