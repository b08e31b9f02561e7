#include "bench/load/exchange.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "bench/load/pattern_table.h"

namespace sluice::bench {
namespace {

static_assert(std::endian::native == std::endian::little, "headers are copied as they lie");

constexpr uint32_t kMagic = 0x63756c73;  // "sluc"

struct WireHeader {
  uint32_t magic;
  uint32_t flags;
  uint64_t request_bytes;
  uint64_t response_bytes;
};
static_assert(sizeof(WireHeader) == kRequestHeaderBytes);

}  // namespace

HeaderBytes Encode(const RequestHeader& header) {
  return std::bit_cast<HeaderBytes>(WireHeader{.magic = kMagic,
                                               .flags = header.flags,
                                               .request_bytes = header.request_bytes,
                                               .response_bytes = header.response_bytes});
}

std::optional<RequestHeader> Decode(std::span<const uint8_t, kRequestHeaderBytes> bytes) {
  WireHeader wire;
  std::memcpy(&wire, bytes.data(), sizeof(wire));
  if (wire.magic != kMagic || (wire.flags & ~uint32_t{kRespondAtOnce}) != 0) return std::nullopt;
  return RequestHeader{.flags = wire.flags,
                       .request_bytes = wire.request_bytes,
                       .response_bytes = wire.response_bytes};
}

void BodySender::Begin(uint64_t body_bytes, std::optional<uint64_t> corrupt_at) {
  body_bytes_ = body_bytes;
  sent_bytes_ = 0;
  corrupt_at_ = corrupt_at.value_or(UINT64_MAX);
  corrupt_byte_ = static_cast<uint8_t>(~PatternAt(corrupt_at_)[0]);
}

Outgoing BodySender::Next() const {
  Outgoing next = {.body_position = sent_bytes_, .body_bytes = body_bytes_ - sent_bytes_};
  if (corrupt_at_ >= body_bytes_ || sent_bytes_ > corrupt_at_) return next;
  if (sent_bytes_ < corrupt_at_) {
    next.body_bytes = corrupt_at_ - sent_bytes_;
  } else {
    next.head = {&corrupt_byte_, 1};
    ++next.body_position;
    --next.body_bytes;
  }
  return next;
}

void BodyChecker::Begin(uint64_t body_bytes) {
  body_bytes_ = body_bytes;
  received_bytes_ = 0;
}

BodyChecker::Verdict BodyChecker::Take(std::span<const uint8_t> bytes) {
  if (bytes.size() > bytes_left()) return Verdict::kTooMany;
  const std::optional<size_t> mismatch = FirstMismatch(received_bytes_, bytes);
  received_bytes_ += mismatch.value_or(bytes.size());
  return mismatch.has_value() ? Verdict::kWrongByte : Verdict::kGood;
}

}  // namespace sluice::bench
