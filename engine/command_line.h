// The options of the sluice command, which are nginx's.
#ifndef SLUICE_ENGINE_COMMAND_LINE_H_
#define SLUICE_ENGINE_COMMAND_LINE_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace sluice::engine {

inline constexpr char kDefaultPrefix[] = "/etc/sluice/";
inline constexpr char kDefaultConfigFile[] = "sluice.conf";
inline constexpr char kDefaultPidFile[] = "/run/sluice.pid";
inline constexpr char kDefaultErrorLog[] = "/var/log/sluice/error.log";

struct CommandLine {
  enum class Action : uint8_t {
    kRun,
    kTest,         // -t
    kTestAndDump,  // -T
    kDumpPlan,     // --dump-plan
    kSignal,       // -s
  };

  // -v, -V or -h: what is shown before a test, or instead of any other action.
  bool show_version = false;
  bool show_build = false;  // -V; with show_version.
  bool show_help = false;   // -h, -?; with show_version.
  Action action = Action::kRun;
  int signal = 0;       // kSignal: what to send to the running sluice.
  bool quiet = false;   // -q
  bool strict = false;  // --strict: a warning is an error. Only with kRun, kTest, kTestAndDump.
  std::string prefix = kDefaultPrefix;           // -p; ends with a slash.
  std::string config_file = kDefaultConfigFile;  // -c; relative to prefix.
  std::string error_log;  // -e; empty: kDefaultErrorLog, if it can be opened.
  std::string globals;    // -g
};

// Options may be put together as nginx allows it: "-tq", "-c/etc/x.conf". As there, a test goes
// before a signal, in whatever order they stand; --dump-plan with either of them is an error,
// and so is --strict where no configuration is put to use.
// `arguments` without the program's name.
absl::StatusOr<CommandLine> ParseCommandLine(std::span<const char* const> arguments);

// What -h shows below the version.
std::string HelpText();

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_COMMAND_LINE_H_
