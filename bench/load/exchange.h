// What goes over a connection: exchanges, one after another.
//
// The client sends a header and `request_bytes` of body; the upstream answers with `response_bytes`
// of body, once it has the whole request or, with kRespondAtOnce, as soon as it has the header.
// Both bodies are the pattern (pattern_table.h) from its start.
#ifndef SLUICE_BENCH_LOAD_EXCHANGE_H_
#define SLUICE_BENCH_LOAD_EXCHANGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bench/load/stream.h"

namespace sluice::bench {

inline constexpr size_t kRequestHeaderBytes = 24;

enum RequestFlags : uint32_t { kRespondAtOnce = 1 };

// On the wire, little endian: u32 magic, u32 flags, u64 request_bytes, u64 response_bytes.
struct RequestHeader {
  uint32_t flags = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
};

using HeaderBytes = std::array<uint8_t, kRequestHeaderBytes>;
HeaderBytes Encode(const RequestHeader& header);
// Nothing if these are not the bytes of a header.
std::optional<RequestHeader> Decode(std::span<const uint8_t, kRequestHeaderBytes> bytes);

// A body that is being sent.
class BodySender {
 public:
  // `corrupt_at`: the byte that is sent wrong, for tests. It may lie behind the end.
  void Begin(uint64_t body_bytes, std::optional<uint64_t> corrupt_at);

  bool done() const { return sent_bytes_ == body_bytes_; }
  // What goes next. Valid until the next call.
  Outgoing Next() const;
  // `num_bytes` of it, Outgoing::head included, have gone.
  void Advance(size_t num_bytes) { sent_bytes_ += num_bytes; }

 private:
  uint64_t body_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  uint64_t corrupt_at_ = UINT64_MAX;
  uint8_t corrupt_byte_ = 0;
};

// A body that comes in.
class BodyChecker {
 public:
  enum class Verdict { kGood, kWrongByte, kTooMany };

  void Begin(uint64_t body_bytes);

  bool done() const { return received_bytes_ == body_bytes_; }
  uint64_t bytes_left() const { return body_bytes_ - received_bytes_; }
  // Where the wrong byte stands after kWrongByte, and else how much has come.
  uint64_t position() const { return received_bytes_; }
  Verdict Take(std::span<const uint8_t> bytes);

 private:
  uint64_t body_bytes_ = 0;
  uint64_t received_bytes_ = 0;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_EXCHANGE_H_
