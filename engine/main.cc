// The sluice command.

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "config/diagnostic.h"
#include "config/load.h"
#include "config/plan.h"
#include "config/plan_dump.h"
#include "config/source_text.h"
#include "engine/build_text.h"
#include "engine/command_line.h"
#include "engine/default_log.h"
#include "engine/logger.h"
#include "engine/pid_file.h"
#include "engine/probe/probe.h"
#include "engine/reload.h"
#include "engine/server.h"
#include "engine/system_error.h"
#include "engine/version.h"
#include "tls/context.h"
#include "tls/posture.h"
#include "tls/server_context.h"
#include "tls/settings.h"

namespace sluice::engine {
namespace {

using Action = CommandLine::Action;
using config::LogLevel;

void Print(FILE* stream, const std::string& text) { std::fputs(text.c_str(), stream); }

void PrintError(const std::string& text) {
  Print(stderr, absl::StrCat("sluice: [emerg] ", EscapeForLog(text), "\n"));
}

// To stdout. A dump that is not whole is a failure: whoever keeps it must not take it for all.
int Dump(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return EXIT_SUCCESS;
  }
  PrintError(SystemErrorText("write() to stdout", errno));
  return EXIT_FAILURE;
}

// Makes what is missing of stdin, stdout and stderr /dev/null: the next file to be opened would
// otherwise become one of them, and receive what is meant for it.
bool OpenMissingStandardFiles() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free number is the one that is missing.
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return false;
  }
  return true;
}

// `path` as seen from `prefix`, absolute.
std::string Resolve(const std::string& prefix, const std::string& path) {
  return (std::filesystem::absolute(prefix) / path).string();
}

// `problems` of `settings`, and behind them what is not safe about these.
template <typename Settings>
std::vector<tls::Problem> WithPosture(const Settings& settings,
                                      std::vector<tls::Problem> problems) {
  std::vector<tls::Problem> warnings =
      tls::CheckPosture(settings, absl::ToUnixSeconds(absl::Now()));
  std::move(warnings.begin(), warnings.end(), std::back_inserter(problems));
  return problems;
}

std::vector<tls::Problem> CheckTls(const tls::Settings& settings) {
  return WithPosture(settings, tls::CheckSettings(settings));
}

std::vector<tls::Problem> CheckClientTls(const tls::ServerSettings& settings) {
  return WithPosture(settings, tls::CheckServerSettings(settings));
}

config::LoadOptions OptionsOf(const CommandLine& command) {
  config::LoadOptions options;
  options.file = command.config_file;
  // A daemon's files are the same wherever it runs.
  options.prefix = Resolve(command.prefix, "");
  options.globals = command.globals;
  options.default_pid_file = kDefaultPidFile;
  options.default_error_log.file = kDefaultErrorLog;
  if (command.error_log == "stderr") {
    options.default_error_log.file = command.error_log;
  } else if (!command.error_log.empty()) {
    options.default_error_log.file = Resolve(command.prefix, command.error_log);
  }
  options.check_tls = CheckTls;
  options.check_client_tls = CheckClientTls;
  return options;
}

// Shows what there is to say about the configuration; with -q only what is wrong with it.
void PrintDiagnostics(const CommandLine& command, const config::DiagnosticList& diagnostics) {
  const std::vector<config::Diagnostic> all = diagnostics.Sorted();
  const bool only_notices = std::all_of(all.begin(), all.end(), [](const auto& diagnostic) {
    return diagnostic.severity == config::Severity::kNotice;
  });
  if (!only_notices || !command.quiet) Print(stderr, diagnostics.Render());
}

// With --strict, says so if there are warnings. True: there are, and `loaded` must not be used.
bool FailsStrictly(const CommandLine& command, const config::LoadResult& loaded) {
  const int num_warnings = loaded.diagnostics.num_warnings();
  if (!command.strict || !loaded.plan.has_value() || num_warnings == 0) return false;
  Print(stderr, absl::StrCat("sluice: ", num_warnings, num_warnings == 1 ? " warning" : " warnings",
                             ": taken as errors, as \"--strict\" asks for\n"));
  return true;
}

// -t and -T. Touches nothing that a running sluice uses.
int Test(const CommandLine& command, const config::LoadResult& loaded) {
  const std::string file = Resolve(command.prefix, command.config_file);
  if (FailsStrictly(command, loaded) || !loaded.plan.has_value()) {
    Print(stderr, absl::StrCat("sluice: configuration file ", file, " test failed\n"));
    return EXIT_FAILURE;
  }
  if (!command.quiet) {
    Print(stderr, absl::StrCat("sluice: the configuration file ", file, " syntax is ok\n",
                               "sluice: configuration file ", file, " test is successful\n"));
  }
  if (command.action != Action::kTestAndDump) return EXIT_SUCCESS;
  std::string files;
  for (const config::SourceFile& source : loaded.files) {
    absl::StrAppend(&files, "# configuration file ", source.name(), ":\n", source.text(), "\n");
  }
  return Dump(files);
}

