// Tree -> plan: inheritance, defaults, files, names, and every check that needs more than one
// directive.
#ifndef SLUICE_CONFIG_COMPILE_H_
#define SLUICE_CONFIG_COMPILE_H_

#include <optional>
#include <string>

#include "config/client_tls_profiles.h"
#include "config/diagnostic.h"
#include "config/include.h"
#include "config/plan.h"
#include "config/source_text.h"
#include "config/system.h"
#include "config/tls_profiles.h"
#include "config/tree.h"

namespace sluice::config {

struct CompileInput {
  const Tree& globals;  // Of -g; main context, before `main`.
  const Tree& main;
  const SourceFile* main_source;  // Null: `main` stands in no file.
  std::string prefix;             // Where relative log and pid files start.
  std::string conf_directory;     // Where all other relative files start.
  std::string default_pid_file;   // Used if no `pid` is given.
  ErrorLog default_error_log;     // Used if no `error_log` is given.
  const System& system;
  TlsCheck check_tls;
  ClientTlsCheck check_client_tls;
};

// The plan, or nothing if `diagnostics` has an error, now or from before. Reads included and TLS
// files, resolves host names; changes nothing in the world. The plan does not refer to its input.
std::optional<Plan> Compile(const CompileInput& input, Includer& includer,
                            DiagnosticList& diagnostics);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_COMPILE_H_
