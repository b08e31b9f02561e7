#include "tls/ticket_pool.h"

#include <malloc.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"
#include "tls/testing/test_server.h"

namespace sluice::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr int64_t kPlenty = 1 << 20;

std::atomic<int> num_freed = 0;

void CountFree(void*, void* ptr, CRYPTO_EX_DATA*, int, long, void*) {
  if (ptr != nullptr) num_freed.fetch_add(1, std::memory_order_relaxed);
}

// Counts `session` when it is freed.
SSL_SESSION* Watch(SSL_SESSION* session) {
  static const int ex_index = SSL_SESSION_get_ex_new_index(0, nullptr, nullptr, nullptr, CountFree);
  static int mark;
  EXPECT_EQ(SSL_SESSION_set_ex_data(session, ex_index, &mark), 1);
  return session;
}

// What is counted by the clock that BoringSSL goes by: time(2) lags behind it.
uint64_t SecondsAgo(int64_t age_s) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec - age_s);
}

// Sessions with a number, that are counted when they are freed.
class TicketPoolTest : public ::testing::Test {
 protected:
  TicketPoolTest() : ssl_ctx_(SSL_CTX_new(TLS_with_buffers_method())) { num_freed = 0; }

  SSL_SESSION* Make(uint32_t number, int version = TLS1_3_VERSION) const {
    SSL_SESSION* session = SSL_SESSION_new(ssl_ctx_.get());
    EXPECT_EQ(SSL_SESSION_set_protocol_version(session, static_cast<uint16_t>(version)), 1);
    uint8_t id[sizeof(number)];
    std::memcpy(id, &number, sizeof(id));
    EXPECT_EQ(SSL_SESSION_set1_id(session, id, sizeof(id)), 1);
    return Watch(session);
  }
  SSL_SESSION* MakeAged(uint32_t number, int64_t age_s, uint32_t timeout_s,
                        int version = TLS1_3_VERSION) const {
    SSL_SESSION* session = Make(number, version);
    SSL_SESSION_set_time(session, SecondsAgo(age_s));
    SSL_SESSION_set_timeout(session, timeout_s);
    return session;
  }
  // What each of them counts for.
  int64_t MadeBytes() const {
    const bssl::UniquePtr<SSL_SESSION> session(SSL_SESSION_new(ssl_ctx_.get()));
    return SessionBytes(session.get());
  }
  static constexpr uint32_t kNone = 0;
  // The number of the session that Take gives, which is freed.
  static uint32_t TakeNumber(TicketPool& pool, int shard) {
    const bssl::UniquePtr<SSL_SESSION> session(pool.Take(shard));
    if (session == nullptr) return kNone;
    unsigned id_len;
    const uint8_t* id = SSL_SESSION_get_id(session.get(), &id_len);
    uint32_t number;
    EXPECT_EQ(id_len, sizeof(number));
    std::memcpy(&number, id, sizeof(number));
    return number;
  }
  // A session as a server of ours gives it, with its chain and ticket.
  static bssl::UniquePtr<SSL_SESSION> MakeReal(Version version, uint32_t server_timeout_s = 7200) {
    Settings settings = VerifyingSettings(Identities().root);
    settings.min_version = settings.max_version = version;
    const auto context = MakeContext(settings);
    TestServer server(ServerOptions(Identities().server));
    TicketPool pool(1, TicketUse::kReuse, kPlenty);
    TestLink link(*context, &pool, server);
    SSL_CTX_set_timeout(SSL_get_SSL_CTX(link.server().ssl()), server_timeout_s);
    EXPECT_TRUE(link.Greet());
    return bssl::UniquePtr<SSL_SESSION>(pool.Take(0));
  }
  // A copy that shares nothing with `session`.
  bssl::UniquePtr<SSL_SESSION> Clone(const SSL_SESSION* session) const {
    uint8_t* bytes;
    size_t bytes_len;
    EXPECT_EQ(SSL_SESSION_to_bytes(session, &bytes, &bytes_len), 1);
    const bssl::UniquePtr<uint8_t> owner(bytes);
    return bssl::UniquePtr<SSL_SESSION>(SSL_SESSION_from_bytes(bytes, bytes_len, ssl_ctx_.get()));
  }

