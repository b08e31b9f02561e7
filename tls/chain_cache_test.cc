#include "tls/chain_cache.h"

#include <openssl/pool.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

constexpr Moment kStart = {.wall_s = 1'000'000, .uptime_s = 500};
constexpr int64_t kLater = kStart.wall_s + 100'000;

Moment After(int64_t seconds) {
  return {.wall_s = kStart.wall_s + seconds, .uptime_s = kStart.uptime_s + seconds};
}

ChainCache::Key KeyOf(const std::vector<std::string>& certificates) {
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> chain(sk_CRYPTO_BUFFER_new_null());
  for (const std::string& bytes : certificates) {
    EXPECT_TRUE(bssl::PushToStack(
        chain.get(), bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(
                         reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), nullptr))));
  }
  return ChainCache::KeyOf(chain.get());
}

ChainCache::Key KeyOf(size_t number) { return KeyOf({std::to_string(number)}); }

TEST(ChainCacheTest, FindsWhatWasAdded) {
  ChainCache cache;
  EXPECT_EQ(cache.Find(KeyOf(1), kStart), std::nullopt);
  cache.Add(KeyOf(1), kLater, kStart);
  cache.Add(KeyOf(2), kLater + 1, kStart);
  EXPECT_EQ(cache.Find(KeyOf(1), kStart), kLater);
  EXPECT_EQ(cache.Find(KeyOf(2), kStart), kLater + 1);
  EXPECT_EQ(cache.Find(KeyOf(3), kStart), std::nullopt);
}

TEST(ChainCacheTest, TheSameBytesInOtherCertificatesAreAnotherChain) {
  EXPECT_EQ(KeyOf({"ab", "c"}), KeyOf({"ab", "c"}));
  EXPECT_NE(KeyOf({"ab", "c"}), KeyOf({"a", "bc"}));
  EXPECT_NE(KeyOf({"ab", "c"}), KeyOf({"abc"}));
  EXPECT_NE(KeyOf({"ab", "c"}), KeyOf({"c", "ab"}));
  EXPECT_NE(KeyOf({"a"}), KeyOf({"a", ""}));
}

TEST(ChainCacheTest, AnEntryEndsWithTrustAndAfterAnHour) {
  ChainCache cache;
  cache.Add(KeyOf(1), kStart.wall_s + 10, kStart);
  cache.Add(KeyOf(2), kLater, kStart);
  EXPECT_NE(cache.Find(KeyOf(1), After(9)), std::nullopt);
  EXPECT_EQ(cache.Find(KeyOf(1), After(10)), std::nullopt);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_NE(cache.Find(KeyOf(2), After(ChainCache::kAgeMaxS - 1)), std::nullopt);
  EXPECT_EQ(cache.Find(KeyOf(2), After(ChainCache::kAgeMaxS)), std::nullopt);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ChainCacheTest, NeitherClockAloneMakesAnEntryLast) {
  const auto found = [](const Moment& now) {
    ChainCache cache;
    cache.Add(KeyOf(1), kLater, kStart);
    return cache.Find(KeyOf(1), now).has_value();
  };
  const int64_t hour_s = ChainCache::kAgeMaxS;
  EXPECT_FALSE(found({.wall_s = kStart.wall_s, .uptime_s = kStart.uptime_s + hour_s}));
  EXPECT_FALSE(found({.wall_s = kStart.wall_s + hour_s, .uptime_s = kStart.uptime_s}));
  EXPECT_FALSE(found({.wall_s = kStart.wall_s - 1, .uptime_s = kStart.uptime_s + 1}));
}

TEST(ChainCacheTest, WhenFullTheLeastRecentlyUsedGoes) {
  ChainCache cache;
  for (size_t i = 0; i < ChainCache::kEntriesMax; ++i) cache.Add(KeyOf(i), kLater, kStart);
  EXPECT_NE(cache.Find(KeyOf(0), kStart), std::nullopt);
  cache.Add(KeyOf(ChainCache::kEntriesMax), kLater, kStart);
  EXPECT_EQ(cache.size(), ChainCache::kEntriesMax);
  EXPECT_EQ(cache.Find(KeyOf(1), kStart), std::nullopt);
  EXPECT_NE(cache.Find(KeyOf(0), kStart), std::nullopt);
  for (size_t i = 2; i <= ChainCache::kEntriesMax; ++i) {
    EXPECT_NE(cache.Find(KeyOf(i), kStart), std::nullopt) << i;
  }
}

TEST(ChainCacheTest, TimeGoesOn) {
  const Moment first = Moment::Now();
  EXPECT_GT(first.wall_s, 1'700'000'000);
  EXPECT_GE(Moment::Now().uptime_s, first.uptime_s);
}

}  // namespace
}  // namespace sluice::tls
