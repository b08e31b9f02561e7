// A probe's report for people.
#ifndef SLUICE_ENGINE_PROBE_REPORT_TEXT_H_
#define SLUICE_ENGINE_PROBE_REPORT_TEXT_H_

#include <cstdint>
#include <string>

#include "engine/probe/report.h"

namespace sluice::engine {

// Several lines of printable ASCII. `now_s`, in seconds since 1970, is what the days that
// certificates have left are counted from.
std::string ReportText(const ProbeReport& report, int64_t now_s);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_REPORT_TEXT_H_
