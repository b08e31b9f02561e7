// One connection to a TLS upstream, from connect() to close(), and what was seen on it.
//
// The TLS is the product's own (tls::Session); only the waiting is different: one connection at a
// time, poll(2), and a deadline for each step.
#ifndef SLUICE_ENGINE_PROBE_TLS_CONNECTION_H_
#define SLUICE_ENGINE_PROBE_TLS_CONNECTION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/plan.h"
#include "tls/certificate_facts.h"
#include "tls/context.h"
#include "tls/outcome.h"
#include "tls/settings.h"
#include "tls/ticket_pool.h"

namespace sluice::engine {

// How the upstream ended the connection: by itself, or after our close_notify and FIN.
enum class CloseAnswer : uint8_t {
  kNone,         // Not looked at, or it did not get that far.
  kCloseNotify,  // By close_notify: the end of its data is certain.
  kFinOnly,      // By FIN alone, as an attacker could.
  kReset,        // By RST.
  kStaysOpen,    // Not at all, in the time given.
};

// The name used in reports: "close_notify", "fin", "reset", "stays_open", "none".
const char* CloseAnswerName(CloseAnswer answer);

// How far a connection came before it failed.
enum class ProbeStep : uint8_t { kConnect, kHandshake, kAfterHandshake };

struct ConnectionFacts {
  // One line for the operator: what failed, where, and what to look at. Printable. Empty: nothing
  // has.
  std::string error;
  ProbeStep step = ProbeStep::kConnect;
  // Of the TLS layer, if the failure is from there.
  tls::Failure failure;
  bool ok() const { return error.empty(); }
  // The upstream does not speak any version that was offered.
  bool version_refused() const;

  int64_t connect_us = 0;
  int64_t handshake_us = 0;  // From connected to our Finished being sent.

  // As of tls::Session; text from the peer is escaped.
  tls::Version version = tls::Version::kTls12;
  std::string cipher;
  std::string group;
  std::string signature_algorithm;
  std::string alpn;
  bool resumed = false;
  // For a client certificate, which a full handshake may do. Also after a failed handshake.
  bool certificate_requested = false;
  bool certificate_sent = false;
  // Also after a failed verification.
  std::vector<tls::CertificateFacts> chain;
  int num_tickets = 0;
  uint32_t ticket_lifetime_s = 0;  // 0: not told.

  // The upstream ended the connection before we did: `close` says how.
  bool closed_first = false;
  int64_t num_answer_bytes = 0;  // What it had said, decrypted.
  bool closed_without_a_word() const { return closed_first && num_answer_bytes == 0; }
  CloseAnswer close = CloseAnswer::kNone;
};

struct ConnectionRequest {
  const config::Server& server;
  const config::Address& address;
  const tls::Context& context;
  // Null: a full handshake, and no tickets are kept.
  tls::TicketPool* tickets = nullptr;
  int64_t timeout_ms = 0;
  // Sent once the handshake is done, if tickets are waited for.
  std::string_view first_bytes;
  // How long to wait for tickets; 0: close at once, and take none.
  int64_t ticket_wait_ms = 0;
  // How long to wait for the upstream to close too; 0: not at all.
  int64_t close_wait_ms = 0;
};

// Blocks; never for longer than the request's times together.
ConnectionFacts ProbeOnce(const ConnectionRequest& request);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_TLS_CONNECTION_H_
