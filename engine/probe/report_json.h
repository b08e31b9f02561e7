// A probe's report for programs. docs/probe.md describes every field; what stands there stays.
#ifndef SLUICE_ENGINE_PROBE_REPORT_JSON_H_
#define SLUICE_ENGINE_PROBE_REPORT_JSON_H_

#include <string>

#include "engine/probe/report.h"

namespace sluice::engine {

// One object with line ends and indentation, in ASCII.
std::string ReportJson(const ProbeReport& report);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_REPORT_JSON_H_
