#include "bench/limits/splice_relay.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/log/check.h"
#include "bench/limits/loopback.h"
#include "bench/limits/measure.h"

namespace sluice::bench {
namespace {

constexpr int kPipeBytes = 1024 * 1024;

}  // namespace

SpliceRelay::SpliceRelay(int cpu, const sockaddr_in& upstream) {
  engine::FileDescriptor listener = Listen();
  address_ = LocalAddress(listener.get());
  thread_ = std::thread([this, cpu, upstream, listener = std::move(listener)] {
    PinThread(cpu);
    Run(listener, upstream);
  });
  CHECK_EQ(pthread_getcpuclockid(thread_.native_handle(), &cpu_clock_), 0);
}

SpliceRelay::~SpliceRelay() { thread_.join(); }

void SpliceRelay::Run(const engine::FileDescriptor& listener, const sockaddr_in& upstream) {
  const engine::FileDescriptor client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  CHECK(client.valid());
  const engine::FileDescriptor sink = ConnectTo(upstream);
  int ends[2];
  CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
  const engine::FileDescriptor from(ends[0]), into(ends[1]);
  // As it is, where that is not allowed.
  (void)fcntl(into.get(), F_SETPIPE_SZ, kPipeBytes);
  for (;;) {
    ssize_t left = splice(client.get(), nullptr, into.get(), nullptr, kPipeBytes, SPLICE_F_MOVE);
    if (left <= 0) return;
    while (left > 0) {
      const ssize_t n = splice(from.get(), nullptr, sink.get(), nullptr, static_cast<size_t>(left),
                               SPLICE_F_MOVE);
      if (n <= 0) return;
      left -= n;
      num_bytes_.store(num_bytes() + n, std::memory_order_relaxed);
    }
  }
}

}  // namespace sluice::bench