  const bssl::UniquePtr<SSL_CTX> ssl_ctx_;
};

TEST_F(TicketPoolTest, AnEmptyPoolGivesNothing) {
  TicketPool pool(3, TicketUse::kReuse, kPlenty);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
  EXPECT_EQ(TakeNumber(pool, 2), kNone);
}

TEST_F(TicketPoolTest, GivesTheNewestFirstAndEachOnce) {
  TicketPool pool(1, TicketUse::kSingleUse, kPlenty);
  for (uint32_t number = 1; number <= 3; ++number) pool.Put(0, Make(number));
  std::vector<uint32_t> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(TakeNumber(pool, 0));
  EXPECT_THAT(taken, ElementsAre(3, 2, 1, kNone));
  EXPECT_EQ(num_freed, 3);
}

TEST_F(TicketPoolTest, AFullPoolFreesItsOldest) {
  TicketPool pool(1, TicketUse::kSingleUse, 7 * MadeBytes());
  for (uint32_t number = 1; number <= 100; ++number) pool.Put(0, Make(number));
  EXPECT_EQ(num_freed, 93);
  for (uint32_t number = 100; number > 93; --number) EXPECT_EQ(TakeNumber(pool, 0), number);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
}

TEST_F(TicketPoolTest, TheOneKeptForReuseCountsToo) {
  TicketPool pool(1, TicketUse::kReuse, 3 * MadeBytes());
  for (uint32_t number = 1; number <= 5; ++number) pool.Put(0, Make(number));
  EXPECT_EQ(pool.bytes_in_use(), 3 * MadeBytes());
  EXPECT_EQ(num_freed, 3);
  std::vector<uint32_t> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(TakeNumber(pool, 0));
  EXPECT_THAT(taken, ElementsAre(5, 4, 5, 5));
}

TEST_F(TicketPoolTest, ShardsShareTheBytesEqually) {
  TicketPool pool(4, TicketUse::kSingleUse, 8 * MadeBytes());
  for (uint32_t number = 1; number <= 10; ++number) pool.Put(2, Make(number));
  EXPECT_EQ(pool.bytes_in_use(), 2 * MadeBytes());
}

// A hostile upstream: every NewSessionTicket as large as one can be.
TEST_F(TicketPoolTest, AFloodOfHugeTicketsStaysWithinTheBytes) {
  // BoringSSL copies a ticket byte by byte unless it is built with optimization.
#ifdef __OPTIMIZE__
  constexpr int kFlood = kSanitized ? 5'000 : 100'000;
#else
  constexpr int kFlood = 2'000;
#endif
  const std::vector<uint8_t> ticket(0xffff, 't');
  for (const TicketUse use : {TicketUse::kReuse, TicketUse::kSingleUse}) {
    num_freed = 0;
    TicketPool pool(2, use, kPlenty);
    int64_t held_bytes_max = 0;
    for (int i = 0; i < kFlood; ++i) {
      SSL_SESSION* session = Make(1);
      ASSERT_EQ(SSL_SESSION_set_ticket(session, ticket.data(), ticket.size()), 1);
      pool.Put(i % 2, session);
      const int64_t num_held = i + 1 - num_freed;
      held_bytes_max = std::max(held_bytes_max, num_held * static_cast<int64_t>(ticket.size()));
    }
    EXPECT_LE(held_bytes_max, kPlenty);
    EXPECT_GT(held_bytes_max, kPlenty / 2);
    EXPECT_LE(pool.bytes_in_use(), kPlenty);
  }
}

TEST_F(TicketPoolTest, ATicketTooLargeForAShardIsNotKeptAndCostsNoOther) {
  const std::vector<uint8_t> ticket(0xffff, 't');
  TicketPool pool(1, TicketUse::kReuse, 64 * 1024);
  pool.Put(0, Make(1));
  SSL_SESSION* session = Make(2);
  ASSERT_EQ(SSL_SESSION_set_ticket(session, ticket.data(), ticket.size()), 1);
  pool.Put(0, session);
  EXPECT_EQ(num_freed, 1);
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
  EXPECT_EQ(pool.counts().displaced, 1);
}

