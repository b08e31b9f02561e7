// Blocking sockets with a bound in time, for the two ends of a proxied connection.
#ifndef SLUICE_TESTS_SUPPORT_SOCKET_H_
#define SLUICE_TESTS_SUPPORT_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace sluice::testing {

// How reading stopped.
enum class End : uint8_t {
  kStillOpen,  // All that was asked for has come.
  kFin,        // The peer has finished its direction.
  kReset,      // The peer has broken the connection off (RST).
  kPatience,   // Nothing came for longer than anything takes.
};

// Printable name, for failure messages.
std::ostream& operator<<(std::ostream& out, End end);

// Whether somebody listens on `address`, as Socket::Connect takes it.
bool CanConnect(std::string_view address);

// Owns a connected stream socket. Every call blocks for kPatience at most.
class Socket {
 public:
  // Connects to an address as the configuration writes it: "127.0.0.1:80", "[::1]:80",
  // "unix:/path". Aborts the test when that fails.
  static Socket Connect(std::string_view address);
  // The same from an address of ours, without its port: "127.0.0.7".
  static Socket ConnectFrom(std::string_view source, std::string_view address);

  explicit Socket(int fd);
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  int fd() const { return fd_; }

  // False when not all of it could be sent.
  bool Send(std::string_view bytes);
  // Returns `size` bytes, or fewer when the stream ended before; end() says how.
  std::string Receive(size_t size);
  // Returns all bytes up to the end of the stream.
  std::string ReceiveToEnd();
  // What the last Receive or ReceiveToEnd met.
  End end() const { return end_; }

  // The same with bytes of tools/pattern.h. False when not all of it could be sent.
  bool SendPattern(uint64_t seed, uint64_t size);
  // Reads up to `size` bytes and compares. Returns how many came right before the stream ended or
  // one was wrong.
  uint64_t ReceivePattern(uint64_t seed, uint64_t size);

  // Sends `size` bytes of pattern `send_seed` while it reads as many of `receive_seed`. False when
  // either could not be done to the last byte.
  bool ExchangePatterns(uint64_t send_seed, uint64_t receive_seed, uint64_t size);

  // Sends FIN; reading stays open.
  void ShutdownWrite();
  // Makes Close send RST instead of FIN, even when all bytes are read.
  void ResetOnClose();
  void Close();

 private:
  int fd_;
  End end_ = End::kStillOpen;
};

// Makes a listening socket on `address`; port 0 takes any free one. Aborts the test when that
// fails. The caller closes it.
int Listen(std::string_view address, int backlog);

// The address a socket is bound to, as the configuration writes it.
std::string LocalAddress(int fd);
// The address a socket is connected to, likewise.
std::string PeerAddress(int fd);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_SOCKET_H_
