#include "engine/upstream_group.h"

#include <algorithm>

#include "absl/log/check.h"

namespace sluice::engine {

UpstreamGroup::UpstreamGroup(const config::Upstream& upstream)
    : upstream_(upstream),
      has_backups_(std::any_of(upstream.peers.begin(), upstream.peers.end(),
                               [](const config::Peer& peer) { return peer.backup; })),
      peers_(upstream.peers.size()) {
  for (size_t i = 0; i < peers_.size(); ++i) {
    const int weight = upstream.peers[i].weight;
    peers_[i].turn = {.weight = weight, .effective_weight = weight};
  }
}

bool UpstreamGroup::Full(int peer) const {
  const int max_conns = upstream_.peers[peer].max_conns;
  return max_conns > 0 && peers_[peer].num_connections >= max_conns;
}

bool UpstreamGroup::Eligible(int peer, const PeerAttempts& attempts, int64_t now_ms) const {
  const config::Peer& configured = upstream_.peers[peer];
  const PeerState& state = peers_[peer];
  if (configured.backup != attempts.on_backups || attempts.tried[peer] || configured.down ||
      Full(peer)) {
    return false;
  }
  // nginx: a group's only peer is never taken out for its failures.
  if (peers_.size() == 1) return true;
  return configured.max_fails == 0 || state.num_fails < configured.max_fails ||
         now_ms - state.checked_at_ms > configured.fail_timeout_ms;
}

int UpstreamGroup::Choose(PeerAttempts& attempts, int64_t now_ms) {
  attempts.tried.resize(upstream_.peers.size());
  absl::MutexLock lock(&mutex_);
  for (;;) {
    const int chosen = ChooseRoundRobin(
        static_cast<int>(peers_.size()),
        [&](int peer) {
          mutex_.AssertHeld();
          return Eligible(peer, attempts, now_ms);
        },
        [&](int peer) -> RoundRobinWeight& {
          mutex_.AssertHeld();
          return peers_[peer].turn;
        });
    if (chosen >= 0) {
      attempts.tried[chosen] = true;
      PeerState& state = peers_[chosen];
      ++state.num_connections;
      if (now_ms - state.checked_at_ms > upstream_.peers[chosen].fail_timeout_ms) {
        state.checked_at_ms = now_ms;
      }
      return chosen;
    }
    if (attempts.on_backups || !has_backups_) return kNoPeer;
    attempts.on_backups = true;
  }
}

void UpstreamGroup::OnConnected(int peer) {
  absl::MutexLock lock(&mutex_);
  PeerState& state = peers_[peer];
  if (state.failed_at_ms < state.checked_at_ms) state.num_fails = 0;
}

bool UpstreamGroup::Release(int peer, bool failed, int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  const config::Peer& configured = upstream_.peers[peer];
  PeerState& state = peers_[peer];
  CHECK_GT(state.num_connections, 0);
  --state.num_connections;
  if (!failed) return false;
  ++state.num_fails;
  state.failed_at_ms = now_ms;
  state.checked_at_ms = now_ms;
  if (configured.max_fails == 0 || peers_.size() == 1) return false;
  state.turn.effective_weight =
      std::max(0, state.turn.effective_weight - configured.weight / configured.max_fails);
  return state.num_fails == configured.max_fails;
}

int UpstreamGroup::num_connections(int peer) const {
  absl::MutexLock lock(&mutex_);
  return peers_[peer].num_connections;
}

}  // namespace sluice::engine