TEST_F(TicketPoolTest, SessionBytesIsNoLessThanWhatASessionTakes) {
  if (kSanitized) GTEST_SKIP() << "the sanitizers' allocators do not tell";
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    const bssl::UniquePtr<SSL_SESSION> session = MakeReal(version);
    ASSERT_NE(session, nullptr);
    constexpr size_t kClones = 1000;
    std::vector<bssl::UniquePtr<SSL_SESSION>> clones(kClones);
    const size_t before_bytes = mallinfo2().uordblks;
    for (auto& clone : clones) clone = Clone(session.get());
    const auto took_bytes = static_cast<int64_t>((mallinfo2().uordblks - before_bytes) / kClones);
    EXPECT_LE(took_bytes, SessionBytes(session.get()));
    EXPECT_GT(took_bytes, SessionBytes(session.get()) * 3 / 4);
  }
}

TEST_F(TicketPoolTest, AShardWithoutStockTakesFromTheOthers) {
  TicketPool pool(4, TicketUse::kSingleUse, kPlenty);
  pool.Put(2, Make(1));
  pool.Put(2, Make(2));
  std::vector<uint32_t> taken = {TakeNumber(pool, 0), TakeNumber(pool, 3)};
  std::sort(taken.begin(), taken.end());
  EXPECT_THAT(taken, ElementsAre(1, 2));
  EXPECT_EQ(TakeNumber(pool, 2), kNone);
}

TEST_F(TicketPoolTest, WhenDryTheNewestIsGivenAgainToEveryShard) {
  TicketPool pool(2, TicketUse::kReuse, kPlenty);
  pool.Put(0, Make(1));
  pool.Put(0, Make(2));
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(TakeNumber(pool, 0), 2u);
    EXPECT_EQ(TakeNumber(pool, 1), 2u);
  }
}

TEST_F(TicketPoolTest, StockOfAnotherShardIsUsedBeforeOneIsGivenAgain) {
  TicketPool pool(2, TicketUse::kReuse, kPlenty);
  pool.Put(0, Make(1));
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
  pool.Put(1, Make(2));
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
}

TEST_F(TicketPoolTest, Tls12SessionsStayWhateverTheRuleForTls13) {
  for (const TicketUse use : {TicketUse::kReuse, TicketUse::kSingleUse}) {
    TicketPool pool(2, use, kPlenty);
    pool.Put(0, Make(1, TLS1_2_VERSION));
    pool.Put(0, Make(2, TLS1_2_VERSION));
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(TakeNumber(pool, 0), 2u);
      EXPECT_EQ(TakeNumber(pool, 1), 2u);
    }
  }
  EXPECT_EQ(num_freed, 4);
}

TEST_F(TicketPoolTest, ExpiredSessionsAreFreedAndNotGiven) {
  TicketPool pool(1, TicketUse::kReuse, kPlenty);
  pool.Put(0, MakeAged(1, 50, 100));
  pool.Put(0, MakeAged(2, 100, 100));
  pool.Put(0, MakeAged(3, -50, 100));  // From the future: the clock has been set back.
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
  EXPECT_EQ(num_freed, 3);
}

TEST_F(TicketPoolTest, AnExpiredTls12SessionIsFreedAndNotGiven) {
  TicketPool pool(2, TicketUse::kReuse, kPlenty);
  pool.Put(0, MakeAged(1, 100, 100, TLS1_2_VERSION));
  EXPECT_EQ(TakeNumber(pool, 1), kNone);
  EXPECT_EQ(num_freed, 1);
}

TEST_F(TicketPoolTest, NoSessionIsGivenAfterSevenDaysWhateverItsServerSays) {
  constexpr int64_t kDay = 24 * 3600;
  TicketPool pool(1, TicketUse::kSingleUse, kPlenty);
  pool.Put(0, MakeAged(1, 7 * kDay, 30 * kDay));
  pool.Put(0, MakeAged(2, 7 * kDay - 600, 30 * kDay));
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
}

TEST_F(TicketPoolTest, ATls12SessionEndsWithTheHintOfItsServer) {
  for (const int64_t age_s : {50, 100}) {
    TicketPool pool(1, TicketUse::kReuse, kPlenty);
    SSL_SESSION* session = MakeReal(Version::kTls12, /*server_timeout_s=*/100).release();
    ASSERT_NE(session, nullptr);
    ASSERT_EQ(SSL_SESSION_get_ticket_lifetime_hint(session), 100u);
    ASSERT_GT(SSL_SESSION_get_timeout(session), 100u);
    SSL_SESSION_set_time(session, SecondsAgo(age_s));
    pool.Put(0, session);
    EXPECT_EQ(bssl::UniquePtr<SSL_SESSION>(pool.Take(0)) != nullptr, age_s < 100);
  }
}

