// One line of an access log.
#ifndef SLUICE_ENGINE_LOG_LINE_H_
#define SLUICE_ENGINE_LOG_LINE_H_

#include <string>

#include "config/plan.h"
#include "engine/variables.h"

namespace sluice::engine {

// The line that `format` makes of a session, with its line feed. Nothing that a variable holds can
// end the line: where the format does not escape (`escape=none`), line feeds and carriage returns
// are written as "\x0A" and "\x0D" all the same. A variable without a value is "-", in JSON
// nothing, as in nginx.
std::string FormatLogLine(const config::LogFormat& format, const SessionFacts& facts);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LOG_LINE_H_
