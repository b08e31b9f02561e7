// "syslog:server=ADDRESS[,name=value]...", which error_log and access_log take in place of a file.
#ifndef SLUICE_CONFIG_SYSLOG_H_
#define SLUICE_CONFIG_SYSLOG_H_

#include <cstdint>
#include <optional>

#include "config/call.h"
#include "config/plan.h"
#include "config/tree.h"

namespace sluice::config {

enum class SyslogUse : uint8_t {
  kErrorLog,  // `severity` is accepted and has no effect, as in nginx: messages have their own.
  kAccessLog,
};

// Whether `word` names a syslog server and not a file.
bool IsSyslog(const Word& word);

// What `word`, an argument of `call` for which IsSyslog holds, says; a host name is resolved. None
// if anything is wrong with it: reported.
std::optional<SyslogTarget> ParseSyslog(const Call& call, const Word& word, SyslogUse use);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_SYSLOG_H_
