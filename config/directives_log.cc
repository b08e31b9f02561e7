// Rows for logs of sessions.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/limits.h"
#include "config/parameter.h"
#include "config/quote.h"
#include "config/read_file.h"
#include "config/syslog.h"
#include "config/value.h"

namespace sluice::config {
namespace {

// nginx: what gzip and flush imply when no buffer is given, or a level.
constexpr int64_t kGzipBufferBytes = 64 * 1024;
constexpr int kGzipLevel = 1;

std::optional<LogEscape> ParseEscape(std::string_view name) {
  if (name == "default") return LogEscape::kDefault;
  if (name == "json") return LogEscape::kJson;
  if (name == "none") return LogEscape::kNone;
  return std::nullopt;
}

void AddLogFormat(Call& call) {
  const Word& name = call.arg(0);
  LogFormat format{.name = name.text};
  size_t first = 1;
  if (std::string_view escape = call.arg(1).text; absl::ConsumePrefix(&escape, "escape=")) {
    const std::optional<LogEscape> known = ParseEscape(escape);
    if (!known.has_value()) {
      call.Error(call.arg(1), absl::StrCat("unknown log format escaping ", Quote(escape),
                                           ": expected default, json or none"));
      return;
    }
    format.escape = *known;
    first = 2;
  }
  if (call.directive.args.size() == first) {
    call.Error(name, absl::StrCat("log format ", Quote(name.text),
                                  " has no text: expected \"log_format NAME STRING\""));
    return;
  }
  // nginx joins the strings as they are.
  Word text = call.arg(first);
  for (size_t i = first + 1; i < call.directive.args.size(); ++i) text.text += call.arg(i).text;
  std::optional<Template> parsed = call.ParseTemplate(text);
  if (!parsed.has_value()) return;
  format.text = *std::move(parsed);

  std::vector<LogFormat>& formats = call.main.log_formats;
  if (std::any_of(formats.begin(), formats.end(),
                  [&](const LogFormat& known) { return known.name == format.name; })) {
    call.Error(name, absl::StrCat("duplicate \"log_format\" name ", Quote(format.name)));
    return;
  }
  formats.push_back(std::move(format));
}

// What the parameters of access_log set; `if` is read apart, as it needs the call.
struct AccessLogParameters {
  AccessLog log;
  bool has_condition = false;
};

constexpr Parameter<AccessLogParameters> kAccessLogParameters[] = {
    {"buffer", "a size from 1 to 64m",
     [](std::string_view value, AccessLogParameters& parameters) {
       parameters.log.buffer_bytes = ParseSize(value).value_or(0);
       return parameters.log.buffer_bytes >= 1 && parameters.log.buffer_bytes <= kBufferBytesMax;
     }},
    {"flush", "a time above 0 such as \"5s\"",
     [](std::string_view value, AccessLogParameters& parameters) {
       parameters.log.flush_ms = ParseDurationMs(value).value_or(0);
       return parameters.log.flush_ms > 0;
     }},
    {"gzip", "a number from 1 to 9",
     [](std::string_view value, AccessLogParameters& parameters) {
       return SetIfGiven(ParseNumber(value, 1, 9), &parameters.log.gzip_level);
     }},
    {"if", "a value such as \"$variable\"",
     [](std::string_view, AccessLogParameters& parameters) {
       return parameters.has_condition = true;
     }},
};

// A condition, and a `gzip` without a level, are no parameters as the table knows them.
bool SetAccessLogParameters(Call& call, AccessLog& log) {
  AccessLogParameters parameters;
  for (size_t i = 2; i < call.directive.args.size(); ++i) {
    Word word = call.arg(i);
    if (word.text == "gzip") word.text = absl::StrCat("gzip=", kGzipLevel);
    if (!SetParameter<AccessLogParameters>(call, word, kAccessLogParameters, parameters)) {
      return false;
    }
    if (!std::exchange(parameters.has_condition, false)) continue;
    word.text.erase(0, std::string_view("if=").size());
    std::optional<Template> condition = call.ParseTemplate(word);
    if (!condition.has_value()) return false;
    parameters.log.condition = *std::move(condition);
  }
  log = std::move(parameters.log);
  if (log.gzip_level > 0 && log.buffer_bytes == 0) log.buffer_bytes = kGzipBufferBytes;
  return true;
}

void AddAccessLog(Call& call) {
  const Word& path = call.arg(0);
  std::vector<PlacedAccessLog>& logs = call.server->access_logs;
  if (call.is_first) logs.clear();
  if (path.text == "off" && call.directive.args.size() == 1) {
    logs.clear();
    return;
  }
  if (path.text.empty()) {
    call.InvalidValue(path, "a file name, \"syslog:server=ADDRESS\" or \"off\"");
    return;
  }
  if (call.directive.args.size() == 1) {
    call.Error(path, absl::StrCat("log format is not specified for ", Quote(path.text),
                                  ": expected \"access_log FILE FORMAT\", with the name of a "
                                  "\"log_format\""));
    return;
  }
  PlacedAccessLog placed{.path = &path, .format = &call.arg(1)};
  if (!SetAccessLogParameters(call, placed.log)) return;
  if (IsSyslog(path)) {
    placed.log.syslog = ParseSyslog(call, path, SyslogUse::kAccessLog);
    if (!placed.log.syslog.has_value()) return;
    if (placed.log.buffer_bytes > 0 || placed.log.flush_ms > 0) {
      call.Error(path,
                 "logs to syslog cannot be buffered: leave out \"buffer\", \"flush\" and \"gzip\"");
      return;
    }
    logs.push_back(std::move(placed));
    return;
  }
  std::optional<Template> parsed = call.ParseTemplate(path);
  if (!parsed.has_value()) return;
  if (!path.text.starts_with('/')) parsed->Prepend(ResolvePath(call.prefix, ""));
  placed.log.path = *std::move(parsed);
  if (!placed.log.path.constant() && placed.log.buffer_bytes > 0) {
    call.Error(path,
               "buffered logs cannot have variables in name: leave out \"buffer\", \"flush\" "
               "and \"gzip\", or the variables");
    return;
  }
  if (placed.log.flush_ms > 0 && placed.log.buffer_bytes == 0) {
    call.Error(path, absl::StrCat("no buffer is defined for access_log ", Quote(path.text),
                                  ": \"flush\" needs \"buffer=SIZE\""));
    return;
  }
  logs.push_back(std::move(placed));
}

constexpr int kIntMax = std::numeric_limits<int>::max();

constexpr Parameter<LogFileCache> kLogFileCacheParameters[] = {
    {"max", "a number from 1 to 2147483647",
     [](std::string_view value, LogFileCache& cache) {
       return SetIfGiven(ParseNumber(value, 1, kIntMax), &cache.max);
     }},
    {"inactive", "a time such as \"10s\"",
     [](std::string_view value, LogFileCache& cache) {
       cache.inactive_ms = ParseDurationMs(value).value_or(-1);
       return cache.inactive_ms >= 0;
     }},
    {"min_uses", "a number from 1 to 2147483647",
     [](std::string_view value, LogFileCache& cache) {
       return SetIfGiven(ParseNumber(value, 1, kIntMax), &cache.min_uses);
     }},
    {"valid", "a time such as \"60s\"",
     [](std::string_view value, LogFileCache& cache) {
       cache.valid_ms = ParseDurationMs(value).value_or(-1);
       return cache.valid_ms >= 0;
     }},
};

void SetLogFileCache(Call& call) {
  LogFileCache& cache = call.server->server.log_file_cache;
  cache = {};
  if (call.arg(0).text == "off" && call.directive.args.size() == 1) return;
  if (!SetParameters<LogFileCache>(call, 0, kLogFileCacheParameters, cache)) return;
  if (cache.max == 0) {
    call.Error(call.directive.name,
               "\"open_log_file_cache\" must have \"max\" parameter: expected \"max=NUMBER\" or "
               "\"off\"");
  }
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "log_format",
     .contexts = kStream,
     .args = {2, kUnbounded},
     .repeat = Repeat::kMany,
     .set = AddLogFormat,
     .usage = "NAME [escape=default|json|none] STRING...",
     .help = "What a line of an access log says."},
    {.name = "access_log",
     .contexts = kStream | kServer,
     .args = {1, kUnbounded},
     .repeat = Repeat::kMany,
     .set = AddAccessLog,
     .usage = "FILE FORMAT [buffer=SIZE] [gzip[=LEVEL]] [flush=TIME] [if=CONDITION]|"
              "syslog:server=ADDRESS[,facility=NAME][,tag=NAME][,severity=LEVEL][,nohostname] "
              "FORMAT [if=CONDITION]|off",
     .help = "Where sessions are logged, one line each when they have ended."},
    {.name = "open_log_file_cache",
     .contexts = kStream | kServer,
     .args = {1, 4},
     .set = SetLogFileCache,
     .usage = "max=N [inactive=TIME] [min_uses=N] [valid=TIME]|off",
     .help = "How many access logs that are named with variables stay open."},
};

}  // namespace

std::span<const DirectiveSpec> LogDirectives() { return kDirectives; }

}  // namespace sluice::config
