// Rows for the process and for what stands in every context.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/limits.h"
#include "config/quote.h"
#include "config/read_file.h"
#include "config/suggest.h"
#include "config/syslog.h"
#include "config/value.h"

namespace sluice::config {
namespace {

void SetWorkerProcesses(Call& call) {
  call.main.shards_auto = call.arg(0).text == "auto";
  if (call.main.shards_auto) return;
  const std::optional<int64_t> number = ParseNumber(call.arg(0).text, 1, kShardsMax);
  if (!number.has_value()) {
    call.InvalidValue(call.arg(0), absl::StrCat("\"auto\" or a number from 1 to ", kShardsMax));
    return;
  }
  call.main.process.num_shards = static_cast<int>(*number);
}

// The rightmost digit is CPU 0.
std::optional<std::vector<int>> ParseCpuMask(std::string_view mask) {
  if (mask.empty() || mask.size() > kCpusMax) return std::nullopt;
  std::vector<int> cpus;
  for (size_t cpu = 0; cpu < mask.size(); ++cpu) {
    const char digit = mask[mask.size() - 1 - cpu];
    if (digit != '0' && digit != '1') return std::nullopt;
    if (digit == '1') cpus.push_back(static_cast<int>(cpu));
  }
  if (cpus.empty()) return std::nullopt;
  return cpus;
}

void SetWorkerCpuAffinity(Call& call) {
  call.main.affinity_auto = call.arg(0).text == "auto";
  const size_t first_mask = call.main.affinity_auto ? 1 : 0;
  if (call.main.affinity_auto && call.directive.args.size() > 2) {
    call.Error(call.arg(2), "more than one mask after \"auto\"");
    return;
  }
  for (size_t i = first_mask; i < call.directive.args.size(); ++i) {
    std::optional<std::vector<int>> cpus = ParseCpuMask(call.arg(i).text);
    if (!cpus.has_value()) {
      call.InvalidValue(call.arg(i),
                        absl::StrCat("a mask such as \"0101\", the last digit for CPU 0, with at "
                                     "least one \"1\" and at most ",
                                     kCpusMax, " digits"));
      continue;
    }
    call.main.cpu_masks.push_back(*std::move(cpus));
  }
}

void SetUser(Call& call) {
  const Word& user = call.arg(0);
  // nginx's rule: without a second argument, the group of the user's name.
  const Word& group = call.arg(call.directive.args.size() - 1);
  if (!call.system.user_exists(user.text)) {
    call.Error(user, absl::StrCat("there is no user ", Quote(user.text), " on this machine"));
    return;
  }
  if (!call.system.group_exists(group.text)) {
    call.Error(group, absl::StrCat("there is no group ", Quote(group.text),
                                   " on this machine: expected \"user USER GROUP\""));
    return;
  }
  if (!call.system.is_privileged) {
    call.Warning(call.directive.name, "\"user\" is ignored: only the superuser can become another");
    return;
  }
  call.main.process.user = user.text;
  call.main.process.group = group.text;
}

void SetPid(Call& call) {
  if (call.arg(0).text.empty()) {
    call.InvalidValue(call.arg(0), "a file name");
    return;
  }
  call.main.process.pid_file = ResolvePath(call.prefix, call.arg(0).text);
}

void SetErrorLog(Call& call) {
  const Word& file = call.arg(0);
  ErrorLog log;
  if (file.text.starts_with("memory:")) {
    call.NotSupportedYet(file, "\"memory:\" in \"error_log\"");
    return;
  }
  if (file.text.empty()) {
    call.InvalidValue(file, "a file name, \"stderr\" or \"syslog:server=ADDRESS\"");
    return;
  }
  if (IsSyslog(file)) {
    log.syslog = ParseSyslog(call, file, SyslogUse::kErrorLog);
    if (!log.syslog.has_value()) return;
  } else {
    log.file = file.text == "stderr" ? file.text : ResolvePath(call.prefix, file.text);
  }
  if (call.directive.args.size() > 1) {
    const std::optional<LogLevel> level = ParseLogLevel(call.arg(1).text);
    if (!level.has_value()) {
      std::vector<std::string_view> names;
      for (const LogLevel known : kLogLevels) names.push_back(LogLevelName(known));
      call.Error(call.arg(1), absl::StrCat("invalid log level ", Quote(call.arg(1).text),
                                           ": expected one of debug, info, notice, warn, error, "
                                           "crit, alert, emerg",
                                           DidYouMean(call.arg(1).text, names)));
      return;
    }
    log.level = *level;
  }
  auto& logs =
      call.server == nullptr ? call.main.process.error_logs : call.server->server.error_logs;
  if (call.is_first) logs.clear();
  logs.push_back(std::move(log));
}

void SetLoadModule(Call& call) {
  const Word& module = call.arg(0);
  if (module.text.ends_with("ngx_stream_module.so")) {
    call.diagnostics.Notice(call.directive.name.span,
                            "\"load_module\" has no effect in sluice: stream proxying is built in");
    return;
  }
  call.Error(module, absl::StrCat("sluice loads no modules, and has nothing of ",
                                  Quote(module.text), ": remove this line"));
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "include",
     .contexts = kAnywhere,
     .repeat = Repeat::kMany,
     .usage = "FILE|PATTERN",
     .help = "Reads the directives of other files in this place."},
    {.name = "error_log",
     .contexts = kMain | kStream | kServer,
     .args = {1, 2},
     .repeat = Repeat::kMany,
     .set = SetErrorLog,
     .usage = "FILE|stderr|syslog:server=ADDRESS[,facility=NAME][,tag=NAME][,nohostname] "
              "[debug|info|notice|warn|error|crit|alert|emerg]",
     .help = "Where errors of this severity and above are written."},
    {.name = "daemon",
     .contexts = kMain,
     .form = Form::kFlag,
     .set = SetFlag<&Process::daemon>,
     .usage = "on|off",
     .help = "Whether to run in the background."},
    {.name = "worker_processes",
     .contexts = kMain,
     .set = SetWorkerProcesses,
     .usage = "NUMBER|auto",
     .help = "The number of shards, each a thread; auto: one for each usable CPU."},
    {.name = "worker_cpu_affinity",
     .contexts = kMain,
     .args = {1, kUnbounded},
     .set = SetWorkerCpuAffinity,
     .usage = "MASK...|auto [MASK]",
     .help = "The CPUs each shard may run on."},
    {.name = "worker_rlimit_nofile",
     .contexts = kMain,
     .set = SetNumber<&Process::nofile_limit, 1, std::numeric_limits<int>::max()>,
     .usage = "NUMBER",
     .help = "The limit of open descriptors to ask for."},
    {.name = "worker_shutdown_timeout",
     .contexts = kMain,
     .set = SetDurationMs<&Process::shutdown_timeout_ms>,
     .usage = "TIME",
     .help = "How long connections may go on after a graceful stop or a reload."},
    {.name = "user",
     .contexts = kMain,
     .args = {1, 2},
     .set = SetUser,
     .usage = "USER [GROUP]",
     .help = "Who to become once all sockets listen."},
    {.name = "pid",
     .contexts = kMain,
     .set = SetPid,
     .usage = "FILE",
     .help = "The file that gets the process id."},
    {.name = "load_module",
     .contexts = kMain,
     .repeat = Repeat::kMany,
     .set = SetLoadModule,
     .usage = "FILE",
     .help = "Accepted for nginx's own stream module, which is built in here."},
    {.name = "events",
     .contexts = kMain,
     .form = Form::kBlock,
     .args = {0, 0},
     .usage = "{ ... }",
     .help = "Settings of connection processing.",
     .inside = kEvents},
    {.name = "stream",
     .contexts = kMain,
     .form = Form::kBlock,
     .args = {0, 0},
     .usage = "{ ... }",
     .help = "What is proxied.",
     .inside = kStream},
    {.name = "server",
     .contexts = kStream,
     .form = Form::kBlock,
     .args = {0, 0},
     .repeat = Repeat::kMany,
     .usage = "{ ... }",
     .help = "Listening sockets, and where their connections go.",
     .inside = kServer},

