#include "tls/ticket_line.h"

#include <atomic>
#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Thing {
  int number;
  int64_t bytes;
  int references = 1;
};

struct ThingTraits {
  using Item = Thing;
  template <typename T>
  using Atomic = std::atomic<T>;
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
  static constexpr std::memory_order kSwap = std::memory_order_acq_rel;
  static int64_t Bytes(const Thing* thing) { return thing->bytes; }
  static void Retain(Thing* thing) { ++thing->references; }
  static void Release(Thing* thing) { --thing->references; }
};

// Things are numbered from 1 in the order in which they are made.
class TicketLineTest : public ::testing::Test {
 protected:
  using Line = TicketLine<ThingTraits>;

  Thing* Make(int64_t bytes = 1) {
    things_.push_back(std::make_unique<Thing>(
        Thing{.number = static_cast<int>(things_.size()) + 1, .bytes = bytes}));
    return things_.back().get();
  }
  static constexpr int kNone = 0;
  int Number(Thing* thing) {
    if (thing == nullptr) return kNone;
    ThingTraits::Release(thing);
    return thing->number;
  }
  // The numbers of those that somebody holds a reference to.
  std::vector<int> Alive() const {
    std::vector<int> numbers;
    for (const auto& thing : things_) {
      if (thing->references > 0) numbers.push_back(thing->number);
      EXPECT_GE(thing->references, 0) << thing->number;
    }
    return numbers;
  }

 private:
  std::vector<std::unique_ptr<Thing>> things_;
};

TEST_F(TicketLineTest, AnEmptyLineGivesNothing) {
  Line line(2, 10);
  EXPECT_EQ(line.Take(), nullptr);
  EXPECT_EQ(line.Steal(), nullptr);
  EXPECT_EQ(line.CopySpare(), nullptr);
}

TEST_F(TicketLineTest, OwnerAndThiefGetTheNewest) {
  Line line(4, 10);
  for (int i = 0; i < 4; ++i) line.Put(Make());
  EXPECT_EQ(Number(line.Take()), 4);
  EXPECT_EQ(Number(line.Steal()), 3);
  EXPECT_EQ(Number(line.Take()), 2);
  EXPECT_EQ(Number(line.Steal()), 1);
  EXPECT_EQ(Number(line.Steal()), kNone);
  EXPECT_EQ(Number(line.Take()), kNone);
  EXPECT_EQ(line.bytes_in_use(), 0);
}

TEST_F(TicketLineTest, AFullLineReleasesItsOldest) {
  Line line(3, 10);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(line.Put(Make()), 0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(line.Put(Make()), 1);
  EXPECT_THAT(Alive(), ElementsAre(5, 6, 7));
  EXPECT_EQ(Number(line.Take()), 7);
  EXPECT_EQ(Number(line.Take()), 6);
  EXPECT_EQ(Number(line.Take()), 5);
  EXPECT_EQ(Number(line.Take()), kNone);
}

TEST_F(TicketLineTest, AHoleThatAThiefHasLeftIsFilledBeforeAnythingIsReleased) {
  Line line(3, 10);
  for (int i = 0; i < 3; ++i) line.Put(Make());
  EXPECT_EQ(Number(line.Steal()), 3);
  EXPECT_EQ(Number(line.Steal()), 2);
  EXPECT_EQ(Number(line.Steal()), 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(line.Put(Make()), 0);
  EXPECT_THAT(Alive(), ElementsAre(4, 5, 6));
}

TEST_F(TicketLineTest, HolesAtTheTopAreFilledFirst) {
  Line line(4, 10);
  for (int i = 0; i < 3; ++i) line.Put(Make());
  EXPECT_EQ(Number(line.Steal()), 3);
  EXPECT_EQ(Number(line.Steal()), 2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(line.Put(Make()), 0);
  EXPECT_THAT(Alive(), ElementsAre(1, 4, 5, 6));
  EXPECT_EQ(Number(line.Take()), 6);
  EXPECT_EQ(Number(line.Steal()), 5);
}

TEST_F(TicketLineTest, ASingleSlotHoldsTheNewest) {
  Line line(1, 10);
  for (int i = 0; i < 3; ++i) line.Put(Make());
  EXPECT_THAT(Alive(), ElementsAre(3));
  EXPECT_EQ(Number(line.Take()), 3);
  line.Put(Make());
  EXPECT_EQ(Number(line.Steal()), 4);
}

TEST_F(TicketLineTest, BytesAreNeverMoreThanAllowed) {
  Line line(8, 10);
  for (int i = 0; i < 3; ++i) line.Put(Make(3));
  EXPECT_EQ(line.bytes_in_use(), 9);
  EXPECT_EQ(line.Put(Make(1)), 0);
  EXPECT_EQ(line.Put(Make(5)), 2);
  EXPECT_THAT(Alive(), ElementsAre(3, 4, 5));
  EXPECT_EQ(line.bytes_in_use(), 9);
}

TEST_F(TicketLineTest, WhatIsTooLargeByItselfIsReleasedAndCostsNothingElse) {
  Line line(8, 10);
  line.Put(Make(4));
  EXPECT_EQ(line.Put(Make(11)), 1);
  EXPECT_EQ(line.SetSpare(Make(11)), 0);
  EXPECT_THAT(Alive(), ElementsAre(1));
  EXPECT_EQ(line.Put(Make(10)), 1);
  EXPECT_THAT(Alive(), ElementsAre(4));
}

TEST_F(TicketLineTest, TheSpareCanBeCopiedAndItsBytesCount) {
  Line line(8, 10);
  for (int i = 0; i < 2; ++i) line.Put(Make(4));
  EXPECT_EQ(line.SetSpare(Make(6)), 1);
  EXPECT_EQ(line.bytes_in_use(), 10);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Number(line.CopySpare()), 3);
  EXPECT_THAT(Alive(), ElementsAre(2, 3));
  EXPECT_EQ(line.bytes_in_use(), 10);
}

TEST_F(TicketLineTest, ANewSpareNeedsNoRoomBesideTheOld) {
  Line line(8, 10);
  line.SetSpare(Make(8));
  line.Put(Make(1));
  EXPECT_EQ(line.SetSpare(Make(9)), 0);
  EXPECT_THAT(Alive(), ElementsAre(2, 3));
  EXPECT_EQ(Number(line.CopySpare()), 3);
}

TEST_F(TicketLineTest, TheSpareIsForgottenOnlyIfItIsTheOne) {
  Line line(8, 10);
  Thing* old = Make();
  Thing* current = Make();
  line.SetSpare(current);
  line.ForgetSpare(old);
  EXPECT_EQ(Number(line.CopySpare()), 2);
  line.ForgetSpare(current);
  EXPECT_EQ(Number(line.CopySpare()), kNone);
  EXPECT_EQ(line.bytes_in_use(), 0);
  EXPECT_EQ(current->references, 0);
}

TEST_F(TicketLineTest, WhatIsLeftIsReleasedWithTheLine) {
  {
    Line line(4, 10);
    for (int i = 0; i < 3; ++i) line.Put(Make());
    Thing* both = Make();
    ThingTraits::Retain(both);
    line.SetSpare(both);
    line.Put(both);
    EXPECT_THAT(Alive(), ElementsAre(1, 2, 3, 4));
  }
  EXPECT_THAT(Alive(), IsEmpty());
}

}  // namespace
}  // namespace sluice::tls
