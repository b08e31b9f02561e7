// Lines under as many threads as a large machine has shards. Every thing has a number of its own
// and is used up once; ThreadSanitizer sees every use of what a thing holds.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tls/ticket_line.h"

namespace sluice::tls {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr int kPutsPerCase = 40'000;
#else
constexpr int kPutsPerCase = 500'000;
#endif

struct Thing {
  uint64_t payload = 0;  // Not atomic: written before Put, read by whoever has the thing.
  uint64_t expected = 0;
  std::atomic<int> references{1};
  std::atomic<int> num_released{0};
};

struct ThingTraits {
  using Item = Thing;
  template <typename T>
  using Atomic = std::atomic<T>;
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
  static constexpr std::memory_order kSwap = std::memory_order_acq_rel;
  static int64_t Bytes(const Thing* thing) {
    return 100 + static_cast<int64_t>(thing->payload % 5);
  }
  static void Retain(Thing* thing) { thing->references.fetch_add(1, std::memory_order_relaxed); }
  // Displaced and drained ones come here too.
  static void Release(Thing* thing) {
    EXPECT_EQ(thing->payload, thing->expected);
    if (thing->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      thing->payload = 0;  // As freeing would: races with whoever still uses it.
      thing->num_released.fetch_add(1, std::memory_order_relaxed);
    }
  }
};

class TicketLineStressTest : public ::testing::TestWithParam<int> {
 protected:
  using Line = TicketLine<ThingTraits>;
  // Less than 16 things fit: lines are full at times, by either measure.
  static constexpr size_t kSlots = 16;
  static constexpr int64_t kBytesMax = 1500;

  TicketLineStressTest() {
    for (int i = 0; i < num_threads_; ++i) lines_.emplace_back(kSlots, kBytesMax);
  }

  // Runs `step(shard, random)` on every shard's own thread until each has put its share of
  // kPutsPerCase; `step` returns how many it has put.
  template <typename Step>
  void RunShards(Step step) {
    std::vector<std::thread> threads;
    for (int shard = 0; shard < num_threads_; ++shard) {
      threads.emplace_back([this, shard, step] {
        std::minstd_rand random(static_cast<unsigned>(shard) + 1);
        for (int left = kPutsPerCase / num_threads_; left > 0;) left -= step(shard, random);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const int num_threads_ = GetParam();
  std::deque<Line> lines_;
};

TEST_P(TicketLineStressTest, EveryThingIsTakenDisplacedOrDrainedExactlyOnce) {
  std::vector<Thing> things(kPutsPerCase);
  std::atomic<size_t> num_made = 0;
  std::atomic<int64_t> num_got = 0;
  std::atomic<int64_t> num_displaced = 0;
  RunShards([&](int shard, std::minstd_rand& random) {
    Line& own = lines_[static_cast<size_t>(shard)];
    const auto use = [&](Thing* thing) {
      if (thing == nullptr) return;
      // Had another thread got it too, one of them would find it used.
      EXPECT_EQ(thing->payload, thing->expected);
      thing->payload += 5;
      thing->expected += 5;
      num_got.fetch_add(1, std::memory_order_relaxed);
      ThingTraits::Release(thing);
    };
    switch (random() % 4) {
      case 0:
        use(own.Take());
        return 0;
      case 1:
        use(lines_[random() % lines_.size()].Steal());
        return 0;
      default: {
        Thing& thing = things[num_made.fetch_add(1, std::memory_order_relaxed)];
        thing.payload = thing.expected = random();
        num_displaced.fetch_add(own.Put(&thing), std::memory_order_relaxed);
        EXPECT_LE(own.bytes_in_use(), kBytesMax);
        return 1;
      }
    }
  });
  int64_t num_drained = 0;
  for (Line& line : lines_) {
    while (Thing* thing = line.Take()) {
      ++num_drained;
      ThingTraits::Release(thing);
    }
    EXPECT_EQ(line.bytes_in_use(), 0);
  }
  for (size_t i = 0; i < num_made; ++i) ASSERT_EQ(things[i].num_released, 1) << "thing " << i;
  EXPECT_EQ(num_got + num_displaced + num_drained, static_cast<int64_t>(num_made));
  EXPECT_GT(num_got, 0);
  EXPECT_GT(num_displaced, 0);
}

TEST_P(TicketLineStressTest, ASpareLivesUntilItsLastUserIsDone) {
  std::vector<Thing> things(kPutsPerCase);
  std::atomic<size_t> num_made = 0;
  std::atomic<int64_t> num_copies = 0;
  RunShards([&](int shard, std::minstd_rand& random) {
    Line& own = lines_[static_cast<size_t>(shard)];
    Line& any = lines_[random() % lines_.size()];
    switch (random() % 8) {
      case 0: {
        Thing& thing = things[num_made.fetch_add(1, std::memory_order_relaxed)];
        thing.payload = thing.expected = random();
        // As a single-use session: in stock and as the spare.
        ThingTraits::Retain(&thing);
        own.SetSpare(&thing);
        own.Put(&thing);
        EXPECT_LE(own.bytes_in_use(), kBytesMax);
        return 1;
      }
      case 1:
        if (Thing* thing = any.Steal()) ThingTraits::Release(thing);
        return 0;
      case 2:
        if (Thing* thing = any.CopySpare()) {
          for (Line& line : lines_) line.ForgetSpare(thing);
          ThingTraits::Release(thing);
        }
        return 0;
      default:
        if (Thing* thing = any.CopySpare()) {
          EXPECT_EQ(thing->payload, thing->expected);
          num_copies.fetch_add(1, std::memory_order_relaxed);
          ThingTraits::Release(thing);
        }
        return 0;
    }
  });
  lines_.clear();
  for (size_t i = 0; i < num_made; ++i) ASSERT_EQ(things[i].num_released, 1) << "thing " << i;
  EXPECT_GT(num_copies, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, TicketLineStressTest, ::testing::Values(2, 4, 8, 16));

}  // namespace
}  // namespace sluice::tls
