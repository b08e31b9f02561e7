// A TCP connection as Linux keeps it: sluice's socket at the near end, a peer's at the far end, and
// what is on the way between them.
//
// Near functions are the system calls that the simulated ring makes for sluice; far functions are
// those of the peer. Nothing blocks. Errors follow Linux 6.18: bytes that arrived before an RST
// stay readable, and the RST's error is told once, to whichever call asks first (sk_err); after
// that a receive says 0 and a send EPIPE.
#ifndef SLUICE_TESTS_SIM_SIM_SOCKET_H_
#define SLUICE_TESTS_SIM_SIM_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tests/sim/byte_queue.h"

namespace sluice::sim {

class SimSocket {
 public:
  struct Sizes {
    size_t receive_bytes = 64 * 1024;  // Near: arrived and not yet received.
    size_t send_bytes = 64 * 1024;     // Near: sent and not yet delivered.
    size_t far_bytes = 64 * 1024;      // Far: delivered and not yet read.
  };

  explicit SimSocket(const Sizes& sizes) : sizes_(sizes) {}
  SimSocket(const SimSocket&) = delete;
  SimSocket& operator=(const SimSocket&) = delete;

  // --- Near ---

  // Bytes, 0 for the end of the stream, or -errno. Nothing: it would have to wait.
  std::optional<int> Receive(std::span<uint8_t> room);
  // As many bytes as there is room for, or -errno. Nothing: it would have to wait.
  std::optional<int> Send(std::span<const uint8_t> bytes);
  bool CanReceive() const { return !arrived_.empty() || end_arrived_ || error_ != 0 || dead_; }
  bool CanSend() const {
    return error_ != 0 || dead_ || write_shut_ || sent_.size() < sizes_.send_bytes;
  }
  size_t num_arrived_bytes() const { return arrived_.size(); }
  // SIOCOUTQ: a FIN that is not delivered counts as a byte.
  int num_undelivered() const {
    return dead_ ? 0 : static_cast<int>(sent_.size()) + (write_shut_ && !far_fin_ ? 1 : 0);
  }
  void ShutdownWrite() { write_shut_ = true; }
  // close(2), with SO_LINGER {1, 0} if `reset`. With bytes unread it is an RST as well (tcp(7),
  // RFC 2525 2.17).
  void Close(bool reset);

  // --- The way ---

  // Carries up to `n` sent bytes to the far end, and what stands behind them. Whether that has
  // changed anything.
  bool Deliver(size_t n);
  bool CanDeliver() const;

  // --- Far ---

  bool connected() const { return connected_; }
  void Connect() { connected_ = true; }
  // Takes as many bytes as fit; those for a socket that is closed are swallowed, and answered with
  // an RST.
  size_t FarWrite(std::span<const uint8_t> bytes);
  bool FarCanWrite() const {
    return !far_gone_ && (near_closed_ || arrived_.size() < sizes_.receive_bytes);
  }
  void FarShutdownWrite();
  // close(2): FIN, or RST if bytes are unread. What comes later is answered with an RST.
  void FarClose();
  void FarReset();
  // Never answers again; the near kernel notices at once.
  void FarVanish();
  std::span<const uint8_t> far_readable() const { return delivered_.bytes(); }
  void FarRead(size_t n) { delivered_.Pop(n); }
  // What stands behind the readable bytes.
  bool far_saw_fin() const { return far_fin_; }
  bool far_saw_reset() const { return far_reset_; }
  // The far end has ended for good, in whatever way.
  bool far_gone() const { return far_gone_; }

  // --- What happened, for judging ---

  bool near_closed() const { return near_closed_; }
  // The near end was closed while the far end was still sending, so that the kernel made an RST
  // of it and may have thrown away bytes.
  bool reset_by_unread() const { return reset_by_unread_; }
  // Bytes were sent after the stream's end had been told.
  bool sent_after_end() const { return sent_after_end_; }

 private:
  // The near end gets an RST, or its like.
  void Die(int error);
  // The far end gets an RST; what was not delivered is lost.
  void ResetFar();

  const Sizes sizes_;
  bool connected_ = false;

  ByteQueue arrived_;
  bool end_arrived_ = false;  // FIN stands behind arrived_.
  int error_ = 0;             // sk_err.
  bool dead_ = false;         // Reset, by whoever.
  ByteQueue sent_;
  bool write_shut_ = false;
  bool near_closed_ = false;
  bool reset_by_unread_ = false;
  bool sent_after_end_ = false;

  ByteQueue delivered_;
  bool far_fin_ = false;
  bool far_reset_ = false;
  bool far_write_shut_ = false;
  bool far_closed_ = false;
  bool far_gone_ = false;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_SIM_SOCKET_H_
