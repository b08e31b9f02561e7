#include "tls/ticket_cache.h"

#include <algorithm>

namespace sluice::tls {

TicketCache::TicketCache(int num_shards) : num_shards_(num_shards) {}

TicketCache::~TicketCache() = default;

std::shared_ptr<TicketPool> TicketCache::PoolFor(const Fingerprint& fingerprint,
                                                 std::string_view peer, const Settings& settings) {
  const absl::MutexLock lock(&mutex_);
  if (pools_.size() >= prune_at_size_) {
    std::erase_if(pools_, [](const auto& entry) { return entry.second.expired(); });
    prune_at_size_ = 2 * pools_.size() + 1;
  }
  std::weak_ptr<TicketPool>& entry = pools_[{fingerprint, std::string(peer)}];
  std::shared_ptr<TicketPool> pool = entry.lock();
  if (pool == nullptr) {
    pool = std::make_shared<TicketPool>(
        num_shards_, settings.ticket_use,
        std::max(settings.session_cache_bytes, num_shards_ * kShareBytesMin));
    entry = pool;
  }
  return pool;
}

}  // namespace sluice::tls
