// Every way a proxied connection can end. Logs, metrics and tests speak of these.
#ifndef SLUICE_ENGINE_CLOSE_REASON_H_
#define SLUICE_ENGINE_CLOSE_REASON_H_

#include <cstdint>

namespace sluice::engine {

enum class CloseReason : uint8_t {
  // Not closed yet.
  kNone,
  // The client ended its stream first, and all it sent was passed on.
  kClientClosed,
  // The upstream ended its stream first (with close_notify, where it speaks TLS), and all it sent
  // was passed on.
  kUpstreamClosed,
  // As kUpstreamClosed, but a TLS upstream ended without close_notify: bytes may be missing.
  kUpstreamTruncated,
  // The client reset its connection, or could not be sent to.
  kClientReset,
  // The upstream reset its connection, or could not be sent to.
  kUpstreamReset,
  // No byte moved for proxy_timeout.
  kIdleTimeout,
  // What the client sent first was no PROXY header.
  kProxyHeaderInvalid,
  // No whole PROXY header came within proxy_protocol_timeout.
  kProxyHeaderTimeout,
  // TLS with the client could not begin: no handshake, or a broken one.
  kClientHandshakeFailed,
  // It was not finished within ssl_handshake_timeout.
  kClientHandshakeTimeout,
  // The certificate that ssl_verify_client demands was missing, or not trusted.
  kClientUntrusted,
  // TLS with the client failed after the handshake.
  kClientTlsFailed,
  // No peer of the group could be tried: all failed lately, are down or full.
  kNoLiveUpstreams,
  // The last peer tried refused the connection or could not be reached.
  kConnectFailed,
  // The last peer tried did not accept the connection, or finish the TLS handshake, within
  // proxy_connect_timeout.
  kConnectTimeout,
  // The last peer tried failed the TLS handshake.
  kHandshakeFailed,
  // The certificate of the last peer tried was not trusted, or not for the expected name.
  kUpstreamUntrusted,
  // TLS with the upstream failed after the handshake: a broken record, a fatal alert.
  kTlsFailed,
  // We had no descriptor, port or memory for another socket.
  kNoResources,
  // The client has been sent what `return` says.
  kReturned,
  // sluice was told to stop, or worker_shutdown_timeout has passed.
  kShutdown,
};

inline constexpr int kNumCloseReasons = static_cast<int>(CloseReason::kShutdown) + 1;

// The word for it in logs and metrics: "client_closed".
const char* CloseReasonName(CloseReason reason);

// $status: nginx's code for a session that ended so. 0: it has not ended.
int StatusOf(CloseReason reason);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_CLOSE_REASON_H_
