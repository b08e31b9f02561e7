#include "engine/balance/crc32.h"

#include <string_view>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

uint32_t Crc32Of(std::string_view bytes) { return Crc32(0, bytes); }

TEST(Crc32, KnownValues) {
  EXPECT_EQ(Crc32Of(""), 0u);
  EXPECT_EQ(Crc32Of("a"), 0xe8b7be43u);
  EXPECT_EQ(Crc32Of("123456789"), 0xcbf43926u);
  EXPECT_EQ(Crc32Of(std::string_view("\xff\0\xff", 3)), 0x6cdb0272u);
}

TEST(Crc32, PiecesAreTheWhole) {
  const uint32_t begun = Crc32(0, "1234");
  EXPECT_EQ(Crc32(begun, "56789"), Crc32Of("123456789"));
  EXPECT_EQ(Crc32(begun, "5"), Crc32Of("12345"));
  EXPECT_EQ(Crc32(begun, {}), begun);
}

}  // namespace
}  // namespace sluice::engine
