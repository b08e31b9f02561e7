// What the variables of the configuration language are worth for one session.
#ifndef SLUICE_ENGINE_VARIABLES_H_
#define SLUICE_ENGINE_VARIABLES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/address.h"
#include "config/plan.h"
#include "config/template.h"
#include "config/variable.h"
#include "engine/close_reason.h"
#include "engine/proxy_protocol.h"
#include "tls/outcome.h"

namespace sluice::engine {

// One attempt to serve a session by an upstream. Times in milliseconds, kUnknownMs: it did not get
// so far.
struct UpstreamAttempt {
  static constexpr int64_t kUnknownMs = -1;

  std::string_view address;  // The peer's, or the group's name where no peer could be chosen.
  int64_t started_ms = 0;    // Monotonic.
  int64_t connect_ms = kUnknownMs;  // From started_ms on, the TLS handshake included, as in nginx.
  int64_t handshake_ms = kUnknownMs;   // The TLS handshake alone.
  int64_t first_byte_ms = kUnknownMs;  // From started_ms on.
  int64_t session_ms = kUnknownMs;     // From started_ms to its end.
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
};

// TLS to the upstream.
struct UpstreamTls {
  bool verify = false;
  std::string_view server_name;  // Sent as SNI; empty: none.
  // The handshake is done; what follows is known only then.
  bool established = false;
  std::string_view cipher;
  std::string_view group;
  std::string_view protocol;
  bool resumed = false;
  const tls::Failure& failure;
};

// TLS with the client.
struct ClientTls {
  std::string_view server_name;  // That it asked for (SNI), bytes from the peer; empty: none.
  // The handshake is done; what follows is known only then.
  bool established = false;
  std::string_view cipher;
  std::string_view group;
  std::string_view protocol;
  bool resumed = false;
  std::string_view alpn;
  std::string_view session_id;
  // The certificate that it has shown, as DER; empty: none.
  std::string_view certificate;
  // What a $ssl_client_* variable is worth for a certificate; empty: nothing.
  std::string (*certificate_variable)(std::string_view der, config::VariableId id) = nullptr;
  // What is wrong with the certificate, which was accepted all the same; empty: nothing.
  std::string_view tolerated;
  const tls::Failure& failure;
};

// What is known of a session now. A view: everything outlives the calls it is given to.
struct SessionFacts {
  const config::Plan& plan;
  uint64_t number = 0;
  const config::Address& client;  // Whom set_real_ip_from believes it to be.
  const config::Address& peer;    // The other end of the socket.
  const config::Address& server;  // That the client connected to.
  int64_t session_ms = 0;
  CloseReason close_reason = CloseReason::kNone;
  uint64_t bytes_received = 0;  // From the client.
  uint64_t bytes_sent = 0;      // To the client.
  std::span<const UpstreamAttempt> attempts;
  std::optional<UpstreamTls> upstream_tls;    // Of the last attempt. None: it has no TLS.
  std::optional<ClientTls> client_tls;        // None: the client speaks plain.
  const ProxyHeader* proxy_header = nullptr;  // Null: there was none.
  std::span<const std::string> set_values;    // By Variable::slot.
};

// Appends the value of `variable`. False, and nothing is appended, if it has none: nginx calls that
// "not found", and writes "-" for it in most logs.
bool AppendVariable(const config::Variable& variable, const SessionFacts& facts, std::string& out);

// `value` with its variables; those that have no value are empty, as in nginx.
std::string Evaluate(const config::Template& value, const SessionFacts& facts);

// `path` with its variables, a file name. None if a variable has brought in what leads elsewhere: a
// component "..", a NUL or another control character.
std::optional<std::string> EvaluatePath(const config::Template& path, const SessionFacts& facts);

// Whether `if=` lets a session through: its value is neither empty nor "0".
bool IsTrue(const config::Template& condition, const SessionFacts& facts);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_VARIABLES_H_
