// Sessions that can be resumed, of one upstream peer and one identity, shared by all shards.
//
// An array of owning slots, one cache line for each shard. A session's ownership moves only by
// atomic exchange: who takes a pointer out of a slot is the only one to see it, so nothing is
// shared while it is used, nothing is compared (no ABA) and nothing needs reclaiming later.
#ifndef SLUICE_TLS_TICKET_POOL_H_
#define SLUICE_TLS_TICKET_POOL_H_

struct ssl_session_st;  // BoringSSL's SSL_SESSION.

namespace sluice::tls {

class TicketPool {
 public:
  // `num_shards` lines. Every shard index given below is less than it.
  explicit TicketPool(int num_shards);
  ~TicketPool();
  TicketPool(const TicketPool&) = delete;
  TicketPool& operator=(const TicketPool&) = delete;

  // Takes ownership of `session`. Never blocks; the oldest of the shard's line is freed when the
  // line is full. Only for the thread of `shard`.
  void Put(int shard, ssl_session_st* session);

  // Hands the newest usable session of the shard's line to the caller, or one of another line, or
  // null. An expired one is freed on the way. A TLS 1.3 session is given out at most once
  // (RFC 8446 C.4) while there is stock; TLS 1.2 ones stay. Only for the thread of `shard`.
  ssl_session_st* Take(int shard);
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TICKET_POOL_H_
