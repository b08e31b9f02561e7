// Moves bytes between the two sides of one connection, through TLS on either side, on both or on
// none.
//
// Pure: it knows no socket, ring, clock or log. Told what has arrived and what has left, it says
// what should be received and what should be sent. Each direction is a pipe of up to three stages:
//
//   source --receive-----------------------------> due --send--> sink    plain
//   source --receive--------------> plain --seal-> due --send--> sink    TLS to the sink
//   source --receive--> arrived --open-----------> due --send--> sink    TLS of the source
//   source --receive--> arrived --open--> plain --seal--> due --send--> sink    both
//
// Backpressure is that nothing is received when there is no room. Memory of one direction is
// bounded by a slab for each stage; a direction with nothing on the way holds none.
//
// A receive is cold or hot. Cold: the kernel lends a small buffer when bytes come, whose bytes are
// used up in the same turn, so waiting costs no memory. Hot: after bytes came faster than that,
// the kernel receives straight into the slab, which grows while receives fill it. And what has come
// in bulk for a while is spliced, if there is no TLS: it goes through a pipe, and nobody copies it.
#ifndef SLUICE_ENGINE_RELAY_H_
#define SLUICE_ENGINE_RELAY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/buffer.h"
#include "engine/side.h"
#include "engine/slab_pool.h"
#include "engine/splice_pipe.h"
#include "tls/session.h"

namespace sluice::engine {

// What to receive from a side now.
struct RecvWish {
  enum class Kind : uint8_t { kNone, kCold, kHot, kSplice };
  Kind kind = Kind::kNone;
  std::span<uint8_t> room;  // kHot only: the kernel's until OnReceiveEnded.
  // kHot only: best submitted kPaceUs from now, when more will have come. May be done at once.
  bool paced = false;
};

// Bytes counted as nginx counts them: what clients and upstreams see, without TLS.
struct RelayBytes {
  uint64_t from_client = 0;
  uint64_t to_client = 0;
  uint64_t from_upstream = 0;
  uint64_t to_upstream = 0;
  uint64_t spliced = 0;  // Among the two sums of what was sent.
};

class Relay {
 public:
  // `pool` outlives the relay.
  Relay(SlabPool& pool, size_t slab_bytes_max, SplicePipes* splice_pipes = nullptr) : pool_(pool) {
    SetLimits(slab_bytes_max, splice_pipes);
  }
  // Nothing may be in flight.
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Slabs grow up to `slab_bytes_max`. `splice_pipes` outlive the relay; null: nothing is spliced.
  void SetLimits(size_t slab_bytes_max, SplicePipes* splice_pipes);

  // --- TLS ---

  // The client speaks TLS: `session` is a server's, and what has come from the client so far is for
  // it. Before there is an upstream.
  void StartClientTls(std::unique_ptr<tls::Session> session);
  // The upstream side speaks TLS, behind `preface` that goes in clear. Writes the ClientHello to
  // what is to be sent. Bytes that have come from the client wait until the handshake is done.
  void StartTls(std::unique_ptr<tls::Session> session, std::string_view preface = {});
  // Another upstream will be tried: forgets the session with it and all that was for or from it.
  // What came from the client stays. No upstream operation may be in flight.
  void ForgetUpstream();
  bool handshaking(Side side) const { return speaks_tls(side) && !tls(side).handshake_done; }
  // With whom is at `side`; null: it speaks plain.
  const tls::Session* session(Side side) const { return tls(side).session.get(); }
  // TLS has failed for good, in the handshake or after; session(side)->failure() says why. An alert
  // may be waiting to be sent there.
  bool tls_failed(Side side) const { return tls(side).failed; }
  // On either side.
  bool tls_failed() const { return tls_failed(Side::kClient) || tls_failed(Side::kUpstream); }
  // `side` has ended with a close_notify.
  bool tls_closed(Side side) const { return tls(side).closed; }
  // Closing the upstream side now would lose session tickets that must be on their way.
  bool awaits_ticket() const {
    const Tls& upstream = tls(Side::kUpstream);
    return upstream.handshake_done && !upstream.failed && !upstream.closed &&
           upstream.session->awaits_ticket();
  }
  // They have been waited for long enough.
  void GiveUpOnTicket() { tls(Side::kUpstream).session->GiveUpOnTicket(); }
  // Nothing has been sent to the upstream and nothing will be: its session ticket goes back.
  void ReturnTicket() {
    if (speaks_tls(Side::kUpstream)) tls(Side::kUpstream).session->ReturnTicket();
  }
  // Writes close_notify behind all that is to be sent to `side`, if it speaks TLS. At most once.
  void QueueCloseNotify(Side side);

