// `sluice --probe`: what a TLS upstream does, as sluice would see it.
#ifndef SLUICE_ENGINE_PROBE_PROBE_H_
#define SLUICE_ENGINE_PROBE_PROBE_H_

#include <span>
#include <string_view>

#include "engine/probe/options.h"

namespace sluice::engine {

inline constexpr int kProbeFine = 0;
// The upstream cannot be used as configured.
inline constexpr int kProbeUnusable = 1;
// There is no report, or not the whole of it: wrong usage, a configuration or file that cannot be
// used, or stdout cannot be written.
inline constexpr int kProbeNoReport = 2;

// The command line's first argument says what the others are for.
inline constexpr std::string_view kProbeSwitch = "--probe";

// Probes, and writes the report to stdout and errors to stderr. Returns the exit code.
int RunProbe(const ProbeOptions& options);

// The same from the command line, which begins with kProbeSwitch.
int RunProbeCommand(std::span<const char* const> arguments);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_PROBE_H_
