// What `sluice --probe` connects to, and as whom.
#ifndef SLUICE_ENGINE_PROBE_TARGET_H_
#define SLUICE_ENGINE_PROBE_TARGET_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "config/plan.h"
#include "engine/probe/options.h"
#include "tls/settings.h"

namespace sluice::engine {

struct ProbeTarget {
  std::string origin;  // Whose settings these are: "server block at sluice.conf:12".
  tls::Settings settings;
  // Socket options and proxy_ssl_strict_close; its indices mean nothing here.
  config::Server server;
  // Never empty.
  std::vector<config::Peer> peers;
};

// One server block, and which of its upstream's peers are meant. The pointers point into the plan.
struct ServerChoice {
  const config::Server* server = nullptr;
  std::vector<config::Peer> peers;
};

// The server block of `plan` that `address` means: it listens there, or passes to the upstream
// group or the peer of that name. `listen`, if not empty, picks one of several; then `address` may
// be anything else too, and `peers` is empty. Fails if there is none, if there are several with
// different TLS settings, or if it has no TLS.
absl::StatusOr<ServerChoice> ChooseServer(const config::Plan& plan, std::string_view address,
                                          std::string_view listen);

// Reads the configuration and the files that are named, and resolves names. Blocks. The message of
// a failure is printable; it has several lines if the configuration is wrong. kUnavailable: the
// host has no address; all else is wrong usage.
absl::StatusOr<ProbeTarget> FindTarget(const ProbeOptions& options);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_TARGET_H_
