#include "bench/load/stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "bench/load/pattern_table.h"

namespace sluice::bench {
namespace {

// A head, and the pattern in pieces.
constexpr size_t kPiecesMax = 2 + kIoBytes / kPatternPieceBytesMin;

}  // namespace

Progress ReceiveOnce(int fd, std::span<uint8_t> room, size_t* received) {
  *received = 0;
  const ssize_t n = recv(fd, room.data(), room.size(), 0);
  if (n == 0) return Progress::kEnded;
  if (n < 0) {
    return errno == EAGAIN || errno == EINTR ? Progress::kBlocked : Progress::kFailed;
  }
  *received = static_cast<size_t>(n);
  // With edge-triggered events a short read has taken everything: what comes later is a new event.
  return *received == room.size() ? Progress::kMore : Progress::kBlocked;
}

Progress PlainStream::Receive(Sink sink) {
  // All connections share it: everything in it is looked at before the next receive.
  static std::array<uint8_t, kIoBytes> buffer;
  size_t received = 0;
  const Progress progress = ReceiveOnce(fd_.get(), buffer, &received);
  if (received > 0 && !sink(std::span(buffer).first(received))) return Progress::kMore;
  return progress;
}

Progress PlainStream::Send(const Outgoing& outgoing, size_t* taken) {
  *taken = 0;
  std::array<iovec, kPiecesMax> pieces;
  size_t num_pieces = 0;
  size_t offered = 0;
  const auto add = [&](std::span<const uint8_t> bytes) {
    pieces[num_pieces++] = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
    offered += bytes.size();
  };
  if (!outgoing.head.empty()) add(outgoing.head);
  const uint64_t body_bytes = std::min<uint64_t>(outgoing.body_bytes, kIoBytes);
  for (uint64_t done = 0; done < body_bytes;) {
    const std::span<const uint8_t> piece = PatternAt(outgoing.body_position + done);
    const size_t piece_len = std::min<uint64_t>(piece.size(), body_bytes - done);
    add(piece.first(piece_len));
    done += piece_len;
  }
  if (offered == 0) return Progress::kMore;
  const msghdr message = {.msg_iov = pieces.data(), .msg_iovlen = num_pieces};
  const ssize_t n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  if (n < 0) {
    return errno == EAGAIN || errno == EINTR ? Progress::kBlocked : Progress::kFailed;
  }
  *taken = static_cast<size_t>(n);
  return *taken == offered ? Progress::kMore : Progress::kBlocked;
}

}  // namespace sluice::bench
