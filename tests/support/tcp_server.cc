#include "tests/support/tcp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/log/check.h"

namespace sluice::testing {
namespace {

constexpr int kBacklog = 4096;

}  // namespace

TcpServer::TcpServer(Handler handler, std::string_view address)
    : handler_(std::move(handler)),
      listener_(Listen(address, kBacklog)),
      address_(LocalAddress(listener_)),
      acceptor_(&TcpServer::AcceptAll, this) {}

TcpServer::~TcpServer() {
  shutdown(listener_, SHUT_RDWR);  // accept() returns with EINVAL.
  acceptor_.join();
  close(listener_);
  {
    std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
      if (!connection.finished) {
        shutdown(connection.socket.fd(), SHUT_RDWR);
      }
    }
  }
  for (Connection& connection : connections_) {
    connection.thread.join();
  }
}

void TcpServer::AcceptAll() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      PCHECK(errno == EINVAL) << "accept";
      return;
    }
    ++num_accepted_;
    std::lock_guard lock(mutex_);
    connections_.remove_if([](Connection& connection) {
      if (connection.finished) {
        connection.thread.join();
      }
      return connection.finished;
    });
    Connection& connection = connections_.emplace_back(fd);
    connection.thread = std::thread(&TcpServer::Serve, this, std::ref(connection));
  }
}

void TcpServer::Serve(Connection& connection) {
  handler_(connection.socket);
  // Under the lock, so that the destructor never shuts down a number that is used again.
  std::lock_guard lock(mutex_);
  connection.socket.Close();
  connection.finished = true;
}

void Echo(Socket& socket) {
  std::array<char, 65536> buffer;
  ssize_t received;
  while ((received = TEMP_FAILURE_RETRY(recv(socket.fd(), buffer.data(), buffer.size(), 0))) > 0) {
    if (!socket.Send({buffer.data(), static_cast<size_t>(received)})) {
      return;
    }
  }
}

void Sink(Socket& socket) {
  std::array<char, 65536> buffer;
  while (TEMP_FAILURE_RETRY(recv(socket.fd(), buffer.data(), buffer.size(), 0)) > 0) {
  }
}

TcpServer::Handler Greet(std::string greeting) {
  return [greeting = std::move(greeting)](Socket& socket) {
    socket.Send(greeting);
    socket.ShutdownWrite();
    socket.ReceiveToEnd();
  };
}

BlackHole::BlackHole()
    : listener_(Listen("127.0.0.1:0", /*backlog=*/0)), address_(LocalAddress(listener_)) {
  // A backlog of 0 has room for one; the second finds the queue full and stays half-open.
  sockaddr_in peer = {};
  socklen_t peer_len = sizeof(peer);
  PCHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&peer), &peer_len) == 0);
  for (int i = 0; i < 2; ++i) {
    queued_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int result =
        connect(queued_.back().fd(), reinterpret_cast<const sockaddr*>(&peer), peer_len);
    PCHECK(result == 0 || errno == EINPROGRESS);
  }
  pollfd first = {.fd = queued_.front().fd(), .events = POLLOUT};
  PCHECK(poll(&first, 1, -1) == 1);
}

BlackHole::~BlackHole() { close(listener_); }

}  // namespace sluice::testing
