#include "tls/ticket_pool.h"

#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>

#include "absl/log/check.h"
#include "tls/clock.h"
#include "tls/ticket_line.h"

namespace sluice::tls {
namespace {

// An SSL_SESSION takes 464 bytes, its ticket 24 besides the contents, the list of its certificates
// 112 and each of them 80 besides the contents (measured with glibc 2.36, what malloc adds
// included), its slot 8; rounded up.
constexpr int64_t kSessionBytes = 640;
constexpr int64_t kCertificateBytes = 96;

// Bounds the walk over a line that others have emptied: 512 cache lines, some 10 us. More unused
// sessions than this serve no shard.
constexpr int64_t kSlotsMax = 4096;

// RFC 8446 4.6.1: no ticket is good for longer, whatever its server says.
constexpr int64_t kLifetimeSecondsMax = 7 * 24 * 3600;

// How long an upstream that sent no ticket is not waited for.
constexpr int64_t kNoTicketSeconds = 60;

struct SslSessionTraits {
  using Item = SSL_SESSION;
  template <typename T>
  using Atomic = std::atomic<T>;
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
  static constexpr std::memory_order kSwap = std::memory_order_acq_rel;
  static int64_t Bytes(const SSL_SESSION* session) { return SessionBytes(session); }
  static void Retain(SSL_SESSION* session) { SSL_SESSION_up_ref(session); }
  static void Release(SSL_SESSION* session) { SSL_SESSION_free(session); }
};

// Written by one shard, read by anyone.
class Counter {
 public:
  void Add(int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Every session takes at least kSessionBytes, so that more slots than this could not be filled.
size_t NumSlots(int64_t bytes_max) {
  return static_cast<size_t>(std::clamp<int64_t>(bytes_max / kSessionBytes, 1, kSlotsMax));
}

// BoringSSL applies the server's hint in TLS 1.3 only, where zero means zero; in TLS 1.2 it means
// that the server does not say (RFC 5077 3.3).
int64_t LifetimeSeconds(const SSL_SESSION* session) {
  const int64_t lifetime_s =
      std::min<int64_t>(SSL_SESSION_get_timeout(session), kLifetimeSecondsMax);
  const int64_t hint_s = SSL_SESSION_get_ticket_lifetime_hint(session);
  return hint_s > 0 ? std::min(lifetime_s, hint_s) : lifetime_s;
}

bool IsExpired(const SSL_SESSION* session, int64_t now_s) {
  const int64_t age_s = now_s - static_cast<int64_t>(SSL_SESSION_get_time(session));
  return age_s < 0 || age_s >= LifetimeSeconds(session);
}

}  // namespace

struct TicketPool::Shard {
  explicit Shard(int64_t bytes_max) : line(NumSlots(bytes_max), bytes_max) {}

  TicketLine<SslSessionTraits> line;
  // What this shard has done, to whichever line.
  alignas(64) Counter stored;
  Counter taken;
  Counter stolen;
  Counter reused;
  Counter missed;
  Counter expired;
  Counter displaced;
};

TicketPool::TicketPool(int num_shards, TicketUse use, int64_t bytes_max) : use_(use) {
  CHECK_GT(num_shards, 0);
  for (int shard = 0; shard < num_shards; ++shard) {
    shards_.push_back(std::make_unique<Shard>(bytes_max / num_shards));
  }
}

TicketPool::~TicketPool() = default;

void TicketPool::Put(int shard, ssl_session_st* session) {
  Shard& own = *shards_[static_cast<size_t>(shard)];
  own.stored.Add();
  if (LifetimeSeconds(session) <= 0) {
    own.expired.Add();
    SSL_SESSION_free(session);
    return;
  }
  if (SSL_SESSION_should_be_single_use(session) == 0) {
    own.displaced.Add(own.line.SetSpare(session));
    return;
  }
  if (use_ == TicketUse::kReuse) {
    SSL_SESSION_up_ref(session);
    own.displaced.Add(own.line.SetSpare(session));
  }
  own.displaced.Add(own.line.Put(session));
}

ssl_session_st* TicketPool::Take(int shard) {
  const int64_t now_s = WallSeconds();
  const size_t own_index = static_cast<size_t>(shard);
  const size_t num_shards = shards_.size();
  Shard& own = *shards_[own_index];
  const auto drop = [&own](SSL_SESSION* session) {
    own.expired.Add();
    SSL_SESSION_free(session);
  };

  while (SSL_SESSION* session = own.line.Take()) {
    if (!IsExpired(session, now_s)) {
      own.taken.Add();
      return session;
    }
    drop(session);
  }
  for (size_t i = 1; i < num_shards; ++i) {
    Shard& other = *shards_[(own_index + i) % num_shards];
    while (SSL_SESSION* session = other.line.Steal()) {
      if (!IsExpired(session, now_s)) {
        own.stolen.Add();
        return session;
      }
      drop(session);
    }
  }
  for (size_t i = 0; i < num_shards; ++i) {
    Shard& holder = *shards_[(own_index + i) % num_shards];
    SSL_SESSION* session = holder.line.CopySpare();
    if (session == nullptr) continue;
    if (IsExpired(session, now_s)) {
      holder.line.ForgetSpare(session);
      drop(session);
      continue;
    }
    own.reused.Add();
    if (i > 0) {
      // From now on it is found at home, where no other shard is in the way.
      SSL_SESSION_up_ref(session);
      own.line.SetSpare(session);
    }
    return session;
  }
  own.missed.Add();
  return nullptr;
}

void TicketPool::PutBack(int shard, ssl_session_st* session) {
  if (use_ != TicketUse::kSingleUse || SSL_SESSION_should_be_single_use(session) == 0) {
    SSL_SESSION_free(session);
    return;
  }
  Shard& own = *shards_[static_cast<size_t>(shard)];
  own.displaced.Add(own.line.Put(session));
}

void TicketPool::Forget(const ssl_session_st* session) {
  for (const auto& shard : shards_) shard->line.ForgetSpare(session);
}

bool TicketPool::expects_tickets() const {
  return UptimeSeconds() >= no_ticket_until_uptime_s_.load(std::memory_order_relaxed);
}

void TicketPool::OnNoTicket() {
  no_ticket_until_uptime_s_.store(UptimeSeconds() + kNoTicketSeconds, std::memory_order_relaxed);
}

TicketCounts TicketPool::counts() const {
  TicketCounts sums;
  for (const auto& shard : shards_) {
    sums.stored += shard->stored.value();
    sums.taken += shard->taken.value();
    sums.stolen += shard->stolen.value();
    sums.reused += shard->reused.value();
    sums.missed += shard->missed.value();
    sums.expired += shard->expired.value();
    sums.displaced += shard->displaced.value();
  }
  return sums;
}

int64_t TicketPool::bytes_in_use() const {
  int64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->line.bytes_in_use();
  return sum;
}

int64_t SessionBytes(const ssl_session_st* session) {
  const uint8_t* ticket;
  size_t ticket_len;
  SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
  int64_t bytes = kSessionBytes + static_cast<int64_t>(ticket_len);
  // OCSP responses and SCTs would count too, but we never ask for them.
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_SESSION_get0_peer_certificates(session);
  for (size_t i = 0; chain != nullptr && i < sk_CRYPTO_BUFFER_num(chain); ++i) {
    bytes += kCertificateBytes +
             static_cast<int64_t>(CRYPTO_BUFFER_len(sk_CRYPTO_BUFFER_value(chain, i)));
  }
  return bytes;
}

}  // namespace sluice::tls
