// Finished blocks -> plan entries: names become indices, addresses are checked against each other.
#ifndef SLUICE_CONFIG_LINKER_H_
#define SLUICE_CONFIG_LINKER_H_

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/plan.h"
#include "config/resolver.h"
#include "config/scope.h"
#include "config/system.h"
#include "config/tls_profiles.h"
#include "config/variable_table.h"

namespace sluice::config {

class Linker {
 public:
  // All must outlive the linker.
  Linker(const System& system, Resolver& resolver, DiagnosticList& diagnostics)
      : resolver_(resolver), diagnostics_(diagnostics), tls_profiles_(system, diagnostics) {}

  // A finished `upstream` block. All of them come before the first server: a group may stand
  // behind its use.
  void AddUpstream(UpstreamScope scope, const Block& block);

  // A finished `server` block.
  void AddServer(ServerScope scope, const Block& block);

  // Those of `stream`, before the first server.
  void SetLogFormats(std::vector<LogFormat> formats) { plan_.log_formats = std::move(formats); }

  // Checks all TLS profiles with `check` and hands out the plan. It is a good one only if nothing
  // was reported as an error. Nothing may be called afterwards.
  Plan Finish(Process process, VariableTable variables, const TlsCheck& check) &&;

 private:
  void AddZone(const PlacedZone& zone);
  // Reports zones that were given no size anywhere.
  void CheckZones();
  void AddAccessLogs(const ServerScope& scope, Server& server);
  void AddListeners(const ServerScope& scope, int server);
  // The index of the upstream that `proxy_pass` means; none if there is none: reported.
  // Sets `*name` to the host name or group name in it, empty for a unix socket.
  std::optional<int> FindUpstream(const Word& proxy_pass, std::string* name);
  std::optional<int> FindImplicitUpstream(const Word& proxy_pass, const Endpoint& endpoint);

  Resolver& resolver_;
  DiagnosticList& diagnostics_;
  TlsProfiles tls_profiles_;
  Plan plan_;
  struct Group {
    int index;
    Span span;
  };
  // By lower-case name: nginx compares group names without case.
  std::unordered_map<std::string, Group> groups_;
  // By proxy_pass.
  std::unordered_map<std::string, int> implicit_;
  std::unordered_map<std::string, Span> listening_;
  // The first access_log of each path without variables.
  struct LogFile {
    AccessLog log;
    Span span;
  };
  std::unordered_map<std::string, LogFile> log_files_;
  // By name: the first one with a size, else the first one. Ordered, for CheckZones.
  std::map<std::string, PlacedZone> zones_;
  bool has_too_many_listeners_ = false;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_LINKER_H_
