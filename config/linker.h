// Finished blocks -> plan entries: names become indices, addresses are checked against each other.
#ifndef SLUICE_CONFIG_LINKER_H_
#define SLUICE_CONFIG_LINKER_H_

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/client_tls_profiles.h"
#include "config/diagnostic.h"
#include "config/plan.h"
#include "config/resolver.h"
#include "config/scope.h"
#include "config/system.h"
#include "config/tls_files.h"
#include "config/tls_profiles.h"
#include "config/variable_table.h"

namespace sluice::config {

class Linker {
 public:
  // All must outlive the linker.
  Linker(const System& system, Resolver& resolver, DiagnosticList& diagnostics)
      : resolver_(resolver),
        diagnostics_(diagnostics),
        tls_files_(system, diagnostics),
        tls_profiles_(tls_files_, diagnostics),
        client_tls_profiles_(tls_files_, diagnostics) {}

  // A finished `upstream` block. All of them come before the first server: a group may stand
  // behind its use.
  void AddUpstream(UpstreamScope scope, const Block& block);

  // A finished `server` block.
  void AddServer(ServerScope scope, const Block& block);

  // Those of `stream`, before the first server.
  void SetLogFormats(std::vector<LogFormat> formats) { plan_.log_formats = std::move(formats); }

  // Checks all TLS profiles with `check` and `check_client`, and hands out the plan. It is a good
  // one only if nothing was reported as an error. Nothing may be called afterwards.
  Plan Finish(Process process, VariableTable variables, const TlsCheck& check,
              const ClientTlsCheck& check_client) &&;

 private:
  void AddZone(const PlacedZone& zone);
  // Reports zones that were given no size anywhere.
  void CheckZones();
  void AddAccessLogs(const ServerScope& scope, Server& server);
  void AddListeners(const ServerScope& scope, int server);
  // Another server at the address of `known`: one of them is the default one.
  struct SharedAddress;
  void ShareAddress(const PlacedListener& placed, int server, SharedAddress& known);
  // Gives each address with several servers their names.
  void LinkNames();
  // The index of the upstream that `proxy_pass` means; none if there is none: reported.
  // Sets `*name` to the host name or group name in it, empty for a unix socket.
  std::optional<int> FindUpstream(const Word& proxy_pass, std::string* name);
  std::optional<int> FindImplicitUpstream(const Word& proxy_pass, const Endpoint& endpoint);

  Resolver& resolver_;
  DiagnosticList& diagnostics_;
  TlsFiles tls_files_;
  TlsProfiles tls_profiles_;
  ClientTlsProfiles client_tls_profiles_;
  Plan plan_;
  struct Group {
    int index;
    Span span;
  };
  // By lower-case name: nginx compares group names without case.
  std::unordered_map<std::string, Group> groups_;
  // By proxy_pass.
  std::unordered_map<std::string, int> implicit_;
  struct SharedAddress {
    PlacedListener first;
    int listener;  // Index into Plan::listeners.
    std::vector<int> servers;
    Span last_span;  // Where the last one of them listens.
    std::optional<Span> default_span;
  };
  // By address.
  std::map<std::string, SharedAddress> listening_;
  // By server: its server_name words, and where it begins.
  struct Named {
    std::vector<const Word*> names;
    Span span;
  };
  std::vector<Named> named_;
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
