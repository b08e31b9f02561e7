// The ticket pools of the process: one for each identity and upstream peer, for as long as somebody
// uses it.
//
// A plan takes its pools from here, so that one that follows it (a reload) with an equal
// fingerprint and peer gets the same pool with all its sessions. Anything else gives another
// fingerprint, hence an empty pool.
#ifndef SLUICE_TLS_TICKET_CACHE_H_
#define SLUICE_TLS_TICKET_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tls/fingerprint.h"
#include "tls/settings.h"
#include "tls/ticket_pool.h"

namespace sluice::tls {

// For any thread. Takes a lock: meant for when a plan is made, not for connections, who have the
// pool itself.
class TicketCache {
 public:
  // `num_shards`: of every pool.
  explicit TicketCache(int num_shards);
  ~TicketCache();
  TicketCache(const TicketCache&) = delete;
  TicketCache& operator=(const TicketCache&) = delete;

  // What a shard has of a pool at least, however many share it: room for a session with a large
  // chain.
  static constexpr int64_t kShareBytesMin = 16 * 1024;

  // The pool of `fingerprint` and `peer`, a new one if nobody holds it. `fingerprint` is that of
  // `settings`, whose ticket_use and session_cache_bytes it covers; `peer` names the address, in
  // one way always. The pool lives on without the cache.
  std::shared_ptr<TicketPool> PoolFor(const Fingerprint& fingerprint, std::string_view peer,
                                      const Settings& settings);

 private:
  const int num_shards_;
  absl::Mutex mutex_;
  // A pool that nobody holds any more is gone at once; its entry is removed when there are
  // prune_at_size_ of them: twice what was left the last time, so that adding one stays cheap.
  std::map<std::pair<Fingerprint, std::string>, std::weak_ptr<TicketPool>> pools_
      ABSL_GUARDED_BY(mutex_);
  size_t prune_at_size_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TICKET_CACHE_H_
