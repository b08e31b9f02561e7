#include "config/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "config/limits.h"

namespace sluice::config {
namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

TEST(ParseNumber, TakesDigitsWithinBounds) {
  EXPECT_EQ(ParseNumber("0", 0, 10), 0);
  EXPECT_EQ(ParseNumber("010", 0, 10), 10);
  EXPECT_EQ(ParseNumber("9223372036854775807", 0, kInt64Max), kInt64Max);
}

TEST(ParseNumber, RefusesEverythingElse) {
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x10", "1.0", "11", "9223372036854775808",
                           "99999999999999999999999"}) {
    EXPECT_EQ(ParseNumber(text, 0, 10), std::nullopt) << text;
  }
}

TEST(ParseSize, KnowsItsUnitsInEitherCase) {
  EXPECT_EQ(ParseSize("0"), 0);
  EXPECT_EQ(ParseSize("1024"), 1024);
  EXPECT_EQ(ParseSize("16k"), 16384);
  EXPECT_EQ(ParseSize("16K"), 16384);
  EXPECT_EQ(ParseSize("2m"), 2 << 20);
  EXPECT_EQ(ParseSize("3G"), int64_t{3} << 30);
}

TEST(ParseSize, RefusesWhatIsNoneAndWhatOverflows) {
  for (const char* text :
       {"", "k", "1kb", "1t", "-1k", "1 k", "8589934592g", "9223372036854775808"}) {
    EXPECT_EQ(ParseSize(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseSize("8589934591g"), int64_t{8589934591} << 30);
}

TEST(ParseDurationMs, KnowsEveryUnit) {
  EXPECT_EQ(ParseDurationMs("1ms"), 1);
  EXPECT_EQ(ParseDurationMs("1s"), 1000);
  EXPECT_EQ(ParseDurationMs("1m"), 60'000);
  EXPECT_EQ(ParseDurationMs("1h"), 3'600'000);
  EXPECT_EQ(ParseDurationMs("1d"), 86'400'000);
  EXPECT_EQ(ParseDurationMs("1w"), 7 * 86'400'000ll);
  EXPECT_EQ(ParseDurationMs("1M"), 30 * 86'400'000ll);
  EXPECT_EQ(ParseDurationMs("1y"), 365 * 86'400'000ll);
}

TEST(ParseDurationMs, TakesSecondsWithoutUnitAndCombinations) {
  EXPECT_EQ(ParseDurationMs("0"), 0);
  EXPECT_EQ(ParseDurationMs("60"), 60'000);
  EXPECT_EQ(ParseDurationMs("1h30m"), 5'400'000);
  EXPECT_EQ(ParseDurationMs("1h 30m"), 5'400'000);
  EXPECT_EQ(ParseDurationMs("1m  5"), 65'000);
  EXPECT_EQ(ParseDurationMs("1s500ms"), 1'500);
  EXPECT_EQ(ParseDurationMs("5 "), 5'000);
}

TEST(ParseDurationMs, RefusesWhatIsNoneAndWhatOverflows) {
  for (const char* text :
       {"", " ", "s", "1x", "1S", "-1s", "1m1h", "1s1s", "10 20", "1 h", "1ms5", "1.5s", "h1",
        "300000000y", "9223372036854775807", "99999999999999999999ms"}) {
    EXPECT_EQ(ParseDurationMs(text), std::nullopt) << text;
  }
}

TEST(ParseDurationMs, IsBounded) {
  EXPECT_EQ(ParseDurationMs("10y"), kDurationMsMax);
  for (const char* text : {"10y 1ms", "11y", "300000000y", "9223372036854775807ms"}) {
    EXPECT_EQ(ParseDurationMs(text), std::nullopt) << text;
  }
}

TEST(ParseFlag, TakesOnAndOffInEitherCaseOnly) {
  EXPECT_EQ(ParseFlag("on"), true);
  EXPECT_EQ(ParseFlag("OFF"), false);
  for (const char* text : {"", "1", "true", "yes", "onn"}) {
    EXPECT_EQ(ParseFlag(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sluice::config
