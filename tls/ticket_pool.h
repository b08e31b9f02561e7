// Sessions that can be resumed, of one upstream peer and one identity, shared by all shards.
//
// An array of owning slots, one cache line for each shard. A session's ownership moves only by
// atomic exchange: who takes a pointer out of a slot is the only one to see it, so nothing is
// shared while it is used, nothing is compared (no ABA) and nothing needs reclaiming later.
#ifndef SLUICE_TLS_TICKET_POOL_H_
#define SLUICE_TLS_TICKET_POOL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

struct ssl_session_st;  // BoringSSL's SSL_SESSION.

namespace sluice::tls {

class TicketPool {
 public:
  // What Take does once no unused TLS 1.3 session is left.
  enum class WhenDry : uint8_t {
    // Hands out one again that has been handed out before, as nginx and HAProxy do. Servers accept
    // it; an observer can link the connections that share it.
    kReuse,
    // Hands out none: RFC 8446 C.4 to the letter, at the price of full handshakes.
    kNone,
  };

  // `num_shards` lines. Every shard index given below is less than it.
  explicit TicketPool(int num_shards, WhenDry when_dry = WhenDry::kReuse);
  // No other thread may be inside any function by now.
  ~TicketPool();
  TicketPool(const TicketPool&) = delete;
  TicketPool& operator=(const TicketPool&) = delete;

  // Takes ownership of `session`, which nobody may change any more. Never blocks; the oldest of the
  // shard's line is freed when the line is full. Only for the thread of `shard`.
  void Put(int shard, ssl_session_st* session);

  // Hands the newest usable session of the shard's line to the caller, or one of another line, or
  // null. An expired one is freed on the way. A TLS 1.3 session is given out at most once
  // (RFC 8446 C.4) while there is stock; TLS 1.2 ones stay. The caller owns a reference to what it
  // gets and must not change it. Only for the thread of `shard`.
  //
  // A Take that meets another shard's Put or Take may miss the session that is on its way: it
  // costs a full handshake, never a wrong one.
  ssl_session_st* Take(int shard);

  // Drops every copy of `session` that is kept for being handed out again: a handshake has failed
  // with it, or the upstream no longer takes it. The caller still holds its reference. Any thread.
  void Forget(const ssl_session_st* session);

 private:
  // With the spare, one cache line of pointers: a shard that stocks, and is not stolen from, stays
  // in its own line.
  static constexpr size_t kStockSlots = 7;

  struct alignas(64) Line {
    // Unused single-use sessions.
    std::array<std::atomic<ssl_session_st*>, kStockSlots> stock = {};
    // The newest session, for being handed out any number of times: of TLS 1.2, or a second
    // reference to the newest of `stock`.
    std::atomic<ssl_session_st*> spare = nullptr;
    // Where the next Put goes; the slot before it holds the newest. Only for the line's shard.
    alignas(64) size_t next = 0;
  };

  // The first usable session going backwards from the slot before `end`, or null.
  static ssl_session_st* TakeStock(Line& line, size_t end, int64_t now_s);
  // Another reference to the spare session, which stays where it is, or null.
  static ssl_session_st* CopySpare(Line& line, int64_t now_s);

  const WhenDry when_dry_;
  std::vector<Line> lines_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TICKET_POOL_H_
