#include "engine/metrics.h"

#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

TEST(Metrics, EveryRowHasAKnownKindAndAConventionalName) {
  std::set<std::string> names;
  for (const MetricInfo& info : MetricInfos()) {
    SCOPED_TRACE(info.name);
    EXPECT_TRUE(names.insert(info.name).second) << "named twice";
    const std::string_view kind = info.kind;
    ASSERT_TRUE(kind == "counter" || kind == "gauge");
    EXPECT_EQ(std::string_view(info.name).ends_with("_total"), kind == "counter");
    EXPECT_TRUE(std::string_view(info.help).ends_with("."));
  }
  EXPECT_GT(names.size(), 10u);
}

TEST(Metrics, RowsReadWhatTheirOwnerWrote) {
  Metrics metrics;
  metrics.connections_active.Add(3);
  metrics.connections_active.Subtract();
  for (const MetricInfo& info : MetricInfos()) {
    EXPECT_EQ((metrics.*info.value).value(),
              std::string_view(info.name) == "connections_active" ? 2u : 0u);
  }
}

TEST(CloseReason, EveryReasonHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int i = 0; i < kNumCloseReasons; ++i) {
    const std::string name = CloseReasonName(static_cast<CloseReason>(i));
    EXPECT_NE(name, "unknown");
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

}  // namespace
}  // namespace sluice::engine
