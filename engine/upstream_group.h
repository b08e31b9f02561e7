// One upstream group while it runs: whose turn it is, who has failed, who is full.
//
// Shared by all shards, so that order, max_conns and failure counts hold for the whole process
// and not for each core. A choice is made once for each connection, so a mutex costs nothing that
// could be measured beside it.
#ifndef SLUICE_ENGINE_UPSTREAM_GROUP_H_
#define SLUICE_ENGINE_UPSTREAM_GROUP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "config/plan.h"
#include "engine/balance/hash.h"
#include "engine/balance/ketama.h"
#include "engine/balance/least.h"
#include "engine/balance/least_time.h"
#include "engine/balance/round_robin.h"
#include "engine/balance/weight_table.h"

namespace sluice::engine {

inline constexpr int kNoPeer = -1;

// What one connection has tried already. Starts empty, but for the key of hash: `hash.key` is what
// config::Balance::hash_key comes to.
struct PeerAttempts {
  static constexpr int64_t kUnknownMs = -1;

  std::vector<bool> tried;  // By peer index.
  bool on_backups = false;
  HashAttempts hash;
  int num_random_misses = 0;

  // --- Of the peer chosen last ---
  int64_t chosen_at_ms = 0;
  bool connected = false;
  int64_t time_ms = kUnknownMs;  // What least_time asks for, once it is known.
};

class UpstreamGroup {
 public:
  // `upstream` is plan data that outlives the group. `before`: the group of the same name in the
  // plan that this one's follows, or null. Peers that are in both (by address and name) share what
  // is known of them from here on: whose turn it is, failures, and connections, so that max_conns
  // holds for those of both plans together.
  explicit UpstreamGroup(const config::Upstream& upstream, UpstreamGroup* before = nullptr);
  UpstreamGroup(const UpstreamGroup&) = delete;
  UpstreamGroup& operator=(const UpstreamGroup&) = delete;

  // Chooses the next peer by the method of the configuration, as nginx does: not tried by this
  // connection, not down, not failed within its fail_timeout, below max_conns; backups only when no
  // other is left. Counts a connection to it. kNoPeer: there is none ("no live upstreams").
  // `now_ms` is monotonic. Every peer chosen must be released once.
  int Choose(PeerAttempts& attempts, int64_t now_ms);

  // The connection to `peer`, which was chosen last for `attempts`, stands, its TLS handshake
  // included: nginx forgets failures then, unless there was a newer one.
  void OnConnected(int peer, PeerAttempts& attempts, int64_t now_ms);
  // It has sent its first byte.
  void OnFirstByte(int peer, PeerAttempts& attempts, int64_t now_ms);

  // The connection to `peer`, which was chosen last for `attempts`, has ended, or was not made.
  // `failed`: refused, timed out, or failed the handshake, which counts towards max_fails. Returns
  // true when the peer has thereby been taken out for its fail_timeout, if only for longer.
  bool Release(int peer, PeerAttempts& attempts, bool failed, int64_t now_ms);

  const config::Upstream& upstream() const { return upstream_; }
  // Connections now counted to `peer`.
  int num_connections(int peer) const;

 private:
  static constexpr int64_t kNever = -1;

  struct PeerState {
    RoundRobinWeight turn;
    int num_connections = 0;
    int num_fails = 0;
    // nginx's `accessed` and `checked`: when it last failed, and when it was last tried after
    // fail_timeout had passed.
    int64_t failed_at_ms = 0;
    int64_t checked_at_ms = 0;
    // When it came back and its weight began to grow (slow_start). kNever: it has all of it.
    int64_t slow_start_began_ms = kNever;
    // least_time: by config::Balance::Time, because a plan that follows may ask for another one.
    std::array<PeerTimes, 3> times;
  };

  // What is known of each peer: objects of its own, because two groups may share some.
  class PeerStates {
   public:
    size_t size() const { return states_.size(); }
    PeerState& operator[](size_t peer) { return *states_[peer]; }
    const PeerState& operator[](size_t peer) const { return *states_[peer]; }
    const std::shared_ptr<PeerState>& shared(size_t peer) const { return states_[peer]; }
    void Add(std::shared_ptr<PeerState> state) { states_.push_back(std::move(state)); }

   private:
    std::vector<std::shared_ptr<PeerState>> states_;
  };

  // The state of a peer that is equal to `peer` and has not been taken, which is noted in `taken`.
  // Null: there is none.
  std::shared_ptr<PeerState> TakeState(const config::Peer& peer, std::vector<bool>& taken) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int num_peers() const { return static_cast<int>(upstream_.peers.size()); }
  bool Eligible(int peer, const PeerAttempts& attempts, int64_t now_ms) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Full(int peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Taken out by its failures, until a connection to it stands.
  bool Failed(int peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Chooses among the backups, or among the others; kNoPeer if there is none.
  int ChooseByMethod(PeerAttempts& attempts, int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Those that this group's least_time asks for.
  PeerTimes& Times(int peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return peers_[peer].times[static_cast<size_t>(balance_.time)];
  }
  const PeerTimes& Times(int peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return peers_[peer].times[static_cast<size_t>(balance_.time)];
  }
  Load ConnectionLoad(int peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Load TimeLoad(int peer, int64_t now_ms) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Brings the weights of the peers in slow start up to date.
  void GrowWeights(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether `time` is what this group's least_time asks for.
  bool Measures(config::Balance::Time time) const;
  // That time is known now.
  void OnTime(int peer, PeerAttempts& attempts, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // At the end of a connection: counts its time, if that is known by now.
  void CountTime(int peer, PeerAttempts& attempts, int64_t now_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const config::Upstream& upstream_;
  const config::Balance& balance_;
  const bool has_backups_;
  const bool has_slow_start_;
  // hash and random: who is not a backup.
  const WeightTable weights_;
  const std::optional<KetamaRing> ring_;  // hash consistent: the same.
  // The same for all groups that share states.
  const std::shared_ptr<absl::Mutex> shared_mutex_;
  absl::Mutex& mutex_;
  PeerStates peers_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::mt19937_64> random_ ABSL_GUARDED_BY(mutex_);  // random.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_UPSTREAM_GROUP_H_
