// The sluice command.

#include <fcntl.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "config/diagnostic.h"
#include "config/load.h"
#include "config/plan.h"
#include "config/plan_dump.h"
#include "config/source_text.h"
#include "engine/command_line.h"
#include "engine/file_descriptor.h"
#include "engine/logger.h"
#include "engine/pid_file.h"
#include "engine/server.h"
#include "engine/system_error.h"
#include "engine/version.h"
#include "tls/context.h"

namespace sluice::engine {
namespace {

using Action = CommandLine::Action;

void Print(FILE* stream, const std::string& text) { std::fputs(text.c_str(), stream); }

void PrintError(const std::string& text) {
  Print(stderr, absl::StrCat("sluice: [emerg] ", EscapeForLog(text), "\n"));
}

// `path` as seen from `prefix`, absolute.
std::string Resolve(const std::string& prefix, const std::string& path) {
  return (std::filesystem::absolute(prefix) / path).string();
}

config::LoadResult LoadConfiguration(const CommandLine& command) {
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
  options.check_tls = tls::CheckSettings;
  return config::Load(options);
}

// Shows what there is to say about the configuration; with -q only what is wrong with it.
void PrintDiagnostics(const CommandLine& command, const config::DiagnosticList& diagnostics) {
  const std::vector<config::Diagnostic> all = diagnostics.Sorted();
  const bool only_notices = std::all_of(all.begin(), all.end(), [](const auto& diagnostic) {
    return diagnostic.severity == config::Severity::kNotice;
  });
  if (!only_notices || !command.quiet) Print(stderr, diagnostics.Render());
}

// -t and -T. Touches nothing that a running sluice uses.
int Test(const CommandLine& command, const config::LoadResult& loaded) {
  const std::string file = Resolve(command.prefix, command.config_file);
  if (!loaded.plan.has_value()) {
    Print(stderr, absl::StrCat("sluice: configuration file ", file, " test failed\n"));
    return EXIT_FAILURE;
  }
  if (!command.quiet) {
    Print(stderr, absl::StrCat("sluice: the configuration file ", file, " syntax is ok\n",
                               "sluice: configuration file ", file, " test is successful\n"));
  }
  if (command.action == Action::kTestAndDump) {
    for (const config::SourceFile& source : loaded.files) {
      Print(stdout,
            absl::StrCat("# configuration file ", source.name(), ":\n", source.text(), "\n"));
    }
  }
  return EXIT_SUCCESS;
}

int SendSignal(int signal, const config::Plan& plan) {
  const absl::StatusOr<pid_t> pid = ReadPidFile(plan.process.pid_file);
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

// As nginx, goes on with stderr if it is only sluice's own default that cannot be opened.
void ReplaceUnusableDefaultLog(config::Plan& plan, Logger& logger) {
  const FileDescriptor file(
      open(kDefaultErrorLog, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (file.valid()) return;
  logger.Log(config::LogLevel::kWarn,
             absl::StrCat("could not open error log file: ",
                          SystemErrorText(absl::StrCat("open() \"", kDefaultErrorLog, "\""), errno),
                          "; errors go to stderr"));
  const auto replace = [](std::vector<config::ErrorLog>& logs) {
    for (config::ErrorLog& log : logs) {
      if (log.file == kDefaultErrorLog) log.file = "stderr";
    }
  };
  replace(plan.process.error_logs);
  for (config::Server& server : plan.servers) replace(server.error_logs);
}

int Run(config::Plan plan) {
  Logger logger;
  const bool uses_default_log =
      std::any_of(plan.process.error_logs.begin(), plan.process.error_logs.end(),
                  [](const config::ErrorLog& log) { return log.file == kDefaultErrorLog; });
  if (uses_default_log) ReplaceUnusableDefaultLog(plan, logger);
  return RunServer(std::move(plan), logger);
}

int Main(std::span<const char* const> arguments) {
  const absl::StatusOr<CommandLine> command = ParseCommandLine(arguments);
  if (!command.ok()) {
    Print(stderr, absl::StrCat("sluice: ", EscapeForLog(command.status().message()), "\n"));
    return EXIT_FAILURE;
  }
  // To stderr, as nginx does.
  const std::string version = absl::StrCat("sluice version: ", kServerVersion, "\n");
  if (command->action == Action::kVersion) {
    Print(stderr, version);
    return EXIT_SUCCESS;
  }
  if (command->action == Action::kBuild) {
    Print(stderr, version + BuildText());
    return EXIT_SUCCESS;
  }
  if (command->action == Action::kHelp) {
    Print(stderr, version + HelpText());
    return EXIT_SUCCESS;
  }

  config::LoadResult loaded = LoadConfiguration(*command);
  PrintDiagnostics(*command, loaded.diagnostics);
  if (command->action == Action::kTest || command->action == Action::kTestAndDump) {
    return Test(*command, loaded);
  }
  if (!loaded.plan.has_value()) return EXIT_FAILURE;
  switch (command->action) {
    case Action::kDumpPlan:
      Print(stdout, config::DumpPlan(*loaded.plan));
      return EXIT_SUCCESS;
    case Action::kSignal:
      return SendSignal(command->signal, *loaded.plan);
    default:
      return Run(*std::move(loaded.plan));
  }
}

}  // namespace
}  // namespace sluice::engine

int main(int argc, char** argv) {
  return sluice::engine::Main({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)});
}
