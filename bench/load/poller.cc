#include "bench/load/poller.h"

#include <sys/prctl.h>
#include <time.h>

#include "absl/log/check.h"

namespace sluice::bench {

int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  PCHECK(epoll_.valid());
  // Otherwise the kernel lets timeouts pass by 50 us, which would look like latency.
  prctl(PR_SET_TIMERSLACK, 1);
}

bool Poller::Add(int fd, uint64_t id) {
  epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = id}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

std::span<const epoll_event> Poller::Wait(int64_t timeout_ns) {
  const timespec timeout = {.tv_sec = timeout_ns / 1'000'000'000,
                            .tv_nsec = timeout_ns % 1'000'000'000};
  const int num_events =
      epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                   timeout_ns < 0 ? nullptr : &timeout, nullptr);
  return std::span(events_).first(num_events < 0 ? 0 : static_cast<size_t>(num_events));
}

}  // namespace sluice::bench
