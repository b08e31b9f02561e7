#include "engine/command_line.h"

#include <csignal>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace sluice::engine {
namespace {

using Action = CommandLine::Action;

absl::Status Invalid(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(what, "; \"sluice -h\" lists the options"));
}

absl::Status InvalidOption(std::string_view option) {
  return Invalid(absl::StrCat("invalid option: \"", option, "\""));
}

// What the value of an option is called; null for an option without one.
const char* ValueName(char option) {
  switch (option) {
    case 'c':
    case 'e':
      return "file name";
    case 'p':
      return "directory name";
    case 'g':
    case 's':
      return "parameter";
    default:
      return nullptr;
  }
}

absl::Status SetValue(char option, std::string_view value, CommandLine& command) {
  switch (option) {
    case 'c':
      command.config_file = value;
      return absl::OkStatus();
    case 'e':
      command.error_log = value;
      return absl::OkStatus();
    case 'p':
      command.prefix = value;
      if (!command.prefix.ends_with('/')) command.prefix += '/';
      return absl::OkStatus();
    case 'g':
      command.globals = value;
      return absl::OkStatus();
    default:  // -s.
      if (value == "stop") {
        command.signal = SIGTERM;
      } else if (value == "quit") {
        command.signal = SIGQUIT;
      } else if (value == "reopen") {
        command.signal = SIGUSR1;
      } else if (value == "reload") {
        command.signal = SIGHUP;
      } else {
        return InvalidOption(absl::StrCat("-s ", value));
      }
      return absl::OkStatus();
  }
}

// An option without a value. False: there is none of this name.
bool SetFlag(char option, CommandLine& command) {
  switch (option) {
    case '?':
    case 'h':
      command.show_version = command.show_help = true;
      return true;
    case 'v':
      command.show_version = true;
      return true;
    case 'V':
      command.show_version = command.show_build = true;
      return true;
    case 't':
      // -T says more.
      if (command.action != Action::kTestAndDump) command.action = Action::kTest;
      return true;
    case 'T':
      command.action = Action::kTestAndDump;
      return true;
    case 'q':
      command.quiet = true;
      return true;
    default:
      return false;
  }
}

absl::Status NotTogether(std::string_view option, std::string_view other) {
  return Invalid(absl::StrCat("\"", option, "\" and \"", other, "\" cannot be used together"));
}

// The option that chooses `action`; null: none does.
const char* OptionOf(Action action) {
  switch (action) {
    case Action::kTest:
      return "-t";
    case Action::kTestAndDump:
      return "-T";
    case Action::kSignal:
      return "-s";
    case Action::kDumpPlan:
      return "--dump-plan";
    case Action::kRun:
      break;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(std::span<const char* const> arguments) {
  CommandLine command;
  bool dump_plan = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--dump-plan") {
      dump_plan = true;
      continue;
    }
    if (argument == "--strict") {
      command.strict = true;
      continue;
    }
    if (argument.size() < 2 || argument[0] != '-') return InvalidOption(argument);
    argument.remove_prefix(1);
    while (!argument.empty()) {
      const char option = argument[0];
      argument.remove_prefix(1);
      const char* value_name = ValueName(option);
      if (value_name == nullptr) {
        if (!SetFlag(option, command)) return InvalidOption(arguments[i]);
        continue;
      }
      // The rest of this argument, or the next one.
      std::string_view value = argument;
      if (value.empty() && i + 1 < arguments.size()) value = arguments[++i];
      if (value.empty()) {
        return Invalid(
            absl::StrCat("option \"-", std::string_view(&option, 1), "\" requires ", value_name));
      }
      const absl::Status status = SetValue(option, value, command);
      if (!status.ok()) return status;
      argument = {};
    }
  }
  // A test goes before a signal.
  if (command.action == Action::kRun && command.signal != 0) command.action = Action::kSignal;
  if (dump_plan) {
    if (const char* other = OptionOf(command.action); other != nullptr) {
      return NotTogether("--dump-plan", other);
    }
    command.action = Action::kDumpPlan;
  }
  const bool uses_configuration =
      command.action != Action::kSignal && command.action != Action::kDumpPlan;
  if (command.strict && !uses_configuration) {
    return NotTogether("--strict", OptionOf(command.action));
  }
  return command;
}

std::string HelpText() {
  return absl::StrCat(
      "Usage: sluice [-?hvVtTq] [-s signal] [-p prefix] [-e filename] [-c filename] "
      "[-g directives] [--strict] [--dump-plan]\n"
      "\n"
      "Options:\n"
      "  -?,-h         : this help\n"
      "  -v            : show version and exit\n"
      "  -V            : show version, libraries and kernel features, and exit\n"
      "  -t            : test configuration and exit\n"
      "  -T            : test configuration, dump it and exit\n"
      "  -q            : suppress non-error messages during configuration testing\n"
      "  -s signal     : send signal to the running sluice: stop, quit, reload, reopen (not sent "
      "with -t, "
      "-T)\n"
      "  -p prefix     : set prefix path (default: ",
      kDefaultPrefix,
      ")\n"
      "  -e filename   : set error log file (default: ",
      kDefaultErrorLog,
      ")\n"
      "  -c filename   : set configuration file (default: ",
      kDefaultConfigFile,
      ")\n"
      "  -g directives : set global directives out of configuration file\n"
      "  --strict      : take warnings as errors, with -t, -T and at start\n"
      "  --dump-plan   : show the compiled configuration and exit; not together with -t, -T, -s\n"
      "\n"
      "Or: sluice --probe ADDRESS ... tells what a TLS upstream does; see sluice --probe --help\n");
}

}  // namespace sluice::engine
