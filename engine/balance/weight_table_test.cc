#include "engine/balance/weight_table.h"

#include <cstdint>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

TEST(WeightTable, EachPeerIsAsWideAsItsWeight) {
  WeightTable table;
  table.Add(7, 2);
  table.Add(3, 1);
  table.Add(5, 3);
  EXPECT_EQ(table.total(), 6);
  int peers[6];
  for (int i = 0; i < 6; ++i) peers[i] = table.PeerAt(i);
  EXPECT_THAT(peers, testing::ElementsAre(7, 7, 3, 5, 5, 5));
}

TEST(WeightTable, SumsBeyond32BitsAreRight) {
  WeightTable table;
  for (int peer = 0; peer < 100'000; ++peer) table.Add(peer, 65'535);
  EXPECT_EQ(table.total(), int64_t{6'553'500'000});
  EXPECT_EQ(table.PeerAt(0), 0);
  EXPECT_EQ(table.PeerAt(table.total() - 1), 99'999);
  EXPECT_EQ(table.PeerAt(int64_t{65'535} * 70'000), 70'000);
  EXPECT_EQ(table.PeerAt(int64_t{65'535} * 70'000 - 1), 69'999);
}

}  // namespace
}  // namespace sluice::engine
