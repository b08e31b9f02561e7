// One upstream group while it runs: whose turn it is, who has failed, who is full.
//
// Shared by all shards, so that order, max_conns and failure counts hold for the whole process
// and not for each core. A choice is made once for each connection, so a mutex costs nothing that
// could be measured beside it.
#ifndef SLUICE_ENGINE_UPSTREAM_GROUP_H_
#define SLUICE_ENGINE_UPSTREAM_GROUP_H_

#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "config/plan.h"
#include "engine/balance/round_robin.h"

namespace sluice::engine {

inline constexpr int kNoPeer = -1;

// What one connection has tried already. Starts empty.
struct PeerAttempts {
  std::vector<bool> tried;  // By peer index.
  bool on_backups = false;
};

class UpstreamGroup {
 public:
  // `upstream` is plan data that outlives the group.
  explicit UpstreamGroup(const config::Upstream& upstream);
  UpstreamGroup(const UpstreamGroup&) = delete;
  UpstreamGroup& operator=(const UpstreamGroup&) = delete;

  // Chooses the next peer as nginx's round robin does: not tried by this connection, not down, not
  // failed within its fail_timeout, below max_conns; backups only when no other is left. Counts a
  // connection to it. kNoPeer: there is none ("no live upstreams"). `now_ms` is monotonic.
  // Every peer chosen must be released once.
  int Choose(PeerAttempts& attempts, int64_t now_ms);

  // The connection to `peer` stands, its TLS handshake included: nginx forgets failures then,
  // unless there was a newer one.
  void OnConnected(int peer);

  // The connection to `peer` has ended, or was not made. `failed`: refused, timed out, or failed
  // the handshake, which counts towards max_fails. Returns true when this failure has just taken
  // the peer out for its fail_timeout.
  bool Release(int peer, bool failed, int64_t now_ms);

  const config::Upstream& upstream() const { return upstream_; }
  // Connections now counted to `peer`.
  int num_connections(int peer) const;

 private:
  struct PeerState {
    RoundRobinWeight turn;
    int num_connections = 0;
    int num_fails = 0;
    // nginx's `accessed` and `checked`: when it last failed, and when it was last tried after
    // fail_timeout had passed.
    int64_t failed_at_ms = 0;
    int64_t checked_at_ms = 0;
  };

  bool Eligible(int peer, const PeerAttempts& attempts, int64_t now_ms) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Full(int peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const config::Upstream& upstream_;
  const bool has_backups_;
  mutable absl::Mutex mutex_;
  std::vector<PeerState> peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_UPSTREAM_GROUP_H_
