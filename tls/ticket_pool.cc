#include "tls/ticket_pool.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>

#include "absl/log/check.h"

// Why this is right. A slot owns one reference to the session it points at. Every pointer leaves a
// slot through an exchange (or a compare_exchange from a value that the caller itself holds a
// reference to), so exactly one thread gets each reference, and it looks at the session only after
// that. The release half of the exchange that put the session there publishes its fields; the
// acquire half of the one that takes it out makes them visible, to the thread that frees a
// displaced session too.

namespace sluice::tls {
namespace {

using Slot = std::atomic<SSL_SESSION*>;

// The clock that BoringSSL stamps sessions with. time(2) lags behind it by up to a tick, so that a
// session of this very second would look as if it came from the next.
int64_t NowSeconds() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec;
}

// The time BoringSSL goes by, and for TLS 1.2 the lifetime hint, which it does not apply itself
// (RFC 5077 3.3; zero means the server does not say).
bool IsExpired(const SSL_SESSION* session, int64_t now_s) {
  const int64_t age_s = now_s - static_cast<int64_t>(SSL_SESSION_get_time(session));
  int64_t lifetime_s = SSL_SESSION_get_timeout(session);
  const int64_t hint_s = SSL_SESSION_get_ticket_lifetime_hint(session);
  if (hint_s > 0) lifetime_s = std::min(lifetime_s, hint_s);
  return age_s < 0 || age_s >= lifetime_s;
}

// The relaxed look spares an empty slot's cache line the write.
SSL_SESSION* TakeOut(Slot& slot) {
  if (slot.load(std::memory_order_relaxed) == nullptr) return nullptr;
  return slot.exchange(nullptr, std::memory_order_acq_rel);
}

void PutIn(Slot& slot, SSL_SESSION* session) {
  SSL_SESSION_free(slot.exchange(session, std::memory_order_acq_rel));
}

}  // namespace

TicketPool::TicketPool(int num_shards, WhenDry when_dry) : when_dry_(when_dry), lines_(num_shards) {
  CHECK_GT(num_shards, 0);
}

TicketPool::~TicketPool() {
  for (Line& line : lines_) {
    for (Slot& slot : line.stock) PutIn(slot, nullptr);
    PutIn(line.spare, nullptr);
  }
}

void TicketPool::Put(int shard, ssl_session_st* session) {
  Line& line = lines_[shard];
  if (SSL_SESSION_should_be_single_use(session) == 0) {
    PutIn(line.spare, session);
    return;
  }
  if (when_dry_ == WhenDry::kReuse) {
    SSL_SESSION_up_ref(session);
    PutIn(line.spare, session);
  }
  PutIn(line.stock[line.next], session);
  line.next = (line.next + 1) % kStockSlots;
}

ssl_session_st* TicketPool::Take(int shard) {
  const int64_t now_s = NowSeconds();
  const size_t own = static_cast<size_t>(shard);
  const size_t num_lines = lines_.size();
  // A thief cannot know which slot of another line is the newest: `next` is its owner's alone.
  if (SSL_SESSION* session = TakeStock(lines_[own], lines_[own].next, now_s)) return session;
  SSL_SESSION* spare = CopySpare(lines_[own], now_s);
  if (spare != nullptr && SSL_SESSION_should_be_single_use(spare) == 0) return spare;
  for (size_t i = 1; i < num_lines; ++i) {
    if (SSL_SESSION* session = TakeStock(lines_[(own + i) % num_lines], 0, now_s)) {
      SSL_SESSION_free(spare);
      return session;
    }
  }
  for (size_t i = 1; spare == nullptr && i < num_lines; ++i) {
    spare = CopySpare(lines_[(own + i) % num_lines], now_s);
  }
  return spare;
}

void TicketPool::Forget(const ssl_session_st* session) {
  for (Line& line : lines_) {
    // The caller's reference keeps the address from being used again: equal means the same session.
    SSL_SESSION* expected = const_cast<SSL_SESSION*>(session);
    if (line.spare.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel,
                                           std::memory_order_relaxed)) {
      SSL_SESSION_free(expected);
    }
  }
}

ssl_session_st* TicketPool::TakeStock(Line& line, size_t end, int64_t now_s) {
  for (size_t i = 1; i <= kStockSlots; ++i) {
    SSL_SESSION* session = TakeOut(line.stock[(end + kStockSlots - i) % kStockSlots]);
    if (session == nullptr) continue;
    if (!IsExpired(session, now_s)) return session;
    SSL_SESSION_free(session);
  }
  return nullptr;
}

ssl_session_st* TicketPool::CopySpare(Line& line, int64_t now_s) {
  SSL_SESSION* session = TakeOut(line.spare);
  if (session == nullptr) return nullptr;
  if (IsExpired(session, now_s)) {
    SSL_SESSION_free(session);
    return nullptr;
  }
  SSL_SESSION_up_ref(session);
  SSL_SESSION* expected = nullptr;
  if (!line.spare.compare_exchange_strong(expected, session, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
    SSL_SESSION_free(session);  // A newer one has come meanwhile: that one stays.
  }
  return session;
}

}  // namespace sluice::tls
