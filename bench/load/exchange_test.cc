#include "bench/load/exchange.h"

#include <vector>

#include "bench/load/pattern_table.h"
#include "gtest/gtest.h"

namespace sluice::bench {
namespace {

TEST(RequestHeader, GoesThereAndBack) {
  const RequestHeader header = {
      .flags = kRespondAtOnce, .request_bytes = uint64_t{1} << 40, .response_bytes = 7};
  const std::optional<RequestHeader> decoded = Decode(Encode(header));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->flags, header.flags);
  EXPECT_EQ(decoded->request_bytes, header.request_bytes);
  EXPECT_EQ(decoded->response_bytes, header.response_bytes);
}

TEST(RequestHeader, IsLittleEndian) {
  const HeaderBytes bytes = Encode({.request_bytes = 0x0102030405060708, .response_bytes = 9});
  EXPECT_EQ(bytes[8], 8);
  EXPECT_EQ(bytes[15], 1);
  EXPECT_EQ(bytes[16], 9);
}

TEST(RequestHeader, OtherBytesAreRefused) {
  HeaderBytes bytes = Encode({});
  bytes[0] ^= 1;
  EXPECT_FALSE(Decode(bytes).has_value());
  bytes = Encode({.flags = 2});
  EXPECT_FALSE(Decode(bytes).has_value());
}

// What a sender sends, in steps of at most `step` bytes.
std::vector<uint8_t> Sent(BodySender sender, size_t step) {
  std::vector<uint8_t> sent;
  while (!sender.done()) {
    const Outgoing next = sender.Next();
    std::vector<uint8_t> bytes(next.head.begin(), next.head.end());
    const auto body = PatternAt(next.body_position);
    const size_t body_len = std::min<uint64_t>(next.body_bytes, body.size());
    bytes.insert(bytes.end(), body.begin(), body.begin() + static_cast<ptrdiff_t>(body_len));
    bytes.resize(std::min(bytes.size(), step));
    sent.insert(sent.end(), bytes.begin(), bytes.end());
    sender.Advance(bytes.size());
  }
  return sent;
}

TEST(Body, OfTheRightBytesIsGood) {
  BodySender sender;
  sender.Begin(100'000, std::nullopt);
  const std::vector<uint8_t> sent = Sent(sender, 777);
  ASSERT_EQ(sent.size(), 100'000u);
  BodyChecker checker;
  checker.Begin(100'000);
  const std::span<const uint8_t> bytes(sent);
  EXPECT_EQ(checker.Take(bytes.first(5)), BodyChecker::Verdict::kGood);
  EXPECT_FALSE(checker.done());
  EXPECT_EQ(checker.Take(bytes.subspan(5)), BodyChecker::Verdict::kGood);
  EXPECT_TRUE(checker.done());
  EXPECT_EQ(checker.Take(bytes.first(1)), BodyChecker::Verdict::kTooMany);
}

TEST(Body, OneWrongByteIsFoundWhereItStands) {
  for (const uint64_t corrupt_at : {0, 1, 776, 777, 778, 99'999}) {
    for (const size_t step : {777, 65537}) {
      BodySender sender;
      sender.Begin(100'000, corrupt_at);
      const std::vector<uint8_t> sent = Sent(sender, step);
      ASSERT_EQ(sent.size(), 100'000u);
      BodyChecker checker;
      checker.Begin(100'000);
      EXPECT_EQ(checker.Take(sent), BodyChecker::Verdict::kWrongByte);
      EXPECT_EQ(checker.position(), corrupt_at);
    }
  }
}

}  // namespace
}  // namespace sluice::bench
