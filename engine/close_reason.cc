#include "engine/close_reason.h"

namespace sluice::engine {

const char* CloseReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNone:
      return "none";
    case CloseReason::kClientClosed:
      return "client_closed";
    case CloseReason::kUpstreamClosed:
      return "upstream_closed";
    case CloseReason::kUpstreamTruncated:
      return "upstream_truncated";
    case CloseReason::kClientReset:
      return "client_reset";
    case CloseReason::kUpstreamReset:
      return "upstream_reset";
    case CloseReason::kIdleTimeout:
      return "idle_timeout";
    case CloseReason::kNoLiveUpstreams:
      return "no_live_upstreams";
    case CloseReason::kConnectFailed:
      return "connect_failed";
    case CloseReason::kConnectTimeout:
      return "connect_timeout";
    case CloseReason::kHandshakeFailed:
      return "handshake_failed";
    case CloseReason::kUpstreamUntrusted:
      return "upstream_untrusted";
    case CloseReason::kTlsFailed:
      return "tls_failed";
    case CloseReason::kNoResources:
      return "no_resources";
    case CloseReason::kShutdown:
      return "shutdown";
  }
  return "unknown";
}

}  // namespace sluice::engine
