// Runs the table that a program defines: every row is a test.
#include "tests/hostile/misbehaviour.h"

#include <chrono>
#include <cstddef>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/hostile/process_usage.h"
#include "tests/hostile/stage.h"
#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"

namespace sluice::testing {
namespace {

// Far more than the buffers of one connection, far less than a flood that is kept.
constexpr int64_t kMemoryGrowthBytesMax = 16 << 20;

// CPU time is that of a build for production. Unoptimized code and sanitizers take many times that.
#if defined(__OPTIMIZE__)
constexpr bool kMeasuresCpu = !kSanitized;
#else
constexpr bool kMeasuresCpu = false;
#endif

// A record as long as makes sluice open those behind it with keys of its own (tls/record_cipher.h).
const std::string& Greeting() {
  static const auto* const greeting = new std::string(8 * 1024, 'g');
  return *greeting;
}

// What the program defines; and what is not refused at once, once more behind the greeting.
std::vector<Misbehaviour> AllMisbehaviours() {
  std::vector<Misbehaviour> all = Misbehaviours();
  for (const Misbehaviour& misbehaviour : Misbehaviours()) {
    if (misbehaviour.ending.refused) continue;
    Misbehaviour& greeting = all.emplace_back(misbehaviour);
    greeting.name = absl::StrCat("Greeting_", misbehaviour.name);
    greeting.script = [script = misbehaviour.script](RecordLayer& wire) {
      wire.set_greeting(Greeting());
      script(wire);
    };
  }
  return all;
}

// A good upstream echoes.
void ExpectServed(const std::string& address) {
  Socket client = Socket::Connect(address);
  EXPECT_TRUE(client.Send("are you well?"));
  EXPECT_EQ("are you well?", client.Receive(std::string_view("are you well?").size())) << address;
}

// What follows the reason, and who did what, in every line about a failure of this row's.
std::string Parties(const Stage& stage, size_t misbehaviour) {
  return absl::StrCat(", client: 127.0.0.1, server: ", stage.ClientAddress(misbehaviour),
                      ", upstream: \"", stage.UpstreamAddress(misbehaviour), "\"");
}

// What the log says in front of `parties`: "reason while doing something".
std::string TextBefore(std::string_view parties, std::string_view log) {
  log = log.substr(0, log.find(parties));
  log.remove_prefix(log.rfind('\n') + 1);
  // "2026/11/23 16:02:11 [error] 22421#22424: *243 reason ..."
  const size_t number = log.find(" *");
  return std::string(log.substr(log.find(' ', number + 1) + 1));
}

class MisbehaviourTest : public ::testing::TestWithParam<size_t> {
 protected:
  static void SetUpTestSuite() { stage_ = new Stage(AllMisbehaviours()); }
  static void TearDownTestSuite() {
    // Whatever was run is told once, and what does no harm is not told at all.
    const std::string log = stage_->sluice().StopAndGetLog();
    for (size_t i = 0; i < stage_->misbehaviours().size(); ++i) {
      const Misbehaviour& misbehaviour = stage_->misbehaviours()[i];
      EXPECT_LE(CountOccurrences(log, Parties(*stage_, i)), misbehaviour.ending.log.empty() ? 0 : 1)
          << misbehaviour.name;
    }
    delete std::exchange(stage_, nullptr);
    std::cout << num_handled_ << " misbehaviours handled" << std::endl;
  }

  static Stage* stage_;
  static int num_handled_;
};

Stage* MisbehaviourTest::stage_ = nullptr;
int MisbehaviourTest::num_handled_ = 0;

TEST_P(MisbehaviourTest, EndsAsItShouldAndTheNextConnectionIsServed) {
  const size_t index = GetParam();
  const Misbehaviour& misbehaviour = stage_->misbehaviours()[index];
  const Ending& ending = misbehaviour.ending;
  const std::string address = stage_->ClientAddress(index);
  std::future<Seen> seen_by_upstream = stage_->SeenBy(index);
  if (misbehaviour.before) {
    Socket client = Socket::Connect(address);
    EXPECT_TRUE(client.Send(kClientBytes));
    client.ReceiveToEnd();
    ASSERT_EQ(End::kFin, client.end());
  }
  ExpectServed(stage_->GoodClientAddress());  // What the first connection of all costs is no leak.
  const ProcessUsage before = UsageOf(stage_->sluice().pid());

  Socket client = Socket::Connect(address);
  EXPECT_TRUE(client.Send(kClientBytes));
  stage_->Begin(index);  // Not before: a RST could come in between.
  const std::string received = client.ReceiveToEnd();
  EXPECT_EQ(ending.client_end, client.end());
  ASSERT_EQ(std::future_status::ready, seen_by_upstream.wait_for(kPatience));
  const Seen seen = seen_by_upstream.get();
  EXPECT_EQ(absl::StrCat(seen.has_greeted ? Greeting() : "", ending.received), received);
  EXPECT_NE(End::kPatience, seen.end) << "sluice keeps the connection to its upstream";
  if (ending.refused) {
    EXPECT_FALSE(seen.may_hold_application_data);
    EXPECT_FALSE(absl::StrContains(seen.bytes, kClientBytes));
  }
  if (!ending.log.empty()) {
    const std::string parties = Parties(*stage_, index);
    EXPECT_TRUE(stage_->sluice().WaitForLog(parties));
    EXPECT_EQ(ending.log, TextBefore(parties, stage_->sluice().Log()));
  }

  const ProcessUsage after = UsageOf(stage_->sluice().pid());
  if (kMeasuresCpu) {
    EXPECT_LT(after.cpu_s - before.cpu_s, misbehaviour.cpu_s_max);
  }
  // Sanitizers keep what is freed for a while.
  if (!kSanitized) {
    EXPECT_LT(after.resident_bytes - before.resident_bytes, kMemoryGrowthBytesMax);
  }

  ExpectServed(stage_->GoodClientAddress());
  // With a timeout this short, a good handshake on a busy machine might not make it.
  if (misbehaviour.settings != kShortConnectTimeout) ExpectServed(address);
  if (!HasFailure()) ++num_handled_;
}

INSTANTIATE_TEST_SUITE_P(Upstream, MisbehaviourTest,
                         ::testing::Range(size_t{0}, AllMisbehaviours().size()),
                         [](const auto& info) { return AllMisbehaviours()[info.param].name; });

}  // namespace
}  // namespace sluice::testing
