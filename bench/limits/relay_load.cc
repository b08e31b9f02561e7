#include "bench/limits/relay_load.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "bench/handshakes/churn.h"
#include "bench/limits/loopback.h"
#include "bench/limits/measure.h"

namespace sluice::bench {
namespace {

using engine::FileDescriptor;

constexpr size_t kBulkSendBytes = 512 * 1024;
constexpr size_t kSinkBytes = 4 * 1024 * 1024;
constexpr size_t kEchoBytesMax = 4096;
// How soon the end is noticed.
constexpr int kStopCheckMs = 20;
// Connections of one call of Churn, which is when the end is noticed.
constexpr int kChurnStep = 100;

// epoll, level-triggered, with what it waits for in it.
class Poller {
 public:
  Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { CHECK(epoll_.valid()); }

  void Add(int fd) {
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    CHECK_EQ(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), 0);
  }

  template <typename Handler>
  void Wait(Handler&& handle) {
    std::array<epoll_event, 128> events;
    const int num_events = epoll_wait(epoll_.get(), events.data(), events.size(), kStopCheckMs);
    CHECK(num_events >= 0 || errno == EINTR);
    for (int i = 0; i < num_events; ++i) handle(events[static_cast<size_t>(i)].data.fd);
  }

 private:
  FileDescriptor epoll_;
};

void SendMessage(int fd, const uint8_t* bytes, size_t num_bytes) {
  CHECK_EQ(send(fd, bytes, num_bytes, MSG_NOSIGNAL), static_cast<ssize_t>(num_bytes));
}

}  // namespace

UpstreamServer::UpstreamServer(Kind kind, int cpu) {
  FileDescriptor listener = Listen();
  address_ = LocalAddress(listener.get());
  thread_ = std::thread([this, kind, cpu, listener = std::move(listener)] {
    PinThread(cpu);
    Run(kind, listener.get());
  });
}

UpstreamServer::~UpstreamServer() {
  stop_ = true;
  thread_.join();
}

void UpstreamServer::Run(Kind kind, int listener) {
  Poller poller;
  poller.Add(listener);
  std::map<int, FileDescriptor> connections;
  std::array<uint8_t, kEchoBytesMax> buffer;
  while (!stop_) {
    poller.Wait([&](int fd) {
      if (fd == listener) {
        FileDescriptor accepted(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
        if (!accepted.valid()) return;
        const int connection = accepted.get();
        SetNoDelay(connection);
        poller.Add(connection);
        connections[connection] = std::move(accepted);
        return;
      }
      // tcp(7): MSG_TRUNC throws the bytes away.
      const ssize_t num_bytes = kind == Kind::kSink
                                    ? recv(fd, nullptr, kSinkBytes, MSG_TRUNC | MSG_DONTWAIT)
                                    : recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (num_bytes < 0 && errno == EAGAIN) return;
      if (num_bytes <= 0) {
        connections.erase(fd);
      } else if (kind == Kind::kEcho) {
        SendMessage(fd, buffer.data(), static_cast<size_t>(num_bytes));
      }
    });
  }
}

BulkClients::BulkClients(const sockaddr_in& address, int num_connections, int cpu) {
  for (int i = 0; i < num_connections; ++i) {
    threads_.emplace_back([this, address, cpu] {
      PinThread(cpu);
      const FileDescriptor connection = ConnectTo(address);
      const std::vector<uint8_t> bytes(kBulkSendBytes, 'x');
      while (!stop_) SendMessage(connection.get(), bytes.data(), bytes.size());
    });
  }
}

BulkClients::~BulkClients() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
}

EchoClients::EchoClients(const sockaddr_in& address, int num_connections, size_t message_bytes,
                         int cpu) {
  for (int i = 0; i < num_connections; ++i) connections_.push_back(ConnectTo(address));
  thread_ = std::thread([this, message_bytes, cpu] {
    PinThread(cpu);
    Run(message_bytes);
  });
}

EchoClients::~EchoClients() {
  stop_ = true;
  thread_.join();
}

void EchoClients::Run(size_t message_bytes) {
  Poller poller;
  std::vector<uint8_t> message(message_bytes, 'x');
  for (const FileDescriptor& connection : connections_) {
    poller.Add(connection.get());
    SendMessage(connection.get(), message.data(), message.size());
  }
  while (!stop_) {
    poller.Wait([&](int fd) {
      CHECK_EQ(recv(fd, message.data(), message.size(), MSG_WAITALL),
               static_cast<ssize_t>(message.size()));
      SendMessage(fd, message.data(), message.size());
    });
  }
  // Nothing may be on the way when a connection is closed.
  for (const FileDescriptor& connection : connections_) {
    CHECK_EQ(recv(connection.get(), message.data(), message.size(), MSG_WAITALL),
             static_cast<ssize_t>(message.size()));
  }
  connections_.clear();
}

ChurnClients::ChurnClients(const sockaddr_in& address, int concurrency, size_t message_bytes,
                           int cpu) {
  thread_ = std::thread([=, this] {
    PinThread(cpu);
    const std::string text = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    const std::string message(message_bytes, 'x');
    while (!stop_) {
      const ChurnResult result =
          Churn(text, kChurnStep, concurrency, message, static_cast<int>(message_bytes));
      CHECK_EQ(result.num_failed, 0);
    }
  });
}

ChurnClients::~ChurnClients() {
  stop_ = true;
  thread_.join();
}

}  // namespace sluice::bench
