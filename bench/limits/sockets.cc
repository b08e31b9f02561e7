#include "bench/limits/sockets.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "bench/limits/loopback.h"
#include "engine/file_descriptor.h"

namespace sluice::bench {
namespace {

constexpr size_t kTurnBytesMax = 64 * 1024;
constexpr int kTurnCallsMax = 64;

enum class Direction { kRecv, kSend };

void ReceiveAll(int fd, std::vector<uint8_t>& room) {
  CHECK_EQ(recv(fd, room.data(), room.size(), MSG_WAITALL), static_cast<ssize_t>(room.size()));
}

void SendAll(int fd, const std::vector<uint8_t>& bytes) {
  CHECK_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

// Does the other half of every turn, on a CPU of its own, when told.
class Peer {
 public:
  Peer(int fd, int cpu, Direction direction, size_t bytes, int calls_per_turn)
      : thread_([=, this] {
          PinThread(cpu);
          std::vector<uint8_t> buffer(bytes, 'x');
          for (int64_t done = 0;;) {
            while (done == num_wanted_.load(std::memory_order_acquire)) {
              if (stop_.load(std::memory_order_relaxed)) return;
              std::this_thread::yield();
            }
            for (int i = 0; i < calls_per_turn; ++i) {
              direction == Direction::kRecv ? SendAll(fd, buffer) : ReceiveAll(fd, buffer);
            }
            num_done_.store(++done, std::memory_order_release);
          }
        }) {}
  ~Peer() {
    stop_ = true;
    thread_.join();
  }

  void Begin() { num_wanted_.fetch_add(1, std::memory_order_release); }
  void AwaitEnd() const {
    while (num_done_.load(std::memory_order_acquire) != num_wanted_) std::this_thread::yield();
  }

 private:
  std::atomic<int64_t> num_wanted_ = 0;
  std::atomic<int64_t> num_done_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;  // Last: it uses the others.
};

void AwaitArrival(int fd, int bytes) {
  for (int arrived = 0; arrived < bytes; std::this_thread::yield()) {
    CHECK_EQ(ioctl(fd, FIONREAD, &arrived), 0);
  }
}

double NsPerSocketCall(const MeasureOptions& options, Direction direction, size_t bytes) {
  using Clock = std::chrono::steady_clock;
  const engine::FileDescriptor listener = Listen();
  const engine::FileDescriptor ours = ConnectTo(LocalAddress(listener.get()));
  const engine::FileDescriptor theirs(accept(listener.get(), nullptr, nullptr));
  CHECK(theirs.valid());
  SetNoDelay(theirs.get());

  const bool by_turns = bytes <= kTurnBytesMax;
  const int calls_per_turn =
      by_turns ? std::min(kTurnCallsMax, static_cast<int>(kTurnBytesMax / bytes)) : 1;
  Peer peer(theirs.get(), options.peer_cpu, direction, bytes, calls_per_turn);
  std::vector<uint8_t> buffer(bytes, 'x');

  // CPU time of one turn's calls.
  const auto turn = [&] {
    if (direction == Direction::kRecv || !by_turns) peer.Begin();
    if (direction == Direction::kRecv && by_turns) {
      peer.AwaitEnd();
      AwaitArrival(ours.get(), calls_per_turn * static_cast<int>(bytes));
    }
    const int64_t began_ns = ThreadCpuNs();
    for (int i = 0; i < calls_per_turn; ++i) {
      direction == Direction::kRecv ? ReceiveAll(ours.get(), buffer) : SendAll(ours.get(), buffer);
    }
    const int64_t used_ns = ThreadCpuNs() - began_ns;
    if (direction == Direction::kSend && by_turns) peer.Begin();
    peer.AwaitEnd();
    return used_ns;
  };
  // The first slice opens the windows and is forgotten.
  std::vector<double> slices;
  for (int i = 0; i <= kNumSlices; ++i) {
    const auto end = Clock::now() + std::chrono::duration<double>(options.seconds / kNumSlices);
    int64_t used_ns = 0;
    int64_t num_calls = 0;
    while (Clock::now() < end || num_calls == 0) {
      used_ns += turn();
      num_calls += calls_per_turn;
    }
    if (i > 0) slices.push_back(static_cast<double>(used_ns) / static_cast<double>(num_calls));
  }
  return Median(std::move(slices));
}

}  // namespace

Figures MeasureSockets(const MeasureOptions& options) {
  Figures figures;
  for (const size_t bytes : {64, 1024, 16 * 1024, 128 * 1024, 512 * 1024}) {
    figures.push_back({absl::StrCat("recv_", bytes, "_us"),
                       NsPerSocketCall(options, Direction::kRecv, bytes) / 1000});
    figures.push_back({absl::StrCat("send_", bytes, "_us"),
                       NsPerSocketCall(options, Direction::kSend, bytes) / 1000});
  }
  return figures;
}

}  // namespace sluice::bench
