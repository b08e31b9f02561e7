#include "engine/upstream_group.h"

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "engine/balance/random.h"
#include "engine/balance/slow_start.h"

namespace sluice::engine {

using config::Balance;

namespace {

WeightTable MakeWeightTable(const config::Upstream& upstream) {
  WeightTable table;
  for (size_t i = 0; i < upstream.peers.size(); ++i) {
    const config::Peer& peer = upstream.peers[i];
    if (!peer.backup) table.Add(static_cast<int>(i), peer.weight);
  }
  return table;
}

std::optional<KetamaRing> MakeRing(const config::Upstream& upstream) {
  if (upstream.balance.method != Balance::Method::kConsistentHash) return std::nullopt;
  std::vector<KetamaRing::Member> members;
  for (size_t i = 0; i < upstream.peers.size(); ++i) {
    const config::Peer& peer = upstream.peers[i];
    if (peer.backup) continue;
    members.push_back({.name = peer.name, .weight = peer.weight, .peer = static_cast<int>(i)});
  }
  return KetamaRing(members);
}

bool IsRandom(Balance::Method method) {
  return method == Balance::Method::kRandom || method == Balance::Method::kRandomLeastConn ||
         method == Balance::Method::kRandomLeastTime;
}

}  // namespace

UpstreamGroup::UpstreamGroup(const config::Upstream& upstream, UpstreamGroup* before)
    : upstream_(upstream),
      balance_(upstream.balance),
      has_backups_(std::any_of(upstream.peers.begin(), upstream.peers.end(),
                               [](const config::Peer& peer) { return peer.backup; })),
      has_slow_start_(std::any_of(upstream.peers.begin(), upstream.peers.end(),
                                  [](const config::Peer& peer) { return peer.slow_start_ms > 0; })),
      weights_(MakeWeightTable(upstream)),
      ring_(MakeRing(upstream)),
      shared_mutex_(before != nullptr ? before->shared_mutex_ : std::make_shared<absl::Mutex>()),
      mutex_(*shared_mutex_) {
  absl::MutexLock lock(&mutex_);
  std::vector<bool> taken;
  for (const config::Peer& peer : upstream.peers) {
    std::shared_ptr<PeerState> state;
    if (before != nullptr) {
      before->mutex_.AssertHeld();
      state = before->TakeState(peer, taken);
    }
    if (state == nullptr) state = std::make_shared<PeerState>();
    if (peer.slow_start_ms == 0) state->slow_start_began_ms = kNever;
    // Another weight starts from there.
    const int64_t weight = peer.weight * kWeightUnit;
    if (state->slow_start_began_ms == kNever && state->turn.weight != weight) {
      state->turn = {.weight = weight, .effective_weight = weight};
    }
    peers_.Add(std::move(state));
  }
  if (IsRandom(balance_.method)) random_.emplace(std::random_device()());
}

std::shared_ptr<UpstreamGroup::PeerState> UpstreamGroup::TakeState(const config::Peer& peer,
                                                                   std::vector<bool>& taken) const {
  taken.resize(peers_.size());
  for (size_t i = 0; i < peers_.size(); ++i) {
    const config::Peer& known = upstream_.peers[i];
    if (taken[i] || !(known.address == peer.address) || known.name != peer.name) continue;
    taken[i] = true;
    return peers_.shared(i);
  }
  return nullptr;
}

bool UpstreamGroup::Full(int peer) const {
  const int max_conns = upstream_.peers[peer].max_conns;
  return max_conns > 0 && peers_[peer].num_connections >= max_conns;
}

bool UpstreamGroup::Failed(int peer) const {
  // nginx: a group's only peer is never taken out for its failures.
  if (peers_.size() == 1) return false;
  const int max_fails = upstream_.peers[peer].max_fails;
  return max_fails > 0 && peers_[peer].num_fails >= max_fails;
}

bool UpstreamGroup::Eligible(int peer, const PeerAttempts& attempts, int64_t now_ms) const {
  const config::Peer& configured = upstream_.peers[peer];
  if (configured.backup != attempts.on_backups || attempts.tried[peer] || configured.down ||
      Full(peer)) {
    return false;
  }
  return !Failed(peer) || now_ms - peers_[peer].checked_at_ms > configured.fail_timeout_ms;
}

Load UpstreamGroup::ConnectionLoad(int peer) const {
  return {.load = peers_[peer].num_connections, .weight = peers_[peer].turn.weight};
}

Load UpstreamGroup::TimeLoad(int peer, int64_t now_ms) const {
  const PeerState& state = peers_[peer];
  // nginx: a peer that was slow, and has not been tried for long, gets another chance. The second
  // keeps a fail_timeout of 0 from being divided by.
  const int64_t fail_timeout_ms = upstream_.peers[peer].fail_timeout_ms;
  const int64_t idle_ms = now_ms - state.checked_at_ms;
  const int64_t num_halvings = idle_ms > fail_timeout_ms ? idle_ms / (fail_timeout_ms + 1000) : 0;
  return {.load = Times(peer).Load(state.num_connections, num_halvings),
          .weight = state.turn.weight};
}

void UpstreamGroup::GrowWeights(int64_t now_ms) {
  for (int i = 0; i < num_peers(); ++i) {
    PeerState& state = peers_[i];
    if (state.slow_start_began_ms == kNever) continue;
    const config::Peer& configured = upstream_.peers[i];
    const int64_t elapsed_ms = now_ms - state.slow_start_began_ms;
    state.turn.weight =
        SlowStartWeight(configured.weight * kWeightUnit, elapsed_ms, configured.slow_start_ms);
    state.turn.effective_weight = std::min(state.turn.effective_weight, state.turn.weight);
    if (elapsed_ms >= configured.slow_start_ms) state.slow_start_began_ms = kNever;
  }
}

int UpstreamGroup::ChooseByMethod(PeerAttempts& attempts, int64_t now_ms) {
  const auto eligible = [&](int peer) {
    mutex_.AssertHeld();
    return Eligible(peer, attempts, now_ms);
  };
  const auto weight_of = [&](int peer) -> RoundRobinWeight& {
    mutex_.AssertHeld();
    return peers_[peer].turn;
  };
  const auto connection_load = [&](int peer) {
    mutex_.AssertHeld();
    return ConnectionLoad(peer);
  };
  const auto time_load = [&](int peer) {
    mutex_.AssertHeld();
    return TimeLoad(peer, now_ms);
  };
  const auto draw = [&](int64_t bound) {
    mutex_.AssertHeld();
    return std::uniform_int_distribution<int64_t>(0, bound - 1)(*random_);
  };

  int chosen = kNoPeer;
  switch (balance_.method) {
    case Balance::Method::kLeastConn:
      return ChooseLeast(num_peers(), eligible, connection_load, weight_of);
    case Balance::Method::kLeastTime:
      if (balance_.inflight) {
        for (int i = 0; i < num_peers(); ++i) Times(i).Observe(now_ms);
      }
      return ChooseLeast(num_peers(), eligible, time_load, weight_of);

    // What these do not find is chosen by round robin, and so are all backups.
    case Balance::Method::kHash:
      if (attempts.on_backups || attempts.hash.key.empty()) break;
      chosen = ChooseByHash(weights_, attempts.hash, eligible);
      break;
    case Balance::Method::kConsistentHash:
      if (attempts.on_backups || attempts.hash.key.empty()) break;
      chosen = ChooseByKetama(*ring_, attempts.hash, eligible, weight_of);
      break;
    case Balance::Method::kRandom:
      if (attempts.on_backups) break;
      chosen = ChooseRandom(weights_, attempts.num_random_misses, draw, eligible);
      break;
    case Balance::Method::kRandomLeastConn:
      if (attempts.on_backups) break;
      chosen =
          ChooseRandomOfTwo(weights_, attempts.num_random_misses, draw, eligible, connection_load);
      break;
    case Balance::Method::kRandomLeastTime:
      if (attempts.on_backups) break;
      chosen = ChooseRandomOfTwo(weights_, attempts.num_random_misses, draw, eligible, time_load);
      break;
    case Balance::Method::kRoundRobin:
      break;
  }
  return chosen != kNoPeer ? chosen : ChooseRoundRobin(num_peers(), eligible, weight_of);
}

int UpstreamGroup::Choose(PeerAttempts& attempts, int64_t now_ms) {
  attempts.tried.resize(upstream_.peers.size());
  absl::MutexLock lock(&mutex_);
  if (has_slow_start_) GrowWeights(now_ms);
  int chosen = ChooseByMethod(attempts, now_ms);
  if (chosen == kNoPeer && has_backups_ && !attempts.on_backups) {
    attempts.on_backups = true;
    chosen = ChooseByMethod(attempts, now_ms);
  }
  if (chosen == kNoPeer) return kNoPeer;

  attempts.tried[chosen] = true;
  attempts.chosen_at_ms = now_ms;
  attempts.connected = false;
  attempts.time_ms = PeerAttempts::kUnknownMs;
  PeerState& state = peers_[chosen];
  ++state.num_connections;
  if (balance_.inflight) Times(chosen).OnStarted(now_ms);
  if (now_ms - state.checked_at_ms > upstream_.peers[chosen].fail_timeout_ms) {
    state.checked_at_ms = now_ms;
  }
  return chosen;
}

bool UpstreamGroup::Measures(Balance::Time time) const {
  return (balance_.method == Balance::Method::kLeastTime ||
          balance_.method == Balance::Method::kRandomLeastTime) &&
         balance_.time == time;
}

void UpstreamGroup::OnTime(int peer, PeerAttempts& attempts, int64_t now_ms) {
  attempts.time_ms = now_ms - attempts.chosen_at_ms;
  // nginx: without `inflight`, what a connection has taken counts when the connection ends.
  if (!balance_.inflight) return;
  Times(peer).OnSettled(attempts.time_ms, now_ms);
  Times(peer).Add(attempts.time_ms);
}

void UpstreamGroup::OnConnected(int peer, PeerAttempts& attempts, int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  attempts.connected = true;
  if (Measures(Balance::Time::kConnect)) OnTime(peer, attempts, now_ms);
  PeerState& state = peers_[peer];
  if (state.failed_at_ms >= state.checked_at_ms) return;
  if (Failed(peer) && upstream_.peers[peer].slow_start_ms > 0) state.slow_start_began_ms = now_ms;
  state.num_fails = 0;
}

void UpstreamGroup::OnFirstByte(int peer, PeerAttempts& attempts, int64_t now_ms) {
  if (!Measures(Balance::Time::kFirstByte)) return;
  absl::MutexLock lock(&mutex_);
  OnTime(peer, attempts, now_ms);
}

void UpstreamGroup::CountTime(int peer, PeerAttempts& attempts, int64_t now_ms) {
  if (Measures(Balance::Time::kLastByte) && attempts.connected) OnTime(peer, attempts, now_ms);
  PeerTimes& times = Times(peer);
  const bool known = attempts.time_ms != PeerAttempts::kUnknownMs;
  if (balance_.inflight) {
    if (!known) times.OnSettled(now_ms - attempts.chosen_at_ms, now_ms);
  } else if (known) {
    times.Add(attempts.time_ms);
  }
}

bool UpstreamGroup::Release(int peer, PeerAttempts& attempts, bool failed, int64_t now_ms) {
  absl::MutexLock lock(&mutex_);
  CountTime(peer, attempts, now_ms);
  const config::Peer& configured = upstream_.peers[peer];
  PeerState& state = peers_[peer];
  CHECK_GT(state.num_connections, 0);
  --state.num_connections;
  if (!failed) return false;
  ++state.num_fails;
  state.failed_at_ms = now_ms;
  state.checked_at_ms = now_ms;
  if (configured.max_fails == 0 || peers_.size() == 1) return false;
  state.turn.effective_weight = std::max<int64_t>(
      0, state.turn.effective_weight - configured.weight / configured.max_fails * kWeightUnit);
  return Failed(peer);
}

int UpstreamGroup::num_connections(int peer) const {
  absl::MutexLock lock(&mutex_);
  return peers_[peer].num_connections;
}

}  // namespace sluice::engine
