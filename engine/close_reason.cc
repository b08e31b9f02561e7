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
    case CloseReason::kProxyHeaderInvalid:
      return "proxy_header_invalid";
    case CloseReason::kProxyHeaderTimeout:
      return "proxy_header_timeout";
    case CloseReason::kClientHandshakeFailed:
      return "client_handshake_failed";
    case CloseReason::kClientHandshakeTimeout:
      return "client_handshake_timeout";
    case CloseReason::kClientUntrusted:
      return "client_untrusted";
    case CloseReason::kClientTlsFailed:
      return "client_tls_failed";
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
    case CloseReason::kReturned:
      return "returned";
    case CloseReason::kShutdown:
      return "shutdown";
  }
  return "unknown";
}

int StatusOf(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNone:
      return 0;
    case CloseReason::kClientClosed:
    case CloseReason::kUpstreamClosed:
    case CloseReason::kUpstreamTruncated:
    case CloseReason::kClientReset:
    case CloseReason::kUpstreamReset:
    case CloseReason::kIdleTimeout:
    case CloseReason::kTlsFailed:
    case CloseReason::kClientTlsFailed:
    case CloseReason::kProxyHeaderTimeout:
    case CloseReason::kReturned:
    case CloseReason::kShutdown:
      return 200;
    case CloseReason::kProxyHeaderInvalid:
      return 400;
    case CloseReason::kNoResources:
    case CloseReason::kClientHandshakeFailed:
    case CloseReason::kClientHandshakeTimeout:
    case CloseReason::kClientUntrusted:
      return 500;
    case CloseReason::kNoLiveUpstreams:
    case CloseReason::kConnectFailed:
    case CloseReason::kConnectTimeout:
    case CloseReason::kHandshakeFailed:
    case CloseReason::kUpstreamUntrusted:
      return 502;
  }
  return 0;
}

}  // namespace sluice::engine
