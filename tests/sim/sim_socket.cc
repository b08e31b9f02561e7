#include "tests/sim/sim_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::sim {

// --- Near ----------------------------------------------------------------------------------------

std::optional<int> SimSocket::Receive(std::span<uint8_t> room) {
  if (!arrived_.empty()) {
    const size_t n = std::min(room.size(), arrived_.size());
    std::memcpy(room.data(), arrived_.bytes().data(), n);
    arrived_.Pop(n);
    return static_cast<int>(n);
  }
  if (end_arrived_) return 0;  // tcp_recvmsg: SOCK_DONE comes before sk_err.
  if (error_ != 0) return -std::exchange(error_, 0);
  if (dead_) return 0;
  return std::nullopt;
}

std::optional<int> SimSocket::Send(std::span<const uint8_t> bytes) {
  if (write_shut_) sent_after_end_ = true;
  if (error_ != 0) return -std::exchange(error_, 0);
  if (dead_ || write_shut_) return -EPIPE;
  const size_t n = std::min(bytes.size(), sizes_.send_bytes - sent_.size());
  if (n == 0) return std::nullopt;
  sent_.Push(bytes.first(n));
  return static_cast<int>(n);
}

void SimSocket::Close(bool reset) {
  near_closed_ = true;
  write_shut_ = true;
  if (dead_) return;
  if (reset) {
    ResetFar();
  } else if (!arrived_.empty()) {
    reset_by_unread_ = true;
    ResetFar();
  }
}

void SimSocket::Die(int error) {
  if (dead_) return;
  error_ = error;
  dead_ = true;
  sent_.Clear();
}

void SimSocket::ResetFar() {
  dead_ = true;
  sent_.Clear();
  far_reset_ = !far_gone_;
}

// --- The way -------------------------------------------------------------------------------------

bool SimSocket::CanDeliver() const {
  if (dead_) return false;
  if (!sent_.empty()) return far_gone_ || far_closed_ || delivered_.size() < sizes_.far_bytes;
  return write_shut_ && !far_fin_;
}

bool SimSocket::Deliver(size_t n) {
  if (!CanDeliver()) return false;
  if (!sent_.empty() && far_closed_) {
    Die(end_arrived_ ? EPIPE : ECONNRESET);
    far_gone_ = true;
    return true;
  }
  n = std::min({n, sent_.size(), sizes_.far_bytes - delivered_.size()});
  delivered_.Push(sent_.bytes().first(n));
  sent_.Pop(n);
  if (sent_.empty() && write_shut_) far_fin_ = true;
  return true;
}

// --- Far -----------------------------------------------------------------------------------------

size_t SimSocket::FarWrite(std::span<const uint8_t> bytes) {
  if (far_gone_ || bytes.empty()) return 0;
  if (near_closed_) {
    // tcp_rcv_state_process: data after close(2) resets the connection.
    reset_by_unread_ = true;
    ResetFar();
    return bytes.size();
  }
  const size_t n = std::min(bytes.size(), sizes_.receive_bytes - arrived_.size());
  arrived_.Push(bytes.first(n));
  return n;
}

void SimSocket::FarShutdownWrite() {
  if (far_gone_) return;
  far_write_shut_ = true;
  end_arrived_ = true;
}

void SimSocket::FarClose() {
  if (far_gone_) return;
  if (!delivered_.empty()) return FarReset();
  FarShutdownWrite();
  far_closed_ = true;
}

void SimSocket::FarReset() {
  if (far_gone_) return;
  far_gone_ = true;
  Die(end_arrived_ ? EPIPE : ECONNRESET);  // tcp_reset: EPIPE in CLOSE_WAIT.
}

void SimSocket::FarVanish() {
  if (far_gone_) return;
  far_gone_ = true;
  Die(ETIMEDOUT);
}

}  // namespace sluice::sim
