// Sessions that can be resumed, of one upstream peer and one identity, shared by all shards.
//
// One TicketLine (ticket_line.h) for each shard. A shard puts into its own line and takes from it,
// without touching memory that another shard writes; only when it has run out does it take from the
// others'. Nothing waits for another thread.
#ifndef SLUICE_TLS_TICKET_POOL_H_
#define SLUICE_TLS_TICKET_POOL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "tls/settings.h"

struct ssl_session_st;  // BoringSSL's SSL_SESSION.

namespace sluice::tls {

// What has become of a pool's sessions so far. One of TLS 1.3 that was stored ends as one of taken,
// stolen, expired and displaced, or is still there; kept for reuse too, its end counts twice.
struct TicketCounts {
  int64_t stored = 0;     // Handed to Put.
  int64_t taken = 0;      // Unused, handed to the shard that stored it.
  int64_t stolen = 0;     // Unused, handed to another shard.
  int64_t reused = 0;     // Handed out from what may be had any number of times.
  int64_t missed = 0;     // Take found nothing.
  int64_t expired = 0;    // Dropped for its age.
  int64_t displaced = 0;  // Dropped unused because the room was needed, or too large for it.
};

class TicketPool {
 public:
  // For `num_shards` shards (at least 1; every shard index given below is less), which have
  // `bytes_max` to share equally: no session is kept that is larger than one share.
  TicketPool(int num_shards, TicketUse use, int64_t bytes_max);
  // No other thread may be inside any function by now.
  ~TicketPool();
  TicketPool(const TicketPool&) = delete;
  TicketPool& operator=(const TicketPool&) = delete;

  // Takes ownership of `session`, which nobody may change any more. The shard's oldest ones are
  // freed when there is no room. Only for the thread of `shard`.
  void Put(int shard, ssl_session_st* session);

  // Hands out a session to offer, or null. In this order: the shard's own newest unused one, an
  // unused one of another shard, then the newest that may be offered again: one of TLS 1.2, or with
  // TicketUse::kReuse of TLS 1.3. Unused ones are handed out once. One past its lifetime (that of
  // BoringSSL, of the server's hint, or the 7 days of RFC 8446 4.6.1) is freed on the way. The
  // caller owns a reference to what it gets and must not change it. Only for the thread of `shard`.
  //
  // A Take that meets another shard's Put or Take may miss the session that is on its way: it
  // costs a full handshake, never a wrong one.
  ssl_session_st* Take(int shard);

  // Takes back what Take has handed out and nobody has seen: with kSingleUse it is as good as new.
  // (With kReuse a copy of it, or a newer one, is there.) Only for the thread of `shard`.
  void PutBack(int shard, ssl_session_st* session);

  // Drops every copy of `session` that is kept for being offered again: a handshake has failed
  // with it, or the upstream no longer takes it. Misses one that another shard is just copying,
  // which will be told the same by the upstream. The caller still holds its reference. Any thread.
  void Forget(const ssl_session_st* session);

  // Whether it is worth while to wait for this upstream's tickets. Any thread.
  bool expects_tickets() const;
  // A connection has waited in vain: for the next minute none is expected. (Servers built on
  // BoringSSL send theirs with their first data.) Any thread.
  void OnNoTicket();

  // Sums over shards that go on counting. Any thread.
  TicketCounts counts() const;
  // By SessionBytes; never more than `bytes_max` is really held. Any thread.
  int64_t bytes_in_use() const;

 private:
  struct Shard;

  const TicketUse use_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<int64_t> no_ticket_until_uptime_s_ = 0;
};

// What keeping `session` takes, at most. The certificates count in full although the sessions of
// one connection share them: an upstream could show other ones on every connection.
int64_t SessionBytes(const ssl_session_st* session);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TICKET_POOL_H_
