#include "engine/balance/crc32.h"

#include <string_view>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

uint32_t Crc32Of(std::string_view bytes) {
  Crc32 crc;
  crc.Update(bytes);
  return crc.value();
}

TEST(Crc32, KnownValues) {
  EXPECT_EQ(Crc32Of(""), 0u);
  EXPECT_EQ(Crc32Of("a"), 0xe8b7be43u);
  EXPECT_EQ(Crc32Of("123456789"), 0xcbf43926u);
  EXPECT_EQ(Crc32Of(std::string_view("\xff\0\xff", 3)), 0x6cdb0272u);
}

TEST(Crc32, PiecesAreTheWhole) {
  Crc32 crc;
  crc.Update("1234");
  Crc32 copy = crc;
  crc.Update("56789");
  copy.Update("5");
  EXPECT_EQ(crc.value(), Crc32Of("123456789"));
  EXPECT_EQ(copy.value(), Crc32Of("12345"));
}

}  // namespace
}  // namespace sluice::engine
