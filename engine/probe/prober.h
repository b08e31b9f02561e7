// Makes the connections of a probe, and gathers what they show.
#ifndef SLUICE_ENGINE_PROBE_PROBER_H_
#define SLUICE_ENGINE_PROBE_PROBER_H_

#include "absl/status/statusor.h"
#include "engine/probe/options.h"
#include "engine/probe/report.h"
#include "engine/probe/target.h"

namespace sluice::engine {

// Probes every peer of `target` in turn. Of `options`, those under "How to probe" count. Blocks.
// Fails if the settings themselves cannot be used.
absl::StatusOr<ProbeReport> Probe(const ProbeTarget& target, const ProbeOptions& options);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_PROBER_H_