TEST_F(TicketPoolTest, ASessionWithoutLifetimeDisplacesNoOther) {
  TicketPool pool(1, TicketUse::kReuse, 2 * MadeBytes());
  pool.Put(0, Make(1));
  pool.Put(0, MakeAged(2, 0, /*timeout_s=*/0));
  pool.Put(0, MakeAged(3, 0, /*timeout_s=*/0, TLS1_2_VERSION));
  EXPECT_EQ(num_freed, 2);
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
}

TEST_F(TicketPoolTest, ACopyThatAnotherShardHasTakenHomeStaysWhenItsOriginIsReplaced) {
  TicketPool pool(2, TicketUse::kReuse, kPlenty);
  pool.Put(0, Make(1, TLS1_2_VERSION));
  EXPECT_EQ(TakeNumber(pool, 1), 1u);
  pool.Put(0, Make(2, TLS1_2_VERSION));
  EXPECT_EQ(TakeNumber(pool, 1), 1u);
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
}

TEST_F(TicketPoolTest, CountsTellWhatHasBecomeOfEverySession) {
  TicketPool pool(2, TicketUse::kReuse, 6 * MadeBytes());  // Three for a shard, the spare too.
  for (uint32_t number = 1; number <= 4; ++number) pool.Put(0, Make(number));
  EXPECT_EQ(TakeNumber(pool, 0), 4u);
  EXPECT_EQ(TakeNumber(pool, 1), 3u);
  EXPECT_EQ(TakeNumber(pool, 1), 4u);
  EXPECT_EQ(TakeNumber(pool, 1), 4u);
  pool.Put(1, MakeAged(5, 100, 100));
  EXPECT_EQ(TakeNumber(pool, 1), 4u);  // From shard 0: its own spare has been replaced.
  TicketPool empty(1, TicketUse::kReuse, kPlenty);
  EXPECT_EQ(TakeNumber(empty, 0), kNone);

  const TicketCounts counts = pool.counts();
  EXPECT_EQ(counts.stored, 5);
  EXPECT_EQ(counts.taken, 1);
  EXPECT_EQ(counts.stolen, 1);
  EXPECT_EQ(counts.reused, 3);
  EXPECT_EQ(counts.missed, 0);
  EXPECT_EQ(counts.expired, 2);  // Unused, and as the spare.
  EXPECT_EQ(counts.displaced, 2);
  EXPECT_EQ(empty.counts().missed, 1);
}

TEST_F(TicketPoolTest, NoTicketIsExpectedAfterOneWasAwaitedInVain) {
  TicketPool pool(1, TicketUse::kReuse, kPlenty);
  EXPECT_TRUE(pool.expects_tickets());
  pool.OnNoTicket();
  EXPECT_FALSE(pool.expects_tickets());
}

TEST_F(TicketPoolTest, AForgottenSessionIsNotGivenAgain) {
  TicketPool pool(2, TicketUse::kReuse, kPlenty);
  pool.Put(0, Make(1));
  const bssl::UniquePtr<SSL_SESSION> session(pool.Take(1));
  ASSERT_NE(session, nullptr);
  pool.Forget(session.get());
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
  EXPECT_EQ(TakeNumber(pool, 1), kNone);
}

TEST_F(TicketPoolTest, ForgettingOneLeavesANewerOne) {
  TicketPool pool(1, TicketUse::kReuse, kPlenty);
  pool.Put(0, Make(1, TLS1_2_VERSION));
  const bssl::UniquePtr<SSL_SESSION> session(pool.Take(0));
  pool.Put(0, Make(2, TLS1_2_VERSION));
  pool.Forget(session.get());
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
}

TEST_F(TicketPoolTest, WhatIsLeftIsFreedWithThePool) {
  {
    TicketPool pool(3, TicketUse::kReuse, kPlenty);
    for (int shard = 0; shard < 3; ++shard) {
      for (uint32_t number = 1; number <= 5; ++number) pool.Put(shard, Make(number));
      pool.Put(shard, Make(6, TLS1_2_VERSION));
    }
    EXPECT_EQ(num_freed, 0);
  }
  EXPECT_EQ(num_freed, 18);
}

