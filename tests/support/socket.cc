#include "tests/support/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/support/deadline.h"
#include "tools/pattern.h"

namespace sluice::testing {
namespace {

constexpr size_t kBlockBytes = 65536;

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t len = sizeof(storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ParseAddress(std::string_view text) {
  SocketAddress parsed;
  std::string_view path = text;
  if (absl::ConsumePrefix(&path, "unix:")) {
    auto* const local = reinterpret_cast<sockaddr_un*>(&parsed.storage);
    CHECK_LT(path.size(), sizeof(local->sun_path)) << path;
    local->sun_family = AF_UNIX;
    std::memcpy(local->sun_path, path.data(), path.size());
    parsed.len = sizeof(*local);
    return parsed;
  }
  const size_t colon = text.rfind(':');
  CHECK_NE(colon, text.npos) << text;
  std::string host(text.substr(0, colon));
  int port = -1;
  CHECK(absl::SimpleAtoi(text.substr(colon + 1), &port)) << text;
  if (host.starts_with('[')) {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    host = host.substr(1, host.size() - 2);
    CHECK_EQ(inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr), 1) << text;
    parsed.len = sizeof(*v6);
  } else {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&parsed.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    CHECK_EQ(inet_pton(AF_INET, host.c_str(), &v4->sin_addr), 1) << text;
    parsed.len = sizeof(*v4);
  }
  return parsed;
}

std::string AddressText(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> host;
  switch (address.storage.ss_family) {
    case AF_INET: {
      const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
      inet_ntop(AF_INET, &v4->sin_addr, host.data(), host.size());
      return absl::StrCat(host.data(), ":", ntohs(v4->sin_port));
    }
    case AF_INET6: {
      const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
      inet_ntop(AF_INET6, &v6->sin6_addr, host.data(), host.size());
      return absl::StrCat("[", host.data(), "]:", ntohs(v6->sin6_port));
    }
    default:
      return absl::StrCat("unix:",
                          reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path);
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, End end) {
  switch (end) {
    case End::kStillOpen:
      return out << "still open";
    case End::kFin:
      return out << "FIN";
    case End::kReset:
      return out << "RST";
    case End::kPatience:
      return out << "out of patience";
  }
  return out;
}

bool CanConnect(std::string_view address) {
  SocketAddress peer = ParseAddress(address);
  Socket socket(::socket(peer.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(socket.fd(), peer.get(), peer.len) == 0;
}

Socket Socket::Connect(std::string_view address) {
  SocketAddress peer = ParseAddress(address);
  const int fd = ::socket(peer.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Before there is a timeout: with one, connect() ends with EINTR where it would be restarted.
  PCHECK(connect(fd, peer.get(), peer.len) == 0) << address;
  return Socket(fd);
}

Socket Socket::ConnectFrom(std::string_view source, std::string_view address) {
  SocketAddress own = ParseAddress(absl::StrCat(source, ":0"));
  SocketAddress peer = ParseAddress(address);
  const int fd = ::socket(peer.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  PCHECK(bind(fd, own.get(), own.len) == 0) << source;
  PCHECK(connect(fd, peer.get(), peer.len) == 0) << address;
  return Socket(fd);
}

Socket::Socket(int fd) : fd_(fd) {
  PCHECK(fd_ >= 0);
  const timeval patience = {.tv_sec = kPatience.count(), .tv_usec = 0};
  PCHECK(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
  PCHECK(setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0);
}

Socket::~Socket() { Close(); }

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), end_(other.end_) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(end_, other.end_);
  return *this;
}

bool Socket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = TEMP_FAILURE_RETRY(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (sent < 0) {
      return false;
    }
    bytes.remove_prefix(sent);
  }
  return true;
}

std::string Socket::Receive(size_t size) {
  std::string bytes;
  std::vector<char> buffer(std::min(size, kBlockBytes));
  while (bytes.size() < size) {
    // A socket with a timeout is not restarted by the kernel (signal(7)).
    const ssize_t received =
        TEMP_FAILURE_RETRY(recv(fd_, buffer.data(), std::min(size - bytes.size(), kBlockBytes), 0));
    if (received <= 0) {
      end_ = received == 0 ? End::kFin : errno == EAGAIN ? End::kPatience : End::kReset;
      return bytes;
    }
    bytes.append(buffer.data(), received);
  }
  end_ = End::kStillOpen;
  return bytes;
}

std::string Socket::ReceiveToEnd() { return Receive(std::string().max_size()); }

bool Socket::SendPattern(uint64_t seed, uint64_t size) {
  std::string block;
  for (uint64_t offset = 0; offset < size; offset += block.size()) {
    block.resize(std::min<uint64_t>(kBlockBytes, size - offset));
    tools::FillPattern(seed, offset, {reinterpret_cast<uint8_t*>(block.data()), block.size()});
    if (!Send(block)) {
      return false;
    }
  }
  return true;
}

uint64_t Socket::ReceivePattern(uint64_t seed, uint64_t size) {
  for (uint64_t offset = 0; offset < size;) {
    const std::string block = Receive(std::min<uint64_t>(kBlockBytes, size - offset));
    const auto mismatch = tools::FirstPatternMismatch(
        seed, offset, {reinterpret_cast<const uint8_t*>(block.data()), block.size()});
    if (mismatch.has_value()) {
      return offset + *mismatch;
    }
    offset += block.size();
    if (end_ != End::kStillOpen) {
      return offset;
    }
  }
  return size;
}

bool Socket::ExchangePatterns(uint64_t send_seed, uint64_t receive_seed, uint64_t size) {
  bool sent = false;
  std::thread sender([&] { sent = SendPattern(send_seed, size); });
  const bool received = ReceivePattern(receive_seed, size) == size;
  if (!received) {
    shutdown(fd_, SHUT_WR);  // Lets the sender fail now and not when patience ends.
  }
  sender.join();
  return sent && received;
}

void Socket::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

void Socket::ResetOnClose() {
  const linger abort = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

void Socket::Close() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
}

int Listen(std::string_view address, int backlog) {
  SocketAddress local = ParseAddress(address);
  const int fd = socket(local.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  PCHECK(fd >= 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  PCHECK(bind(fd, local.get(), local.len) == 0) << address;
  PCHECK(listen(fd, backlog) == 0) << address;
  return fd;
}

std::string LocalAddress(int fd) {
  SocketAddress local;
  PCHECK(getsockname(fd, local.get(), &local.len) == 0);
  return AddressText(local);
}

std::string PeerAddress(int fd) {
  SocketAddress peer;
  PCHECK(getpeername(fd, peer.get(), &peer.len) == 0);
  return AddressText(peer);
}

}  // namespace sluice::testing
