// A configuration file on disk -> a plan, or everything that is wrong with it.
//
//   config::LoadResult result = config::Load({.file = "/etc/sluice/sluice.conf", ...});
//   std::cerr << result.diagnostics.Render();
//   if (!result.plan.has_value()) return 1;
#ifndef SLUICE_CONFIG_LOAD_H_
#define SLUICE_CONFIG_LOAD_H_

#include <optional>
#include <string>
#include <vector>

#include "config/client_tls_profiles.h"
#include "config/diagnostic.h"
#include "config/plan.h"
#include "config/source_text.h"
#include "config/system.h"
#include "config/tls_profiles.h"

namespace sluice::config {

struct LoadOptions {
  // The configuration file. Relative: behind `prefix`. Its folder is where relative names of
  // included and TLS files start.
  std::string file;
  // Where relative names of logs and the pid file start (-p). Names in the plan are absolute if
  // this is.
  std::string prefix;
  // Directives of the main context (-g), judged before the file; in messages their file is "-g".
  std::string globals;
  // Used if the configuration does not say.
  std::string default_pid_file;
  ErrorLog default_error_log;
  System system = ThisSystem();
  // tls::CheckSettings; its result decides over certificates and keys.
  TlsCheck check_tls;
  // tls::CheckServerSettings, likewise.
  ClientTlsCheck check_client_tls;
};

struct LoadResult {
  // Set unless `diagnostics` has errors.
  std::optional<Plan> plan;
  DiagnosticList diagnostics;
  // All files read as configuration, in the order of reading: what -T shows.
  std::vector<SourceFile> files;
};

// Reads files and resolves names; blocks, changes nothing. Safe to call again while a plan of an
// earlier call is in use.
LoadResult Load(const LoadOptions& options);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_LOAD_H_