  // What has come from the client and is not for the upstream yet. Before StartClientTls and
  // StartTls.
  std::span<const uint8_t> client_bytes() const { return pipe_from(Side::kClient).due.bytes(); }
  // The first `n` of them are not for the upstream at all.
  void ConsumeClientBytes(size_t n);
  // Puts `preface` in front of all that is to be sent to a plain upstream, to which nothing has
  // been sent yet.
  void QueuePreface(std::string_view preface);
  // Puts bytes of our own, not the upstream's, behind what is to be sent to the client, through its
  // TLS if it speaks that. Returns how many there was room for.
  size_t QueueForClient(std::span<const uint8_t> bytes);

  // --- Receiving ---

  // What should be received from `source`, if nothing is in flight there. kHot: the receive must
  // be submitted, and its end told. kSplice: splice_pipe_from(source) is to be filled when
  // something has arrived, and OnFilled told.
  RecvWish WishToReceive(Side source);
  // Bytes from the client wait for an upstream to be there.
  bool holds_client_bytes() const { return holds_plaintext(Side::kClient); }
  // Bytes from `source` have not been sealed, or sent, yet.
  bool holds_plaintext(Side source) const {
    const Pipe& pipe = pipe_from(source);
    return pipe.open_pending || !(speaks_tls(Opposite(source)) ? pipe.plain : pipe.due).empty();
  }
  // The pipe through which bytes of `source` go, null: none.
  SplicePipe* splice_pipe_from(Side source) const { return pipe_from(source).splice.get(); }
  // A receive that is not cold was wished and nothing has come for long: it should be cancelled.
  void CoolDown(Side source) { pipe_from(source).hot_bytes = pipe_from(source).run_bytes = 0; }
  bool hot(Side source) const { return pipe_from(source).hot_bytes > 0; }
  // Bytes of a cold receive; `bytes` is used, and overwritten, only during the call. `nonempty`:
  // there is more.
  void OnColdBytes(Side source, std::span<uint8_t> bytes, bool nonempty);
  // A hot receive has ended with `n` bytes in its room; 0: with none, for whatever reason.
  void OnHotBytes(Side source, size_t n, bool nonempty);
  // `n` bytes have been filled into its pipe.
  void OnFilled(Side source, size_t n);
  // The source will send no more.
  void OnEnded(Side source);

  // --- Sending ---

  // What should be sent to `sink`, if nothing is in flight there. Empty: nothing. The bytes are
  // the kernel's until OnSent.
  std::span<const uint8_t> WishToSend(Side sink) const;
  // The bytes of WishToSend have been given to the kernel.
  void OnSendSubmitted(Side sink, size_t n) { pipe_to(sink).due.set_sending(n); }
  // `n` of them were sent.
  void OnSent(Side sink, size_t n);
  // The pipe that should be drained to `sink` now, or as soon as there is room; null: none.
  SplicePipe* WishToDrain(Side sink) const;
  // `n` bytes of it were.
  void OnDrained(Side sink, size_t n);
  // The sink takes no more: what waits for it is dropped, and so is what still comes.
  void Drop(Side sink);

  // --- State ---

  // The source has ended (or its sink takes no more) and nothing of it waits here.
  bool drained(Side source) const;
  bool ended(Side source) const { return pipe_from(source).ended; }
  // All that has come from `source` is in the next send: only more from it can make more to do.
  bool OnlyWaitsForMore(Side source) const;
  // Bytes are on their way to `sink`.
  bool has_due(Side sink) const { return !pipe_to(sink).nothing_due(); }
  const RelayBytes& bytes() const { return bytes_; }
  // What one direction holds at most, in each of its stages.
  size_t slab_bytes_max() const { return slab_bytes_max_; }

