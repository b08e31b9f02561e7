#include "engine/op.h"

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

TEST(TokenTest, EveryFieldSurvivesPacking) {
  for (Op op : {Op::kNone, Op::kAccept, Op::kConnect, Op::kRecv, Op::kSend, Op::kCancel, Op::kClose,
                Op::kWake}) {
    for (Side side : {Side::kClient, Side::kUpstream}) {
      for (uint32_t generation : {0u, 1u, 0xff'ffffu}) {
        for (uint32_t slot : {0u, 1u, 0xffff'ffffu}) {
          const Token token = {op, side, generation, slot};
          EXPECT_EQ(Token::Unpack(token.Pack()), token);
        }
      }
    }
  }
}

TEST(TokenTest, GenerationWrapsWithoutTouchingTheOtherFields) {
  const Token token = {Op::kSend, Side::kClient, Token::kGenerationMask + 1, 7};
  EXPECT_EQ(Token::Unpack(token.Pack()), (Token{Op::kSend, Side::kClient, 0, 7}));
}

TEST(TokenTest, SidesOfOneSlotDiffer) {
  EXPECT_NE((Token{Op::kRecv, Side::kClient, 3, 7}.Pack()),
            (Token{Op::kRecv, Side::kUpstream, 3, 7}.Pack()));
}

}  // namespace
}  // namespace sluice::engine
