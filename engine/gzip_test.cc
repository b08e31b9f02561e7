#include "engine/gzip.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace sluice::engine {
namespace {

// What gzip(1) makes of it.
std::string Unpacked(std::string_view packed) {
  const sluice::testing::TempDir dir;
  const auto finished =
      sluice::testing::RunToEnd({"gzip", "-d", "-c", dir.Write("packed.gz", packed)});
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  return finished.output;
}

TEST(Gzip, WhatIsPackedIsUnpackedByGzip) {
  std::string text;
  for (uint32_t i = 0; i < 100'000; ++i) text += static_cast<char>('a' + i * i % 25);
  for (int level = 1; level <= 9; ++level) EXPECT_EQ(Unpacked(Gzip(text, level)), text) << level;
}

TEST(Gzip, NothingAndWhatCannotBePackedAreMembersToo) {
  EXPECT_EQ(Unpacked(Gzip("", 1)), "");
  std::string noise;
  uint32_t state = 1;
  for (int i = 0; i < 70'000; ++i) noise += static_cast<char>((state = state * 1664525 + 1) >> 24);
  EXPECT_EQ(Unpacked(Gzip(noise, 9)), noise);
}

TEST(Gzip, MembersMayFollowEachOther) {
  EXPECT_EQ(Unpacked(Gzip("one\n", 1) + Gzip("two\n", 9)), "one\ntwo\n");
}

}  // namespace
}  // namespace sluice::engine
