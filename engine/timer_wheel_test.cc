#include "engine/timer_wheel.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

constexpr uint64_t kStartMs = 1'000'003;

class TimerWheelTest : public testing::Test {
 protected:
  // The deadlines of what fires.
  std::vector<uint64_t> AdvanceTo(uint64_t now_ms) {
    std::vector<uint64_t> fired;
    wheel_.Advance(now_ms, [&](TimerNode& node) { fired.push_back(node.deadline_ms()); });
    return fired;
  }

  TimerWheel wheel_{kStartMs};
};

using Deadlines = std::vector<uint64_t>;

TEST_F(TimerWheelTest, FiresAtItsDeadlineAndNotBefore) {
  // Within a bucket, a level, and across levels; a day, a year, 300 years.
  for (uint64_t delay_ms : {1ull, 63ull, 64ull, 65ull, 4095ull, 4096ull, 60'000ull, 86'400'000ull,
                            31'536'000'000ull, 9'460'800'000'000ull}) {
    TimerWheel wheel(kStartMs);
    TimerNode node;
    int fired = 0;
    wheel.Schedule(node, kStartMs + delay_ms);
    wheel.Advance(kStartMs + delay_ms - 1, [&](TimerNode&) { ++fired; });
    EXPECT_EQ(fired, 0) << delay_ms;
    wheel.Advance(kStartMs + delay_ms, [&](TimerNode&) { ++fired; });
    EXPECT_EQ(fired, 1) << delay_ms;
    EXPECT_FALSE(node.scheduled());
  }
}

TEST_F(TimerWheelTest, FiresInTheOrderOfDeadlines) {
  TimerNode a, b, c;
  wheel_.Schedule(a, kStartMs + 5000);
  wheel_.Schedule(b, kStartMs + 70);
  wheel_.Schedule(c, kStartMs + 3);
  EXPECT_EQ(AdvanceTo(kStartMs + 100'000),
            (Deadlines{kStartMs + 3, kStartMs + 70, kStartMs + 5000}));
}

TEST_F(TimerWheelTest, PassedDeadlineFiresWithTheNextAdvance) {
  TimerNode node;
  wheel_.Schedule(node, 5);
  EXPECT_EQ(wheel_.NextDeadlineMs(), kStartMs);
  EXPECT_EQ(AdvanceTo(kStartMs), Deadlines{kStartMs});
}

TEST_F(TimerWheelTest, CancelledNodeDoesNotFire) {
  TimerNode node;
  wheel_.Schedule(node, kStartMs + 10);
  wheel_.Cancel(node);
  wheel_.Cancel(node);
  EXPECT_EQ(wheel_.NextDeadlineMs(), TimerWheel::kNever);
  EXPECT_EQ(AdvanceTo(kStartMs + 10), Deadlines{});
}

TEST_F(TimerWheelTest, SchedulingAgainMovesTheDeadline) {
  TimerNode node;
  wheel_.Schedule(node, kStartMs + 10);
  wheel_.Schedule(node, kStartMs + 7000);
  EXPECT_EQ(AdvanceTo(kStartMs + 6999), Deadlines{});
  EXPECT_EQ(AdvanceTo(kStartMs + 7000), Deadlines{kStartMs + 7000});
}

TEST_F(TimerWheelTest, CallbackMayScheduleTheNodeAgain) {
  TimerNode node;
  wheel_.Schedule(node, kStartMs + 1);
  int fired = 0;
  const auto fire = [&](TimerNode& fired_node) {
    ++fired;
    wheel_.Schedule(fired_node, kStartMs);  // At once, but not within this Advance.
  };
  wheel_.Advance(kStartMs + 1, fire);
  EXPECT_EQ(fired, 1);
  wheel_.Advance(kStartMs + 1, fire);
  EXPECT_EQ(fired, 2);
  wheel_.Cancel(node);
}

TEST_F(TimerWheelTest, CallbackMayCancelAndDestroyAnotherDueNode) {
  auto first = std::make_unique<TimerNode>();
  auto second = std::make_unique<TimerNode>();
  wheel_.Schedule(*first, kStartMs + 1);
  wheel_.Schedule(*second, kStartMs + 1);
  int fired = 0;
  wheel_.Advance(kStartMs + 1, [&](TimerNode& node) {
    ++fired;
    EXPECT_EQ(&node, first.get());
    wheel_.Cancel(*second);
    second.reset();
    first.reset();
  });
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, NextDeadlineIsExactNearByAndNeverLate) {
  TimerNode near, far;
  EXPECT_EQ(wheel_.NextDeadlineMs(), TimerWheel::kNever);
  wheel_.Schedule(far, kStartMs + 600'000);
  EXPECT_LE(wheel_.NextDeadlineMs(), kStartMs + 600'000);
  EXPECT_GT(wheel_.NextDeadlineMs(), kStartMs);
  wheel_.Schedule(near, kStartMs + 2);
  EXPECT_EQ(wheel_.NextDeadlineMs(), kStartMs + 2);
  wheel_.Cancel(near);
  // Following the wheel's own advice reaches the deadline in a few steps.
  int steps = 0;
  while (far.scheduled() && steps < 20) {
    AdvanceTo(wheel_.NextDeadlineMs());
    ++steps;
  }
  EXPECT_LE(steps, 4);
  EXPECT_FALSE(far.scheduled());
}

TEST_F(TimerWheelTest, LastMomentOfTimeCanBeScheduled) {
  TimerNode node;
  wheel_.Schedule(node, UINT64_MAX);
  EXPECT_EQ(AdvanceTo(UINT64_MAX - 1), Deadlines{});
  EXPECT_EQ(AdvanceTo(UINT64_MAX), Deadlines{UINT64_MAX});
}

TEST_F(TimerWheelTest, DestroyedWheelLetsItsNodesGo) {
  TimerNode node;
  {
    TimerWheel wheel(0);
    wheel.Schedule(node, 12345);
  }
  EXPECT_FALSE(node.scheduled());
}

TEST(TimerNodeDeathTest, DestroyingAScheduledNodeIsCaught) {
  TimerWheel wheel(0);
  EXPECT_DEATH(
      {
        TimerNode node;
        wheel.Schedule(node, 1);
      },
      "scheduled");
}

// Random schedules, cancels and advances against a sorted map.
TEST(TimerWheelModelTest, AgreesWithASortedMap) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    // Small numbers as likely as big ones.
    const auto some_ms = [&] { return random() >> (64 - 1 - random() % 40); };
    uint64_t now_ms = some_ms();
    TimerWheel wheel(now_ms);
    std::vector<TimerNode> nodes(40);
    std::map<TimerNode*, uint64_t> model;
    for (int step = 0; step < 500; ++step) {
      TimerNode& node = nodes[random() % nodes.size()];
      switch (random() % 4) {
        case 0:
        case 1: {
          const uint64_t deadline_ms = now_ms + some_ms();
          wheel.Schedule(node, deadline_ms);
          model[&node] = deadline_ms;
          break;
        }
        case 2:
          wheel.Cancel(node);
          model.erase(&node);
          break;
        case 3: {
          now_ms += some_ms();
          uint64_t latest_ms = 0;
          wheel.Advance(now_ms, [&](TimerNode& fired) {
            ASSERT_TRUE(model.contains(&fired));
            EXPECT_EQ(model[&fired], fired.deadline_ms());
            EXPECT_LE(fired.deadline_ms(), now_ms);
            EXPECT_GE(fired.deadline_ms(), latest_ms);
            latest_ms = fired.deadline_ms();
            model.erase(&fired);
          });
          break;
        }
      }
      uint64_t earliest_ms = TimerWheel::kNever;
      for (const auto& [unused, deadline_ms] : model) {
        EXPECT_GE(deadline_ms, now_ms);
        earliest_ms = std::min(earliest_ms, deadline_ms);
      }
      EXPECT_LE(wheel.NextDeadlineMs(), earliest_ms);
      EXPECT_EQ(wheel.NextDeadlineMs() == TimerWheel::kNever, model.empty());
    }
    for (TimerNode& node : nodes) wheel.Cancel(node);
  }
}

}  // namespace
}  // namespace sluice::engine
