#include "tls/ticket_pool.h"

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

namespace sluice::tls {
namespace {

using ::testing::ElementsAre;
using WhenDry = TicketPool::WhenDry;

std::atomic<int> num_freed = 0;

void CountFree(void*, void* ptr, CRYPTO_EX_DATA*, int, long, void*) {
  if (ptr != nullptr) num_freed.fetch_add(1, std::memory_order_relaxed);
}

// Sessions with a number, that are counted when they are freed.
class TicketPoolTest : public ::testing::Test {
 protected:
  TicketPoolTest() : ssl_ctx_(SSL_CTX_new(TLS_method())) { num_freed = 0; }

  SSL_SESSION* Make(uint32_t number, int version = TLS1_3_VERSION) const {
    static const int ex_index =
        SSL_SESSION_get_ex_new_index(0, nullptr, nullptr, nullptr, CountFree);
    SSL_SESSION* session = SSL_SESSION_new(ssl_ctx_.get());
    EXPECT_EQ(SSL_SESSION_set_protocol_version(session, static_cast<uint16_t>(version)), 1);
    uint8_t id[sizeof(number)];
    std::memcpy(id, &number, sizeof(id));
    EXPECT_EQ(SSL_SESSION_set1_id(session, id, sizeof(id)), 1);
    static int mark;
    EXPECT_EQ(SSL_SESSION_set_ex_data(session, ex_index, &mark), 1);
    return session;
  }
  SSL_SESSION* MakeAged(uint32_t number, int64_t age_s, uint32_t timeout_s,
                        int version = TLS1_3_VERSION) const {
    SSL_SESSION* session = Make(number, version);
    SSL_SESSION_set_time(session, static_cast<uint64_t>(std::time(nullptr) - age_s));
    SSL_SESSION_set_timeout(session, timeout_s);
    return session;
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

  const bssl::UniquePtr<SSL_CTX> ssl_ctx_;
};

TEST_F(TicketPoolTest, AnEmptyPoolGivesNothing) {
  TicketPool pool(3);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
  EXPECT_EQ(TakeNumber(pool, 2), kNone);
}

TEST_F(TicketPoolTest, GivesTheNewestFirstAndEachOnce) {
  TicketPool pool(1, WhenDry::kNone);
  for (uint32_t number = 1; number <= 3; ++number) pool.Put(0, Make(number));
  std::vector<uint32_t> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(TakeNumber(pool, 0));
  EXPECT_THAT(taken, ElementsAre(3, 2, 1, kNone));
  EXPECT_EQ(num_freed, 3);
}

TEST_F(TicketPoolTest, AFullLineFreesItsOldest) {
  TicketPool pool(1, WhenDry::kNone);
  for (uint32_t number = 1; number <= 100; ++number) pool.Put(0, Make(number));
  EXPECT_EQ(num_freed, 93);
  for (uint32_t number = 100; number > 93; --number) EXPECT_EQ(TakeNumber(pool, 0), number);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
}

TEST_F(TicketPoolTest, AShardWithoutStockTakesFromTheOthers) {
  TicketPool pool(4, WhenDry::kNone);
  pool.Put(2, Make(1));
  pool.Put(2, Make(2));
  std::vector<uint32_t> taken = {TakeNumber(pool, 0), TakeNumber(pool, 3)};
  std::sort(taken.begin(), taken.end());
  EXPECT_THAT(taken, ElementsAre(1, 2));
  EXPECT_EQ(TakeNumber(pool, 2), kNone);
}

TEST_F(TicketPoolTest, WhenDryTheNewestIsGivenAgainToEveryShard) {
  TicketPool pool(2);
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
  TicketPool pool(2);
  pool.Put(0, Make(1));
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
  pool.Put(1, Make(2));
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
}

TEST_F(TicketPoolTest, Tls12SessionsStayWhateverTheRuleForTls13) {
  for (const WhenDry when_dry : {WhenDry::kReuse, WhenDry::kNone}) {
    TicketPool pool(2, when_dry);
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
  TicketPool pool(1);
  pool.Put(0, MakeAged(1, 50, 100));
  pool.Put(0, MakeAged(2, 100, 100));
  pool.Put(0, MakeAged(3, -50, 100));  // From the future: the clock has been set back.
  EXPECT_EQ(TakeNumber(pool, 0), 1u);
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
  EXPECT_EQ(num_freed, 3);
}

TEST_F(TicketPoolTest, AnExpiredTls12SessionIsFreedAndNotGiven) {
  TicketPool pool(2);
  pool.Put(0, MakeAged(1, 100, 100, TLS1_2_VERSION));
  EXPECT_EQ(TakeNumber(pool, 1), kNone);
  EXPECT_EQ(num_freed, 1);
}

TEST_F(TicketPoolTest, AForgottenSessionIsNotGivenAgain) {
  TicketPool pool(2);
  pool.Put(0, Make(1));
  const bssl::UniquePtr<SSL_SESSION> session(pool.Take(1));
  ASSERT_NE(session, nullptr);
  pool.Forget(session.get());
  EXPECT_EQ(TakeNumber(pool, 0), kNone);
  EXPECT_EQ(TakeNumber(pool, 1), kNone);
}

TEST_F(TicketPoolTest, ForgettingOneLeavesANewerOne) {
  TicketPool pool(1);
  pool.Put(0, Make(1, TLS1_2_VERSION));
  const bssl::UniquePtr<SSL_SESSION> session(pool.Take(0));
  pool.Put(0, Make(2, TLS1_2_VERSION));
  pool.Forget(session.get());
  EXPECT_EQ(TakeNumber(pool, 0), 2u);
}

TEST_F(TicketPoolTest, WhatIsLeftIsFreedWithThePool) {
  {
    TicketPool pool(3);
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
    TicketPool pool(kShards, WhenDry::kNone);
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
    TicketPool pool(kShards);
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

}  // namespace
}  // namespace sluice::tls