    {.name = "master_process",
     .contexts = kMain,
     .form = Form::kFlag,
     .usage = "on|off",
     .no_effect = "it is always one process, with a thread for each shard"},
    {.name = "env",
     .contexts = kMain,
     .repeat = Repeat::kMany,
     .usage = "VARIABLE[=VALUE]",
     .no_effect = "its one process keeps the environment it was started with"},
    {.name = "debug_points",
     .contexts = kMain,
     .usage = "abort|stop",
     .no_effect = "it has no debug points"},
    {.name = "lock_file",
     .contexts = kMain,
     .usage = "FILE",
     .no_effect = "its shards share no accept lock"},
    {.name = "pcre_jit",
     .contexts = kMain,
     .form = Form::kFlag,
     .usage = "on|off",
     .no_effect = "it uses no regular expressions"},
    {.name = "thread_pool",
     .contexts = kMain,
     .args = {2, 3},
     .repeat = Repeat::kMany,
     .usage = "NAME threads=NUMBER [max_queue=NUMBER]",
     .no_effect = "it reads no files while running"},
    {.name = "timer_resolution",
     .contexts = kMain,
     .usage = "TIME",
     .no_effect = "its timers cost no system call"},
    {.name = "worker_priority",
     .contexts = kMain,
     .usage = "NUMBER",
     .no_effect = "set the priority where it is started, with nice(1) or the service manager"},
    {.name = "worker_rlimit_core",
     .contexts = kMain,
     .usage = "SIZE",
     .no_effect = "set the limit where it is started, with ulimit or the service manager"},
    {.name = "working_directory",
     .contexts = kMain,
     .usage = "DIRECTORY",
     .no_effect = "set it where sluice is started; it only decides where core files go"},
};

}  // namespace

std::span<const DirectiveSpec> MainDirectives() { return kDirectives; }

}  // namespace sluice::config
