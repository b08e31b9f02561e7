// One TLS connection, to an upstream or from a client, as a pure transformer of bytes.
//
// A Session knows no descriptor, ring, clock or log. Its caller lends it spans for the length of
// one call: ciphertext that has arrived, room for ciphertext to be sent, plaintext to seal or room
// for plaintext that is opened. Between calls it keeps no pointer to any of them. The end of the
// transport is its caller's business: a Session never hears of it.
//
//   Ciphertext io{.input = arrived, .output = room};
//   switch (session->Handshake(io)) { ... }   // then drop io.consumed, send io.produced
#ifndef SLUICE_TLS_SESSION_H_
#define SLUICE_TLS_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tls/callbacks.h"
#include "tls/context.h"
#include "tls/memory_bio.h"
#include "tls/outcome.h"
#include "tls/record_shortcut.h"
#include "tls/ticket_pool.h"

struct ssl_st;          // BoringSSL's SSL.
struct ssl_session_st;  // BoringSSL's SSL_SESSION.

namespace sluice::tls {

class ServerContext;

// The most a sealed record is longer than its plaintext, with a KeyUpdate that may have to go
// before it (27 bytes: RFC 8446 5.2, 4.6.3). TLS 1.0 CBC is the worst, because BoringSSL splits its
// records in two (RFC 5246 6.2.3: twice header 5, MAC 20, padding 16 = 82); TLS 1.2 CBC has 57,
// TLS 1.3 22.
inline constexpr size_t kRecordOverheadBytesMax = 128;
// RFC 8446 5.1.
inline constexpr size_t kRecordPlaintextBytesMax = 16384;
// RFC 8446 5.2 and RFC 5246 6.2.3: the largest record on the wire, header included.
inline constexpr size_t kRecordWireBytesMax = 16384 + 2048 + 5;

// Spans lent to one call, and how much of each it used.
struct Ciphertext {
  std::span<uint8_t> input;  // May be overwritten as far as it is consumed.
  std::span<uint8_t> output;
  size_t consumed = 0;  // Of `input`, from its start.
  size_t produced = 0;  // Of `output`, from its start.
};

class Session {
 public:
  // `context` and `tickets` outlive the session. `tickets` may be null: then neither is a session
  // resumed nor are tickets kept; the same if the settings have session_reuse off. `shard` says
  // which of the pool's lines is ours. Takes a ticket from the pool at once. Allocation failure
  // aborts.
  static std::unique_ptr<Session> Create(const Context& context, TicketPool* tickets, int shard);

  // The server side, for a client. `context` outlives the session. Allocation failure aborts.
  static std::unique_ptr<Session> Create(const ServerContext& context);

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // In every step kNeedOutput means that bytes wait that must go out before anything else; room
  // may be given in pieces of any size. The answer of a step comes only once all it has to say is
  // in io.output.

  // Goes on with the handshake. To an upstream the first call, with no input, writes the
  // ClientHello.
  // kDone: finished and, where asked for, verified; io.input may hold application data behind
  // io.consumed. kNeedInput, kNeedOutput, kClosed, kFailed as Outcome says. io.produced can be
  // non-zero with every outcome.
  [[nodiscard]] Outcome Handshake(Ciphertext& io);

  // Decrypts records of io.input into `plaintext` and sets `*opened` to its new length.
  // Consumes as many records as fit; where the last is not all there, its bytes may be left for the
  // caller to keep and to offer again, at the start of what came behind them. Room for
  // kRecordWireBytesMax bytes spares a detour. `plaintext` and io.input do not overlap. What
  // follows a close_notify is dropped. Tickets and key updates are dealt with on the way. io.output
  // is used for alerts only and may be empty. `*opened` may be non-zero with every outcome: bytes
  // opened before a close or a failure are good. Only after Handshake has said kDone.
  [[nodiscard]] Outcome Open(Ciphertext& io, std::span<uint8_t> plaintext, size_t* opened);

  // Encrypts from the start of `plaintext` as many bytes as io.output has room for, in records of
  // up to kRecordPlaintextBytesMax, and sets `*sealed`. kDone: all of it. kNeedOutput: the rest
  // waits; the caller keeps those bytes and offers them again, and room for more than
  // kRecordOverheadBytesMax bytes with them. A record is shortened to fit only where none has been
  // written by this call. `plaintext` and io.output do not overlap. io.input is not looked at. Only
  // after Handshake has said kDone and before Shutdown.
  [[nodiscard]] Outcome Seal(Ciphertext& io, std::span<const uint8_t> plaintext, size_t* sealed);

