#include "tls/server_session_cache.h"

#include <openssl/ssl.h>

#include <utility>

#include "tls/ticket_pool.h"

namespace sluice::tls {
namespace {

std::string_view IdOf(const SSL_SESSION* session) {
  unsigned id_len = 0;
  const uint8_t* id = SSL_SESSION_get_id(session, &id_len);
  return {reinterpret_cast<const char*>(id), id_len};
}

}  // namespace

SharedSessionCache::~SharedSessionCache() {
  const absl::MutexLock lock(&mutex_);
  for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
}

void SharedSessionCache::Put(ssl_session_st* session) {
  const absl::MutexLock lock(&mutex_);
  if (const auto known = by_id_.find(IdOf(session)); known != by_id_.end()) Erase(known->second);
  sessions_.push_front(session);
  by_id_.emplace(IdOf(session), sessions_.begin());
  bytes_ += SessionBytes(session);
  while (bytes_ > bytes_max_) Erase(std::prev(sessions_.end()));
}

ssl_session_st* SharedSessionCache::Find(std::string_view id) {
  const absl::MutexLock lock(&mutex_);
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return nullptr;
  SSL_SESSION_up_ref(*known->second);
  return *known->second;
}

void SharedSessionCache::Remove(const ssl_session_st* session) {
  const absl::MutexLock lock(&mutex_);
  const auto known = by_id_.find(IdOf(session));
  if (known != by_id_.end()) Erase(known->second);
}

void SharedSessionCache::Erase(List::iterator session) {
  bytes_ -= SessionBytes(*session);
  by_id_.erase(IdOf(*session));
  SSL_SESSION_free(*session);
  sessions_.erase(session);
}

size_t SharedSessionCache::size() const {
  const absl::MutexLock lock(&mutex_);
  return sessions_.size();
}

std::shared_ptr<SharedSessionCache> ServerSessionCache::CacheOf(const std::string& name,
                                                                int64_t bytes_max) {
  std::erase_if(caches_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<SharedSessionCache>& known = caches_[name];
  std::shared_ptr<SharedSessionCache> cache = known.lock();
  if (cache == nullptr || cache->bytes_max() != bytes_max) {
    cache = std::make_shared<SharedSessionCache>(bytes_max);
    known = cache;
  }
  return cache;
}

std::shared_ptr<TicketKeys> ServerSessionCache::RandomKeysOf(const Fingerprint& fingerprint,
                                                             int64_t lifetime_s) {
  std::erase_if(keys_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<TicketKeys>& known = keys_[{fingerprint, lifetime_s}];
  std::shared_ptr<TicketKeys> keys = known.lock();
  if (keys == nullptr) {
    keys = TicketKeys::Random(lifetime_s);
    known = keys;
  }
  return keys;
}

}  // namespace sluice::tls