// Every shard puts and takes as fast as it can.
TEST_F(TicketPoolTest, NoSessionIsEverGivenTwiceOrLostUnderThreads) {
  constexpr int kShards = 4;
  constexpr uint32_t kRounds = 20'000;
  std::vector<std::vector<uint32_t>> taken(kShards);
  std::atomic<int> num_put = 0;
  {
    TicketPool pool(kShards, TicketUse::kSingleUse, kPlenty);
    std::vector<std::thread> threads;
    for (int shard = 0; shard < kShards; ++shard) {
      threads.emplace_back([&, shard] {
        std::minstd_rand random(static_cast<unsigned>(shard) + 1);
        for (uint32_t round = 1; round <= kRounds; ++round) {
          // The first shard only takes and the last mostly puts: most are stolen.
          const bool put = static_cast<int>(random() % kShards) < shard;
          if (put) {
            num_put.fetch_add(1, std::memory_order_relaxed);
            pool.Put(shard, Make(static_cast<uint32_t>(shard) * kRounds + round));
          } else if (const uint32_t number = TakeNumber(pool, shard); number != kNone) {
            taken[static_cast<size_t>(shard)].push_back(number);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(num_freed, num_put);
  std::vector<uint32_t> all;
  for (const auto& part : taken) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST_F(TicketPoolTest, SharedSessionsOutliveEveryRaceUnderThreads) {
  constexpr int kShards = 4;
  constexpr uint32_t kRounds = 20'000;
  std::atomic<int> num_put = 0;
  {
    TicketPool pool(kShards, TicketUse::kReuse, kPlenty);
    std::vector<std::thread> threads;
    for (int shard = 0; shard < kShards; ++shard) {
      threads.emplace_back([&, shard] {
        std::minstd_rand random(static_cast<unsigned>(shard) + 1);
        for (uint32_t round = 1; round <= kRounds; ++round) {
          switch (random() % 8) {
            case 0:
              num_put.fetch_add(1, std::memory_order_relaxed);
              pool.Put(shard, Make(round, round % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION));
              break;
            case 1: {
              const bssl::UniquePtr<SSL_SESSION> session(pool.Take(shard));
              if (session != nullptr) pool.Forget(session.get());
              break;
            }
            default:
              TakeNumber(pool, shard);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(num_freed, num_put);
}

// What connections do with them, under AddressSanitizer's and LeakSanitizer's eyes.
TEST_F(TicketPoolTest, RealSessionsAreNeitherLostNorFreedEarlyUnderThreads) {
  constexpr int kShards = 4;
  constexpr int kRounds = kSanitized ? 2'000 : 10'000;
  const bssl::UniquePtr<SSL_SESSION> originals[] = {MakeReal(Version::kTls12),
                                                    MakeReal(Version::kTls13)};
  std::atomic<int> num_put = 0;
  {
    // For some ten sessions in each shard: they displace each other.
    TicketPool pool(kShards, TicketUse::kReuse, kShards * 10 * SessionBytes(originals[0].get()));
    std::vector<std::thread> threads;
    for (int shard = 0; shard < kShards; ++shard) {
      threads.emplace_back([&, shard] {
        std::minstd_rand random(static_cast<unsigned>(shard) + 1);
        for (int round = 0; round < kRounds; ++round) {
          if (random() % 3 == 0) {
            const SSL_SESSION* original = originals[random() % 8 == 0 ? 0 : 1].get();
            num_put.fetch_add(1, std::memory_order_relaxed);
            pool.Put(shard, Watch(Clone(original).release()));
            continue;
          }
          const bssl::UniquePtr<SSL_SESSION> session(pool.Take(shard));
          if (session == nullptr) continue;
          const bssl::UniquePtr<SSL> ssl(SSL_new(ssl_ctx_.get()));
          EXPECT_EQ(SSL_set_session(ssl.get(), session.get()), 1);
          if (random() % 8 == 0) pool.Forget(session.get());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(num_freed, num_put);
}

}  // namespace
}  // namespace sluice::tls
