// The operations a shard has the kernel do, and the token that names one operation in flight.
#ifndef SLUICE_ENGINE_OP_H_
#define SLUICE_ENGINE_OP_H_

#include <cstdint>

#include "engine/side.h"

namespace sluice::engine {

// What was asked of the kernel. Completions are dispatched on this.
enum class Op : uint8_t {
  // Never submitted: a completion with it means that a token was forgotten.
  kNone,
  // Multishot accept on a listening socket: one completion for each connection.
  kAccept,
  // Connect a socket to an upstream.
  kConnect,
  // Receive from one side of a connection.
  kRecv,
  // Send to one side of a connection.
  kSend,
  // Cancel another operation. That operation has a completion of its own, before or after this one.
  kCancel,
  // Close a descriptor. Only failures complete.
  kClose,
  // Another thread rang the shard's eventfd.
  kWake,
};

// Identifies one operation in flight: the kernel carries its 64 bits from submission to completion.
//
// `slot` is an index into a table of the shard (which one, `op` says). `generation` grows by one,
// modulo 2^24, each time the slot is given to something new, so that a completion for the slot's
// former owner is known as stale.
struct Token {
  static constexpr uint32_t kGenerationMask = 0xff'ffff;

  Op op = Op::kNone;
  Side side = Side::kClient;
  uint32_t generation = 0;  // 24 bits; higher ones are dropped.
  uint32_t slot = 0;

  // op:7 | side:1 | generation:24 | slot:32.
  uint64_t Pack() const {
    return uint64_t{static_cast<uint8_t>(op)} << 57 | uint64_t{static_cast<uint8_t>(side)} << 56 |
           uint64_t{generation & kGenerationMask} << 32 | slot;
  }
  static Token Unpack(uint64_t bits) {
    return {.op = static_cast<Op>(bits >> 57),
            .side = static_cast<Side>(bits >> 56 & 1),
            .generation = static_cast<uint32_t>(bits >> 32) & kGenerationMask,
            .slot = static_cast<uint32_t>(bits)};
  }
  bool operator==(const Token&) const = default;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_OP_H_
