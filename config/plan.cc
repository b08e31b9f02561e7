#include "config/plan.h"

namespace sluice::config {

const char* LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kEmerg:
      return "emerg";
    case LogLevel::kAlert:
      return "alert";
    case LogLevel::kCrit:
      return "crit";
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kNotice:
      return "notice";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "unknown";
}

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (const LogLevel level : kLogLevels) {
    if (name == LogLevelName(level)) return level;
  }
  return std::nullopt;
}

}  // namespace sluice::config
