// What it costs to keep a TLS session and to get one, beside a new connection's other costs.
//
// TicketPool against the usual way to share sessions between threads: a deque behind a mutex,
// newest first, that follows the same rules. Sessions are made beforehand and go round: what is
// taken is put back, so that nothing but the two calls is measured. One item is one take and one
// put. Time is of the wall clock, per thread; with more threads than processors a thread also waits
// for its turn.

#include <openssl/ssl.h>

#include <cstdint>
#include <ctime>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "benchmark/benchmark.h"
#include "tls/settings.h"
#include "tls/ticket_pool.h"

namespace sluice {
namespace {

constexpr int64_t kPoolBytes = 1024 * 1024;
constexpr int kSessionsPerThread = 16;

SSL_SESSION* MakeSession() {
  static SSL_CTX* const ssl_ctx = SSL_CTX_new(TLS_with_buffers_method());
  SSL_SESSION* session = SSL_SESSION_new(ssl_ctx);
  SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
  const std::vector<uint8_t> ticket(224, 't');
  SSL_SESSION_set_ticket(session, ticket.data(), ticket.size());
  return session;
}

// By the same rules as TicketPool: sessions past their lifetime are not given, and all of them take
// no more than so many bytes.
class MutexPool {
 public:
  MutexPool(int, tls::TicketUse, int64_t bytes_max) : bytes_max_(bytes_max) {}
  ~MutexPool() {
    for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
  }

  void Put(int, SSL_SESSION* session) {
    const int64_t bytes = tls::SessionBytes(session);
    const absl::MutexLock lock(&mutex_);
    bytes_ += bytes;
    sessions_.push_back(session);
    while (bytes_ > bytes_max_) {
      SSL_SESSION* oldest = sessions_.front();
      sessions_.pop_front();
      bytes_ -= tls::SessionBytes(oldest);
      SSL_SESSION_free(oldest);
    }
  }
  SSL_SESSION* Take(int) {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const absl::MutexLock lock(&mutex_);
    while (!sessions_.empty()) {
      SSL_SESSION* session = sessions_.back();
      sessions_.pop_back();
      bytes_ -= tls::SessionBytes(session);
      const uint64_t end_s = SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
      if (static_cast<uint64_t>(now.tv_sec) < end_s) return session;
      SSL_SESSION_free(session);
    }
    return nullptr;
  }

 private:
  const int64_t bytes_max_;
  absl::Mutex mutex_;
  std::deque<SSL_SESSION*> sessions_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Shared by the threads of one run: none begins before it is there, none uses it after all are
// done.
template <typename Pool>
Pool* pool = nullptr;

// Each thread has two shards, so that it can put into one and find the other empty.
int PutShard(const benchmark::State& state) { return 2 * state.thread_index(); }
int EmptyShard(const benchmark::State& state) { return PutShard(state) + 1; }

template <typename Pool>
void SetUp(const benchmark::State& state) {
  const int num_shards = 2 * state.threads();
  pool<Pool> = new Pool(num_shards, tls::TicketUse::kSingleUse, kPoolBytes);
  for (int shard = 0; shard < num_shards; shard += 2) {
    for (int i = 0; i < kSessionsPerThread; ++i) pool<Pool>->Put(shard, MakeSession());
  }
}

template <typename Pool>
void TearDown(const benchmark::State&) {
  delete pool<Pool>;
  pool<Pool> = nullptr;
}

template <typename Pool>
void PutAndTakeFrom(int take_shard, benchmark::State& state) {
  int64_t num_missed = 0;
  for (auto _ : state) {
    SSL_SESSION* session = pool<Pool>->Take(take_shard);
    benchmark::DoNotOptimize(session);
    if (session != nullptr) {
      pool<Pool>->Put(PutShard(state), session);
    } else {
      ++num_missed;
    }
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["missed"] = static_cast<double>(num_missed);
}

// A shard that lives on what its own connections bring.
template <typename Pool>
void Own(benchmark::State& state) {
  PutAndTakeFrom<Pool>(PutShard(state), state);
}

// The worst case: whatever a thread takes, another one has put.
template <typename Pool>
void Stolen(benchmark::State& state) {
  PutAndTakeFrom<Pool>(EmptyShard(state), state);
}

#define SLUICE_BENCH(name, Pool) \
  BENCHMARK_TEMPLATE(name, Pool) \
      ->Setup(SetUp<Pool>)       \
      ->Teardown(TearDown<Pool>) \
      ->ThreadRange(1, 8)        \
      ->UseRealTime()

using tls::TicketPool;
SLUICE_BENCH(Own, TicketPool);
SLUICE_BENCH(Own, MutexPool);
SLUICE_BENCH(Stolen, TicketPool);
SLUICE_BENCH(Stolen, MutexPool);

}  // namespace
}  // namespace sluice
