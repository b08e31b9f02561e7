#include "engine/buffer.h"

#include <string>
#include <string_view>

#include "engine/slab_pool.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string Text(const Buffer& buffer) { return {buffer.bytes().begin(), buffer.bytes().end()}; }

TEST(SlabPool, GivesTheSmallestClassThatFits) {
  SlabPool pool;
  EXPECT_EQ(pool.Acquire(1).size(), kSlabClassBytes[0]);
  EXPECT_EQ(pool.Acquire(kSlabClassBytes[0]).size(), kSlabClassBytes[0]);
  EXPECT_EQ(pool.Acquire(kSlabClassBytes[0] + 1).size(), kSlabClassBytes[1]);
  EXPECT_EQ(pool.Acquire(SIZE_MAX).size(), kLargestSlabBytes);
}

TEST(SlabPool, SpentBudgetGivesSmallSlabsAndReturnsRestoreIt) {
  SlabPool pool(kSlabClassBytes[1]);
  {
    const Slab large = pool.Acquire(kSlabClassBytes[1]);
    EXPECT_EQ(large.size(), kSlabClassBytes[1]);
    EXPECT_EQ(pool.Acquire(kSlabClassBytes[1]).size(), kSmallSlabBytes);
    EXPECT_EQ(pool.num_in_use(), 1);
  }
  EXPECT_EQ(pool.num_in_use(), 0);
  EXPECT_EQ(pool.Acquire(kSlabClassBytes[1]).size(), kSlabClassBytes[1]);
}

TEST(SlabPool, FreedSlabIsUsedAgain) {
  SlabPool pool;
  const uint8_t* first = pool.Acquire(1).data();
  EXPECT_EQ(pool.Acquire(1).data(), first);
}

TEST(Buffer, BytesLeaveInTheOrderTheyCame) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Append(Bytes("abc"));
  buffer.Append(Bytes("def"));
  buffer.Consume(2);
  EXPECT_EQ(Text(buffer), "cdef");
}

TEST(Buffer, EmptyBufferStartsOverWithAllItsRoom) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Append(Bytes("abc"));
  buffer.Consume(3);
  EXPECT_EQ(buffer.num_room_bytes(), kSmallSlabBytes);
}

TEST(Buffer, RoomOfAReceiveInFlightStaysWhereItIs) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Append(Bytes("abc"));
  uint8_t* const room = buffer.room().data();
  buffer.set_receiving(true);
  buffer.Consume(3);
  EXPECT_EQ(buffer.room().data(), room);
  room[0] = 'x';
  buffer.Commit(1);
  buffer.set_receiving(false);
  EXPECT_EQ(Text(buffer), "x");
}

TEST(Buffer, PinnedSlabIsNotGivenBack) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.set_receiving(true);
  buffer.ReleaseIfIdle();
  EXPECT_TRUE(buffer.has_slab());
  buffer.set_receiving(false);
  buffer.ReleaseIfIdle();
  EXPECT_FALSE(buffer.has_slab());
  EXPECT_EQ(pool.num_in_use(), 0);
}

TEST(Buffer, ReserveExchangesAnEmptySlabForALargerOneOnly) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Reserve(pool, kLargestSlabBytes);
  EXPECT_EQ(buffer.slab_bytes(), kLargestSlabBytes);
  buffer.Reserve(pool, 1);
  EXPECT_EQ(buffer.slab_bytes(), kLargestSlabBytes);
}

TEST(Buffer, ReserveKeepsASlabThatHoldsBytes) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Append(Bytes("abc"));
  buffer.Reserve(pool, kLargestSlabBytes);
  EXPECT_EQ(buffer.slab_bytes(), kSmallSlabBytes);
  EXPECT_EQ(Text(buffer), "abc");
}

TEST(Buffer, DiscardKeepsWhatASendInFlightReads) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Append(Bytes("abcdef"));
  buffer.set_sending(2);
  buffer.Discard();
  EXPECT_EQ(Text(buffer), "ab");
  buffer.set_sending(0);
  buffer.Discard();
  EXPECT_TRUE(buffer.empty());
}

TEST(BufferDeathTest, ConsumingMoreThanThereIsEndsTheProcess) {
  SlabPool pool;
  Buffer buffer;
  buffer.Reserve(pool, 1);
  buffer.Append(Bytes("abc"));
  EXPECT_DEATH(buffer.Consume(4), "Check failed");
}

}  // namespace
}  // namespace sluice::engine
