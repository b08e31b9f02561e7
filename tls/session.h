// One TLS client connection as a pure transformer of bytes.
//
// A Session knows no descriptor, ring, clock or log. Its caller lends it spans for the length of
// one call: ciphertext that has arrived, room for ciphertext to be sent, plaintext to seal or room
// for plaintext that is opened. Between calls it keeps no pointer to any of them.
//
//   Ciphertext io{.input = arrived, .output = room};
//   switch (session->Handshake(io)) { ... }   // then drop io.consumed, send io.produced
#ifndef SLUICE_TLS_SESSION_H_
#define SLUICE_TLS_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tls/context.h"
#include "tls/outcome.h"
#include "tls/ticket_pool.h"

namespace sluice::tls {

// The most a sealed record is longer than its plaintext: TLS 1.0 CBC with explicit padding is the
// worst (RFC 5246 6.2.3: header 5, IV 16, MAC 20, padding 16), doubled for the 1/n-1 split that
// BoringSSL makes in TLS 1.0.
inline constexpr size_t kRecordOverheadBytesMax = 128;
// RFC 8446 5.1.
inline constexpr size_t kRecordPlaintextBytesMax = 16384;
// RFC 8446 5.2 and RFC 5246 6.2.3: the largest record on the wire, header included.
inline constexpr size_t kRecordWireBytesMax = 16384 + 2048 + 5;

// Spans lent to one call, and how much of each it used.
struct Ciphertext {
  std::span<const uint8_t> input;
  std::span<uint8_t> output;
  size_t consumed = 0;  // Of `input`, from its start.
  size_t produced = 0;  // Of `output`, from its start.
};

class Session {
 public:
  // `context` and `tickets` outlive the session. `tickets` may be null: then neither is a session
  // resumed nor are tickets kept. `shard` says which of the pool's lines is ours.
  // Takes a ticket from the pool at once. Allocation failure aborts.
  static std::unique_ptr<Session> Create(const Context& context, TicketPool* tickets, int shard);

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Goes on with the handshake. The first call, with no input, writes the ClientHello.
  // kDone: finished and, where asked for, verified; io.input may hold application data behind
  // io.consumed. kNeedInput, kNeedOutput, kClosed, kFailed as Outcome says. io.produced can be
  // non-zero with every outcome.
  [[nodiscard]] Outcome Handshake(Ciphertext& io);

  // Decrypts records of io.input into `plaintext` and sets `*opened` to its new length.
  // Consumes as many records as fit, and takes in partial ones too (io.consumed == input size
  // unless kNeedPlaintextRoom, kClosed or kFailed). Tickets and key updates are dealt with on the way. `*opened` may be
  // non-zero with every outcome: bytes opened before a close or a failure are good.
  [[nodiscard]] Outcome Open(Ciphertext& io, std::span<uint8_t> plaintext,
                                     size_t* opened);

  // Encrypts from the start of `plaintext` as many bytes as io.output has room for, in records of
  // up to kRecordPlaintextBytesMax, and sets `*sealed`. kDone: all of it. kNeedOutput: the rest
  // waits; the caller keeps those bytes and offers them again.
  [[nodiscard]] Outcome Seal(Ciphertext& io, std::span<const uint8_t> plaintext,
                                     size_t* sealed);

  // Writes close_notify. Open stays usable: TLS can be half-closed (RFC 8446 6.1).
  [[nodiscard]] Outcome Shutdown(Ciphertext& io);

  // Why kFailed was returned.
  const Failure& failure() const;
  // Facts, meaningful once the handshake is done.
  Version version() const;
  std::string_view cipher() const;  // IANA/OpenSSL name; static storage.
  bool resumed() const;

 private:
  Session();
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SESSION_H_