int SendSignal(int signal, const config::Plan& plan) {
  const absl::StatusOr<pid_t> pid = PidFileHolder(plan.process.pid_file);
  if (!pid.ok()) {
    PrintError(std::string(pid.status().message()));
    return EXIT_FAILURE;
  }
  if (kill(*pid, signal) != 0) {
    PrintError(SystemErrorText(absl::StrCat("kill(", *pid, ", ", signal, ")"), errno));
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

LogLevel LevelOf(config::Severity severity) {
  switch (severity) {
    case config::Severity::kError:
      return LogLevel::kEmerg;
    case config::Severity::kWarning:
      return LogLevel::kWarn;
    case config::Severity::kNotice:
      return LogLevel::kNotice;
  }
  return LogLevel::kEmerg;
}

// For a reload: what is to be said goes to the log, each in a line and in nginx's form.
LoadedPlan LoadAgain(const config::LoadOptions& options, bool strict, Logger& logger) {
  config::LoadResult result = config::Load(options);
  LoadedPlan loaded{.plan = std::move(result.plan)};
  for (const config::Diagnostic& diagnostic : result.diagnostics.Sorted()) {
    loaded.messages.push_back({LevelOf(diagnostic.severity),
                               diagnostic.file.empty()
                                   ? diagnostic.message
                                   : absl::StrCat(diagnostic.message, " in ", diagnostic.file, ":",
                                                  diagnostic.place.line)});
  }
  if (!loaded.plan.has_value()) return loaded;
  if (strict && result.diagnostics.num_warnings() > 0) {
    loaded.plan.reset();
    loaded.messages.push_back(
        {LogLevel::kEmerg, "warnings are taken as errors, as \"--strict\" asks for"});
    return loaded;
  }
  const absl::Status status = PrepareDefaultLog(kDefaultErrorLog, *loaded.plan, logger);
  if (!status.ok()) {
    loaded.plan.reset();
    loaded.messages.push_back({LogLevel::kEmerg, std::string(status.message())});
  }
  return loaded;
}

int Run(config::Plan plan, const config::LoadOptions& options, bool strict) {
  Logger logger;
  const absl::Status status = PrepareDefaultLog(kDefaultErrorLog, plan, logger);
  if (!status.ok()) {
    PrintError(std::string(status.message()));
    return EXIT_FAILURE;
  }
  return RunServer(std::move(plan), logger, [&] { return LoadAgain(options, strict, logger); });
}

int Main(std::span<const char* const> arguments) {
  if (!OpenMissingStandardFiles()) {
    PrintError(SystemErrorText("open() \"/dev/null\" in place of a closed stdin, stdout or stderr",
                               errno));
    return EXIT_FAILURE;
  }
  if (!arguments.empty() && arguments[0] == kProbeSwitch) return RunProbeCommand(arguments);
  const absl::StatusOr<CommandLine> command = ParseCommandLine(arguments);
  if (!command.ok()) {
    Print(stderr, absl::StrCat("sluice: ", EscapeForLog(command.status().message()), "\n"));
    return EXIT_FAILURE;
  }
  // To stderr, as nginx does.
  if (command->show_version) {
    Print(stderr, absl::StrCat("sluice version: ", kServerVersion, "\n"));
    if (command->show_help) Print(stderr, HelpText());
    if (command->show_build) Print(stderr, BuildText());
  }
  const bool test = command->action == Action::kTest || command->action == Action::kTestAndDump;
  if (command->show_version && !test) return EXIT_SUCCESS;

  const config::LoadOptions options = OptionsOf(*command);
  config::LoadResult loaded = config::Load(options);
  PrintDiagnostics(*command, loaded.diagnostics);
  if (test) return Test(*command, loaded);
  if (FailsStrictly(*command, loaded) || !loaded.plan.has_value()) return EXIT_FAILURE;
  switch (command->action) {
    case Action::kDumpPlan:
      return Dump(config::DumpPlan(*loaded.plan));
    case Action::kSignal:
      return SendSignal(command->signal, *loaded.plan);
    default:
      return Run(*std::move(loaded.plan), options, command->strict);
  }
}

}  // namespace
}  // namespace sluice::engine

int main(int argc, char** argv) {
  return sluice::engine::Main({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)});
}
