#include "engine/relay.h"

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "engine/limits.h"

namespace sluice::engine {

using tls::Ciphertext;
using tls::Outcome;

void Relay::SetLimits(size_t slab_bytes_max, SplicePipes* splice_pipes) {
  slab_bytes_max_ = std::max(slab_bytes_max, kSmallSlabBytes);
  splice_pipes_ = splice_pipes;
}

Relay::~Relay() {
  for (Pipe& pipe : pipes_) ReleaseSplice(pipe);
}

void Relay::StartClientTls(std::unique_ptr<tls::Session> session) {
  CHECK(!any_tls());
  Pipe& from_client = pipe_from(Side::kClient);
  std::swap(from_client.arrived, from_client.due);
  tls(Side::kClient).session = std::move(session);
  Process(Side::kClient, {});
}

void Relay::StartTls(std::unique_ptr<tls::Session> session, std::string_view preface) {
  CHECK(!speaks_tls(Side::kUpstream));
  Pipe& from_client = pipe_from(Side::kClient);
  // What came while there was no session waits in front of the sealing, not behind it.
  std::swap(from_client.plain, from_client.due);
  tls(Side::kUpstream).session = std::move(session);
  if (!preface.empty()) QueuePreface(preface);
  Handshake(Side::kUpstream, {});
}

void Relay::ForgetUpstream() {
  Pipe& from_client = pipe_from(Side::kClient);
  if (speaks_tls(Side::kUpstream)) {
    from_client.due.Discard();
    std::swap(from_client.plain, from_client.due);
  }
  from_client.dropped = false;
  // What is due to the client is of its own handshake: nothing has come from the upstream yet.
  Pipe& from_upstream = pipe_from(Side::kUpstream);
  from_upstream.arrived.Discard();
  from_upstream.hot_bytes = 0;
  from_upstream.ended = false;
  from_upstream.open_pending = false;
  tls(Side::kUpstream) = {};
  ReleaseIdle(from_client);
  ReleaseIdle(from_upstream);
}

RecvWish Relay::WishToReceive(Side source) {
  Pipe& pipe = pipe_from(source);
  if (pipe.ended || pipe.dropped || pipe.open_pending || tls_failed()) return {};
  if (Splices(pipe)) {
    // One thing at a time: what is here leaves first.
    if (pipe.splice == nullptr || pipe.splice->num_bytes() > 0) return {};
    return {.kind = RecvWish::Kind::kSplice};
  }
  Buffer& target = receive_target(source);
  // The start of a record, which the next receive completes.
  if (any_tls() && !target.pinned()) target.Compact();
  if (pipe.hot_bytes == 0) {
    const bool room_for_cold = target.empty() || target.num_room_bytes() >= kColdBufferBytes;
    return {.kind = room_for_cold ? RecvWish::Kind::kCold : RecvWish::Kind::kNone};
  }
  // The start of a record moves along into a larger slab.
  target.Reserve(pool_, std::min(pipe.hot_bytes, slab_bytes_max_), tls::kRecordWireBytesMax);
  // Of what arrives through TLS only the start of a record stays, and there is always room for the
  // rest of that.
  if (target.num_room_bytes() < (speaks_tls(source) ? 1 : kHotRoomBytesMin)) return {};
  target.set_receiving(true);
  return {.kind = RecvWish::Kind::kHot,
          .room = speaks_tls(source) ? target.room() : RoomFor(source),
          .paced = pipe.source_empty && pipe.run_bytes >= kBulkRunBytes};
}

std::span<uint8_t> Relay::RoomFor(Side source) {
  const std::span<uint8_t> room = plaintext_of(source).room();
  const bool preface_may_come =
      source == Side::kClient && !speaks_tls(Side::kUpstream) && bytes_.to_upstream == 0;
  return preface_may_come ? room.first(room.size() - std::min(room.size(), kPrefaceBytesMax))
                          : room;
}

bool Relay::Splices(Pipe& pipe) {
  const bool wanted = !any_tls() && splice_pipes_ != nullptr && pipe.hot_bytes > 0 &&
                      splice_pipes_->AreFor(pipe.run_bytes);
  if (pipe.splice != nullptr) {
    if (wanted || pipe.splice->num_bytes() > 0) return true;
    ReleaseSplice(pipe);
  }
  if (!wanted || !splice_pipes_->available()) return false;
  if (!pipe.due.empty()) return true;
  pipe.splice = splice_pipes_->Acquire();
  // There are no descriptors left for it: tried again after as many bytes as before.
  if (pipe.splice == nullptr) pipe.run_bytes = 0;
  return pipe.splice != nullptr;
}

void Relay::ReleaseSplice(Pipe& pipe) {
  if (pipe.splice != nullptr) splice_pipes_->Release(std::move(pipe.splice));
}

void Relay::OnColdBytes(Side source, std::span<uint8_t> bytes, bool nonempty) {
  if (bytes.size() == kColdBufferBytes || nonempty) {
    pipe_from(source).hot_bytes = kSlabClassBytes[1];
  }
  Process(source, bytes);
}

void Relay::OnHotBytes(Side source, size_t n, bool nonempty) {
  Pipe& pipe = pipe_from(source);
  Buffer& target = receive_target(source);
  const size_t room = target.num_room_bytes();
  target.Commit(n);
  target.set_receiving(false);
  if (n >= room - room / 4 || nonempty) {
    // More came than fits well: the next receive asks for the next larger slab.
    pipe.hot_bytes = std::min(pipe.hot_bytes * 4, kLargestSlabBytes);
  } else if (n < kColdBufferBytes) {
    pipe.hot_bytes = 0;
  }
  pipe.run_bytes = n >= kBulkReceiveBytesMin ? pipe.run_bytes + n : 0;
  pipe.source_empty = !nonempty;
  CountReceived(source, n);
  Process(source, {});
}

void Relay::OnFilled(Side source, size_t n) {
  Pipe& pipe = pipe_from(source);
  CountReceived(source, n);
  pipe.run_bytes += n;
  // One small piece may be chance, two in a row are the end of the bulk.
  const bool small = n < kColdBufferBytes;
  if (std::exchange(pipe.small_fill, small) && small) CoolDown(source);
  if (pipe.dropped) ReleaseSplice(pipe);
}

void Relay::OnEnded(Side source) {
  pipe_from(source).ended = true;
  Process(source, {});
}

std::span<const uint8_t> Relay::WishToSend(Side sink) const {
  const std::span<const uint8_t> due = pipe_to(sink).due.bytes();
  return due.first(std::min(due.size(), kSendBytesMax));
}

void Relay::OnSent(Side sink, size_t n) {
  Pipe& pipe = pipe_to(sink);
  pipe.due.set_sending(0);
  pipe.due.Consume(n);
  if (!speaks_tls(sink)) bytes_to(sink) += n;
  Process(Opposite(sink), {});
  // A flight that did not fit goes on when what was in the way has left.
  if (tls(sink).handshake_needs_room) Process(sink, {});
}

SplicePipe* Relay::WishToDrain(Side sink) const {
  SplicePipe* const splice = pipe_to(sink).splice.get();
  return splice != nullptr && splice->num_bytes() > 0 ? splice : nullptr;
}

void Relay::OnDrained(Side sink, size_t n) {
  bytes_to(sink) += n;
  bytes_.spliced += n;
  ReleaseIdle(pipe_to(sink));
}

void Relay::Drop(Side sink) {
  pipe_to(sink).dropped = true;
  Process(Opposite(sink), {});
}

bool Relay::drained(Side source) const {
  const Pipe& pipe = pipe_from(source);
  return (pipe.ended || pipe.dropped) && pipe.arrived.empty() && pipe.plain.empty() &&
         pipe.nothing_due() && !pipe.open_pending;
}

bool Relay::OnlyWaitsForMore(Side source) const {
  const Pipe& pipe = pipe_from(source);
  for (const Tls& peer : tls_) {
    if (peer.handshake_needs_room || peer.failed) return false;
  }
  return !pipe.ended && !pipe.dropped && !pipe.open_pending && pipe.splice == nullptr &&
         pipe.due.num_bytes() <= kAtOnceSendBytesMax && pipe.plain.empty();
}

void Relay::QueueCloseNotify(Side side) {
  Tls& peer = tls(side);
  if (peer.session == nullptr || !peer.handshake_done || peer.failed || peer.close_notify_queued) {
    return;
  }
  peer.close_notify_queued = true;
  uint8_t alert[kTlsAlertBytesMax];
  Ciphertext io{.output = alert};
  // Whatever comes of it, what it has written is all that can be sent.
  (void)peer.session->Shutdown(io);
  QueueAlert(side, {alert, io.produced});
}

void Relay::ConsumeClientBytes(size_t n) {
  Pipe& pipe = pipe_from(Side::kClient);
  pipe.due.Consume(n);
  // Otherwise a receive into the slab would hold the place where a preface goes.
  if (pipe.due.empty()) pipe.hot_bytes = 0;
  ReleaseIdle(pipe);
}

void Relay::QueuePreface(std::string_view preface) {
  Buffer& due = pipe_to(Side::kUpstream).due;
  due.Reserve(pool_, kSmallSlabBytes);
  due.Compact();
  due.Prepend({reinterpret_cast<const uint8_t*>(preface.data()), preface.size()});
  // With TLS only what is sealed is counted when it goes.
  if (speaks_tls(Side::kUpstream)) bytes_.to_upstream += preface.size();
}

size_t Relay::QueueForClient(std::span<const uint8_t> bytes) {
  if (speaks_tls(Side::kClient)) return Encrypt(Side::kUpstream, bytes);
  Buffer& due = pipe_to(Side::kClient).due;
  due.Reserve(pool_, bytes.size());
  bytes = bytes.first(std::min(bytes.size(), due.num_room_bytes()));
  due.Append(bytes);
  return bytes.size();
}

void Relay::CountReceived(Side source, size_t n) {
  // With TLS, what is opened is counted.
  if (!speaks_tls(source)) bytes_from(source) += n;
}

void Relay::Process(Side source, std::span<uint8_t> lent) {
  Pipe& pipe = pipe_from(source);
  CountReceived(source, lent.size());
  if (speaks_tls(source)) {
    if (!pipe.arrived.empty()) {
      pipe.arrived.Append(lent);
      pipe.arrived.Consume(Decrypt(source, pipe.arrived.mutable_bytes()));
    } else {
      const std::span<const uint8_t> rest = lent.subspan(Decrypt(source, lent));
      if (!rest.empty()) {
        pipe.arrived.Reserve(pool_, rest.size());
        pipe.arrived.Append(rest);
      }
    }
    lent = {};
    // A record that will never be whole.
    if (pipe.ended && !pipe.open_pending) pipe.arrived.Discard();
  }
  if (!speaks_tls(Opposite(source))) {
    if (!lent.empty() && !pipe.dropped) {
      pipe.due.Reserve(pool_, lent.size());
      pipe.due.Append(lent);
    }
  } else if (!pipe.plain.empty()) {
    pipe.plain.Append(lent);
    pipe.plain.Consume(Encrypt(source, pipe.plain.bytes()));
  } else {
    const std::span<const uint8_t> rest = lent.subspan(Encrypt(source, lent));
    if (!rest.empty()) {
      pipe.plain.Reserve(pool_, rest.size());
      pipe.plain.Append(rest);
    }
  }
  if (pipe.dropped) {
    pipe.arrived.Discard();
    pipe.plain.Discard();
    pipe.due.Discard();
    ReleaseSplice(pipe);
    pipe.open_pending = false;
  }
  ReleaseIdle(pipe);
}

size_t Relay::Decrypt(Side source, std::span<uint8_t> input) {
  const Tls& peer = tls(source);
  if (peer.failed) return input.size();
  return peer.handshake_done ? Open(source, input) : Handshake(source, input);
}

size_t Relay::Handshake(Side side, std::span<uint8_t> input) {
  Tls& peer = tls(side);
  Buffer& due = pipe_to(side).due;
  due.Reserve(pool_, kSmallSlabBytes);
  Ciphertext io{.input = input, .output = due.room()};
  const Outcome outcome = peer.session->Handshake(io);
  due.Commit(io.produced);
  peer.handshake_needs_room = outcome == Outcome::kNeedOutput;
  switch (outcome) {
    case Outcome::kDone:
      peer.handshake_done = true;
      // Bytes of the peer may stand behind its last handshake record. What has come for it
      // meanwhile is sealed in the same turn, so that it leaves together with our Finished.
      io.consumed += Open(side, input.subspan(io.consumed));
      Process(Opposite(side), {});
      break;
    case Outcome::kClosed:
    case Outcome::kFailed:
      FailTls(side);
      return input.size();
    case Outcome::kNeedInput:
    case Outcome::kNeedOutput:
    case Outcome::kNeedPlaintextRoom:
      break;
  }
  return io.consumed;
}

size_t Relay::Encrypt(Side source, std::span<const uint8_t> input) {
  const Side sink = Opposite(source);
  const Tls& peer = tls(sink);
  // What the client has sent waits for the handshake, perhaps with another upstream.
  if (!peer.handshake_done) return 0;
  // After close_notify nothing may be sent (RFC 8446 6.1).
  if (peer.failed || peer.close_notify_queued || pipe_from(source).dropped) return input.size();
  return Seal(sink, input);
}

size_t Relay::Seal(Side sink, std::span<const uint8_t> input) {
  Buffer& due = pipe_to(sink).due;
  size_t used = 0;
  while (used < input.size()) {
    const size_t left = input.size() - used;
    const size_t num_records = left / tls::kRecordPlaintextBytesMax + 1;
    due.Reserve(pool_,
                std::min(left + num_records * tls::kRecordOverheadBytesMax, slab_bytes_max_));
    // A record is sealed whole or not yet: short ones cost as much as long ones.
    if (due.num_room_bytes() <
        std::min(left, tls::kRecordPlaintextBytesMax) + tls::kRecordOverheadBytesMax) {
      break;
    }
    Ciphertext io{.output = due.room()};
    size_t sealed = 0;
    const Outcome outcome = tls(sink).session->Seal(io, input.subspan(used), &sealed);
    due.Commit(io.produced);
    used += sealed;
    bytes_to(sink) += sealed;
    if (outcome == Outcome::kFailed) {
      FailTls(sink);
      return input.size();
    }
    if (outcome == Outcome::kDone || io.produced == 0) break;
  }
  return used;
}

size_t Relay::Open(Side source, std::span<uint8_t> input) {
  Pipe& pipe = pipe_from(source);
  // Where the start of a record has been dropped, the rest of it must not be taken for a record.
  if (pipe.dropped) return input.size();
  if (input.empty() && !pipe.open_pending) return 0;
  Buffer& target = plaintext_of(source);
  size_t used = 0;
  for (;;) {
    target.Reserve(pool_, std::min(input.size() - used, slab_bytes_max_));
    // A record that fits is opened without a detour: when what is in front has left, it will.
    const size_t record_bytes = std::min(input.size() - used, tls::kRecordWireBytesMax);
    const size_t room_bytes_min = target.empty() ? 1 : std::max<size_t>(record_bytes, 1);
    const std::span<uint8_t> room = RoomFor(source);
    if (room.size() < room_bytes_min) {
      pipe.open_pending = true;
      return used;
    }
    uint8_t alert[kTlsAlertBytesMax];
    Ciphertext io{.input = input.subspan(used), .output = alert};
    size_t opened = 0;
    const Outcome outcome = tls(source).session->Open(io, room, &opened);
    target.Commit(opened);
    bytes_from(source) += opened;
    used += io.consumed;
    QueueAlert(source, {alert, io.produced});
    switch (outcome) {
      case Outcome::kNeedPlaintextRoom:
        pipe.open_pending = true;
        continue;
      case Outcome::kDone:
      case Outcome::kNeedInput:
      case Outcome::kNeedOutput:
        pipe.open_pending = false;
        return used;
      case Outcome::kClosed:
        // Whatever stands behind a close_notify is not data (RFC 8446 6.1).
        pipe.open_pending = false;
        pipe.ended = true;
        tls(source).closed = true;
        return input.size();
      case Outcome::kFailed:
        FailTls(source);
        return input.size();
    }
  }
}

void Relay::FailTls(Side side) {
  tls(side).failed = true;
  pipe_from(side).open_pending = false;
  pipe_from(side).ended = true;
}

void Relay::QueueAlert(Side side, std::span<const uint8_t> alert) {
  if (alert.empty()) return;
  Buffer& due = pipe_to(side).due;
  due.Reserve(pool_, kSmallSlabBytes);
  // Where so much waits already, the peer is not reading, and an alert would not reach it.
  if (due.num_room_bytes() >= alert.size()) due.Append(alert);
}

void Relay::ReleaseIdle(Pipe& pipe) {
  pipe.arrived.ReleaseIfIdle();
  pipe.plain.ReleaseIfIdle();
  pipe.due.ReleaseIfIdle();
  if (pipe.ended && pipe.nothing_due()) ReleaseSplice(pipe);
}

}  // namespace sluice::engine
