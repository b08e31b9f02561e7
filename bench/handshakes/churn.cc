#include "bench/handshakes/churn.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/numbers.h"

namespace sluice::bench {
namespace {

// A connection that has heard nothing for this long never will.
constexpr int kPatienceMs = 30'000;

sockaddr_in ParseAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  CHECK(colon != std::string::npos) << address;
  int port = 0;
  CHECK(absl::SimpleAtoi(address.substr(colon + 1), &port)) << address;
  sockaddr_in result = {};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<uint16_t>(port));
  CHECK_EQ(inet_pton(AF_INET, address.substr(0, colon).c_str(), &result.sin_addr), 1) << address;
  return result;
}

class Client {
 public:
  Client(const sockaddr_in& address, std::string_view request, int response_bytes)
      : address_(address), request_(request), response_bytes_(response_bytes) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    CHECK_GE(epoll_, 0);
  }
  ~Client() { close(epoll_); }

  ChurnResult Run(int num_connections, int concurrency) {
    const auto began = std::chrono::steady_clock::now();
    ChurnResult result;
    int num_left = num_connections;
    int num_open = 0;
    // By descriptor: how many bytes of the response have come, or kConnecting.
    std::vector<int> received;
    std::vector<epoll_event> events(256);
    while (num_left > 0 || num_open > 0) {
      for (; num_left > 0 && num_open < concurrency; --num_left, ++num_open) {
        const size_t fd = static_cast<size_t>(Open());
        if (received.size() <= fd) received.resize(fd + 1);
        received[fd] = kConnecting;
      }
      const int num_events =
          epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kPatienceMs);
      CHECK(num_events > 0 || errno == EINTR) << "nothing has moved for " << kPatienceMs << " ms";
      for (int i = 0; i < num_events; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        const Progress progress = Advance(fd, &received[static_cast<size_t>(fd)]);
        if (progress == Progress::kMore) continue;
        ++(progress == Progress::kComplete ? result.num_completed : result.num_failed);
        close(fd);
        --num_open;
      }
    }
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return result;
  }

 private:
  static constexpr int kConnecting = -1;
  enum class Progress { kMore, kComplete, kFailed };

  int Open() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK_GE(fd, 0) << "socket(): too few descriptors?";
    CHECK(connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) == 0 ||
          errno == EINPROGRESS);
    epoll_event event = {.events = EPOLLOUT, .data = {.fd = fd}};
    CHECK_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), 0);
    return fd;
  }

  Progress Advance(int fd, int* received) {
    if (*received == kConnecting) {
      if (send(fd, request_.data(), request_.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request_.size())) {
        return Progress::kFailed;
      }
      *received = 0;
      epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
      CHECK_EQ(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event), 0);
      return Progress::kMore;
    }
    char buffer[16384];
    const ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Progress::kMore;
    if (n <= 0) return Progress::kFailed;
    *received += static_cast<int>(n);
    return *received >= response_bytes_ ? Progress::kComplete : Progress::kMore;
  }

  const sockaddr_in address_;
  const std::string_view request_;
  const int response_bytes_;
  int epoll_;
};

}  // namespace

ChurnResult Churn(const std::string& address, int num_connections, int concurrency,
                  std::string_view request, int response_bytes) {
  return Client(ParseAddress(address), request, response_bytes).Run(num_connections, concurrency);
}

}  // namespace sluice::bench