 private:
  struct Pipe {
    Buffer arrived;  // Ciphertext of a source that speaks TLS.
    Buffer plain;    // For a sink that speaks TLS.
    Buffer due;
    // Room that the next receive should have in a slab; 0: cold.
    size_t hot_bytes = 0;
    // Come in the present run of large hot receives.
    uint64_t run_bytes = 0;
    std::unique_ptr<SplicePipe> splice;  // Set: bytes go through it, not through `due`.
    bool small_fill = false;             // The last one that filled it was.
    bool source_empty = false;           // The last hot receive took all there was.
    bool ended = false;                  // No more comes from the source.
    bool dropped = false;                // The sink takes no more.
    bool open_pending = false;  // The session holds opened bytes that there was no room for.

    bool nothing_due() const {
      return due.empty() && (splice == nullptr || splice->num_bytes() == 0);
    }
  };

  // TLS with whom is at one side.
  struct Tls {
    std::unique_ptr<tls::Session> session;  // Null: plain.
    bool handshake_done = false;
    bool handshake_needs_room = false;  // Its flight waits for room in what is due there.
    bool failed = false;
    bool closed = false;
    bool close_notify_queued = false;
  };

  Tls& tls(Side side) { return tls_[Index(side)]; }
  const Tls& tls(Side side) const { return tls_[Index(side)]; }
  bool speaks_tls(Side side) const { return tls(side).session != nullptr; }
  bool any_tls() const { return speaks_tls(Side::kClient) || speaks_tls(Side::kUpstream); }

  Pipe& pipe_from(Side source) { return pipes_[Index(source)]; }
  const Pipe& pipe_from(Side source) const { return pipes_[Index(source)]; }
  Pipe& pipe_to(Side sink) { return pipes_[Index(Opposite(sink))]; }
  const Pipe& pipe_to(Side sink) const { return pipes_[Index(Opposite(sink))]; }
  // Where plaintext of `source` goes.
  Buffer& plaintext_of(Side source) {
    Pipe& pipe = pipe_from(source);
    return speaks_tls(Opposite(source)) ? pipe.plain : pipe.due;
  }
  Buffer& receive_target(Side source) {
    return speaks_tls(source) ? pipe_from(source).arrived : plaintext_of(source);
  }
  // Where the next plaintext of `source` goes.
  std::span<uint8_t> RoomFor(Side source);
  uint64_t& bytes_from(Side side) {
    return side == Side::kClient ? bytes_.from_client : bytes_.from_upstream;
  }
  uint64_t& bytes_to(Side side) {
    return side == Side::kClient ? bytes_.to_client : bytes_.to_upstream;
  }

  // Whether `pipe` should be spliced from here on, or still. Gives it a kernel pipe when it can.
  bool Splices(Pipe& pipe);
  void ReleaseSplice(Pipe& pipe);
  void CountReceived(Side source, size_t n);
  void Process(Side source, std::span<uint8_t> lent);
  // Each returns how much of `input` it used: ciphertext from `source`, plaintext from it.
  size_t Decrypt(Side source, std::span<uint8_t> input);
  size_t Handshake(Side side, std::span<uint8_t> input);
  size_t Open(Side source, std::span<uint8_t> input);
  size_t Encrypt(Side source, std::span<const uint8_t> input);
  size_t Seal(Side sink, std::span<const uint8_t> input);
  void FailTls(Side side);
  void QueueAlert(Side side, std::span<const uint8_t> alert);
  void ReleaseIdle(Pipe& pipe);

  SlabPool& pool_;
  size_t slab_bytes_max_ = 0;
  SplicePipes* splice_pipes_ = nullptr;
  Pipe pipes_[2];  // By source.
  Tls tls_[2];     // By Side.
  RelayBytes bytes_;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_RELAY_H_