  // Writes close_notify, once however often it is called; nothing in the middle of a handshake.
  // Open stays usable: TLS can be half-closed (RFC 8446 6.1). io.input is not looked at. Tickets
  // that arrive afterwards are not kept.
  [[nodiscard]] Outcome Shutdown(Ciphertext& io);

  // Whether closing now would lose tickets: the session could be resumed, and the upstream has
  // neither sent one yet (with TLS 1.3 they follow our Finished) nor is known to send none.
  bool awaits_ticket() const;
  // The caller has waited long enough: the upstream seems to send no tickets. For the next minute
  // nobody waits for them (TicketPool::OnNoTicket).
  void GiveUpOnTicket();
  // The ClientHello has not been sent and never will be: the ticket in it is as good as new, and
  // goes back to the pool.
  void ReturnTicket();

  // Why kFailed was returned.
  const Failure& failure() const { return callback_state_.failure; }
  // The handshake was done, whatever has come since.
  bool established() const { return established_; }
  // Whom the ClientHello asks for (SNI), from a client bytes from the peer; empty: nobody.
  std::string_view server_name() const;
  // Facts, meaningful once the handshake is done. Names in static storage.
  Version version() const;
  std::string_view cipher() const;  // OpenSSL's name, as in nginx's logs.
  std::string_view group() const;   // The key exchange group; empty with RSA key exchange.
  bool resumed() const;
  // What the peer has signed the handshake with; empty if resumed or with RSA key exchange.
  std::string_view signature_algorithm() const;
  // Whether the upstream has asked for a client certificate, and has got one. Known after a failed
  // handshake too; false if resumed.
  bool certificate_requested() const { return callback_state_.certificate_requested; }
  bool certificate_sent() const { return callback_state_.certificate_sent; }
  // The protocol that the server has chosen (ALPN), bytes from the peer; empty: none. Valid as
  // long as the session, like the chain.
  std::string_view alpn() const;
  // The peer's certificates as DER, leaf first; after a failed verification too. On resumption
  // those of the session. Empty before they have come.
  std::vector<std::string_view> peer_chain() const;
  // The first of them; empty: none.
  std::string_view peer_certificate() const;
  // The session's identifier, bytes. Once the handshake is done.
  std::string_view id() const;
  // Tickets (TLS 1.2: sessions) that have come, and the lifetime of the latest in seconds, 0 if not
  // told. Of TLS 1.3 at most the two days that BoringSSL keeps one.
  // What is wrong with the client's certificate, which was accepted all the same (static text of
  // OpenSSL's); empty: nothing.
  std::string_view tolerated() const { return callback_state_.tolerated; }
  int num_tickets() const { return callback_state_.num_tickets; }
  uint32_t ticket_lifetime_s() const { return callback_state_.ticket_lifetime_s; }

 private:
  // Lends the spans of one call to bio_ and books their use when the call ends.
  class Loan;

  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  struct FreeSslSession {
    void operator()(ssl_session_st* session) const;
  };

  enum class State : uint8_t {
    kHandshaking,
    kOpen,    // The handshake is done.
    kClosed,  // The peer has sent close_notify.
    kFailed,
  };

  Session(const Context& context, TicketPool* tickets, int shard);
  explicit Session(const ServerContext& context);
  void Attach();

  // Turns a result of BoringSSL's `function` that is no success into an outcome.
  Outcome Conclude(const char* function, int result);
  // `outcome`, unless bytes are kept that have to go out before it may be told.
  Outcome Tell(Outcome outcome) const;
  void EndHandshake(bool completed);
  // A session is resumed with the certificate that the client once had: whether it is still good.
  bool ResumedClientIsAccepted();

  // Declared in the order of dependence: ssl_ points at the two before it, shortcut_ at ssl_.
  MemoryBio bio_;
  CallbackState callback_state_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  RecordShortcut shortcut_;
  // What was taken from the pool, until the handshake shows what it was good for.
  std::unique_ptr<ssl_session_st, FreeSslSession> offered_;
  State state_ = State::kHandshaking;
  bool established_ = false;
  bool close_notify_sent_ = false;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SESSION_H_
