// What lets clients resume their sessions, for the whole process: caches of sessions and keys of
// tickets. Both outlive a reload.
#ifndef SLUICE_TLS_SERVER_SESSION_CACHE_H_
#define SLUICE_TLS_SERVER_SESSION_CACHE_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tls/fingerprint.h"
#include "tls/server_settings.h"
#include "tls/ticket_keys.h"

struct ssl_session_st;  // BoringSSL's SSL_SESSION.

namespace sluice::tls {

// ssl_session_cache shared: sessions of TLS 1.2 and older by their ID. When there is no room, what
// was put in first goes. Every thread may use it.
class SharedSessionCache {
 public:
  explicit SharedSessionCache(int64_t bytes_max) : bytes_max_(bytes_max) {}
  ~SharedSessionCache();
  SharedSessionCache(const SharedSessionCache&) = delete;
  SharedSessionCache& operator=(const SharedSessionCache&) = delete;

  // Takes over a reference to `session`, which nobody changes any more.
  void Put(ssl_session_st* session);
  // A reference for the caller; null: there is none.
  ssl_session_st* Find(std::string_view id);
  void Remove(const ssl_session_st* session);

  int64_t bytes_max() const { return bytes_max_; }
  size_t size() const;

 private:
  using List = std::list<ssl_session_st*>;

  void Erase(List::iterator session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t bytes_max_;
  mutable absl::Mutex mutex_;
  List sessions_ ABSL_GUARDED_BY(mutex_);  // The newest one first.
  // By the ID inside the session.
  std::unordered_map<std::string_view, List::iterator> by_id_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// The process's own. One thread at a time; what it gives, every thread may use.
class ServerSessionCache {
 public:
  // The cache called `name`. One that has another size than before begins anew.
  std::shared_ptr<SharedSessionCache> CacheOf(const std::string& name, int64_t bytes_max);

  // The random ticket keys of the servers with `fingerprint`: as long as somebody holds them, the
  // same ones. `lifetime_s` as TicketKeys::Random has it.
  std::shared_ptr<TicketKeys> RandomKeysOf(const Fingerprint& fingerprint, int64_t lifetime_s);

 private:
  std::map<std::string, std::weak_ptr<SharedSessionCache>> caches_;
  std::map<std::pair<Fingerprint, int64_t>, std::weak_ptr<TicketKeys>> keys_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SERVER_SESSION_CACHE_H_
