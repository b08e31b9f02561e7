// How one step of a TLS session ended, and why it failed.
#ifndef SLUICE_TLS_OUTCOME_H_
#define SLUICE_TLS_OUTCOME_H_

#include <cstdint>
#include <string>

namespace sluice::tls {

// What a step of a Session obliges its caller to do next.
enum class Outcome : uint8_t {
  // The step is complete: the handshake has finished, all plaintext is sealed, close_notify is out.
  kDone,
  // All ciphertext given has been used; more is needed to go on.
  kNeedInput,
  // `Ciphertext::output` has no room for what is to be sent: send, then call again.
  kNeedOutput,
  // Open: the plaintext span is full, and there may be more to open.
  kNeedPlaintextRoom,
  // Open or Handshake: the peer has sent close_notify. Nothing more will come from it.
  kClosed,
  // The session has failed for good; Session::failure() says why. What stands in
  // `Ciphertext::output` (an alert) should still be sent.
  kFailed,
};

// Printable name, for tests and logs.
const char* OutcomeName(Outcome outcome);

enum class FailureKind : uint8_t {
  kNone,
  // The chain does not lead to a trusted CA, is expired, revoked, too long, ...
  kCertificateUntrusted,
  // The chain is good, but not for the expected name.
  kNameMismatch,
  // The peer sent a fatal alert.
  kAlertReceived,
  // The peer broke the protocol, or the two have no version, cipher or group in common.
  kProtocol,
};

struct Failure {
  FailureKind kind = FailureKind::kNone;
  // kAlertReceived: which one (RFC 8446 6.2).
  uint8_t alert = 0;
  // In nginx's words where it has them, e.g.
  // "upstream SSL certificate verify error: (20:unable to get local issuer certificate)",
  // "upstream SSL certificate does not match \"backend\"",
  // "SSL_do_handshake() failed (SSL: error:...:SSL alert number 48)", with advice behind it where
  // there is some. Bytes from the peer are escaped: the text never holds control characters.
  std::string text;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_OUTCOME_H_
