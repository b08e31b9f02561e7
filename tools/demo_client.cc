// Sends checked traffic to an echo service and says how it went.
//
//   demo_client --port=12345 --connections=300 --concurrency=16 --bytes=262144
//
// Every connection sends a pattern of its own and compares each byte that comes back. Prints one
// line of totals on stdout and what went wrong on stderr; ends with 0 only if nothing did.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/pattern.h"

ABSL_FLAG(uint16_t, port, 0, "Where the echo service listens, on 127.0.0.1.");
ABSL_FLAG(int, connections, 300, "How many connections to make.");
ABSL_FLAG(int, concurrency, 16, "How many of them at a time.");
ABSL_FLAG(uint64_t, bytes, 262144, "How much each connection sends, and gets back.");

namespace sluice::tools {
namespace {

// No answer for so long is an error: the service is on this machine.
constexpr int kAnswerTimeoutS = 30;
// Sent, then read back, before the next block: less than any socket buffer, so neither side blocks
// on the other.
constexpr size_t kBlockBytes = 16384;
constexpr int kErrorsShownMax = 5;

struct Job {
  sockaddr_in address = {};
  int num_connections = 0;
  uint64_t bytes_per_connection = 0;
};

struct Totals {
  std::atomic<int> next_connection = 0;
  std::atomic<int> num_errors = 0;
  std::atomic<uint64_t> sent_bytes = 0;
  std::atomic<uint64_t> checked_bytes = 0;
};

std::string ErrnoText(absl::string_view call) {
  return absl::StrCat(call, ": ", std::strerror(errno));
}

bool SendAll(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return false;
    }
    bytes = bytes.subspan(sent);
  }
  return true;
}

// Carries one connection's traffic over `fd`. Returns what went wrong, or nothing.
std::string Exchange(int fd, uint64_t seed, const Job& job, Totals& totals) {
  if (connect(fd, reinterpret_cast<const sockaddr*>(&job.address), sizeof(job.address)) != 0) {
    return ErrnoText("connect");
  }
  std::array<uint8_t, kBlockBytes> buffer;
  for (uint64_t offset = 0; offset < job.bytes_per_connection;) {
    const size_t size = std::min<uint64_t>(kBlockBytes, job.bytes_per_connection - offset);
    const std::span<uint8_t> block(buffer.data(), size);
    FillPattern(seed, offset, block);
    if (!SendAll(fd, block)) {
      return ErrnoText("send");
    }
    totals.sent_bytes += size;
    const ssize_t received = recv(fd, block.data(), size, MSG_WAITALL);
    if (received < 0) {
      return ErrnoText("recv");
    }
    if (const auto at = FirstPatternMismatch(seed, offset, block.first(received))) {
      return absl::StrCat("byte ", offset + *at, " came back changed");
    }
    totals.checked_bytes += received;
    if (static_cast<size_t>(received) < size) {
      return absl::StrCat("closed by the service after ", offset + received, " bytes");
    }
    offset += size;
  }
  return "";
}

std::string RunConnection(uint64_t seed, const Job& job, Totals& totals) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return ErrnoText("socket");
  }
  const timeval timeout = {.tv_sec = kAnswerTimeoutS, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  const std::string error = Exchange(fd, seed, job, totals);
  close(fd);
  return error;
}

void RunConnections(const Job& job, Totals& totals) {
  for (int seed = totals.next_connection++; seed < job.num_connections;
       seed = totals.next_connection++) {
    const std::string error = RunConnection(seed, job, totals);
    if (!error.empty() && totals.num_errors++ < kErrorsShownMax) {
      std::fprintf(stderr, "connection %d: %s\n", seed, error.c_str());
    }
  }
}

int Run(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  Job job;
  job.address.sin_family = AF_INET;
  job.address.sin_port = htons(absl::GetFlag(FLAGS_port));
  job.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  job.num_connections = absl::GetFlag(FLAGS_connections);
  job.bytes_per_connection = absl::GetFlag(FLAGS_bytes);

  Totals totals;
  std::vector<std::thread> threads;
  for (int i = 0; i < absl::GetFlag(FLAGS_concurrency); ++i) {
    threads.emplace_back([&] { RunConnections(job, totals); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::printf("connections=%d sent_bytes=%llu checked_bytes=%llu errors=%d\n", job.num_connections,
              static_cast<unsigned long long>(totals.sent_bytes.load()),
              static_cast<unsigned long long>(totals.checked_bytes.load()),
              totals.num_errors.load());
  return totals.num_errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::tools

int main(int argc, char** argv) { return sluice::tools::Run(argc, argv); }
