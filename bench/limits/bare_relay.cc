#include "bench/limits/bare_relay.h"

#include <liburing.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/log/check.h"
#include "bench/limits/loopback.h"
#include "bench/limits/measure.h"
#include "engine/file_descriptor.h"

namespace sluice::bench {
namespace {

constexpr size_t kBufferBytes = 1024 * 1024;
constexpr unsigned kSubmissions = 512;
constexpr unsigned kCompletions = 8192;
// How soon the end is noticed.
constexpr __kernel_timespec kStopCheckInterval = {.tv_sec = 0, .tv_nsec = 20'000'000};

int InitRing(io_uring* ring) {
  io_uring_params params = {};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = kCompletions;
  return io_uring_queue_init_params(kSubmissions, ring, &params);
}

// One direction: what comes from `source` goes to `sink`. One operation of it is in flight at a
// time.
struct Pipe {
  int source = -1;
  int sink = -1;
  // Not initialized: memory that no byte comes to is never touched.
  std::unique_ptr<uint8_t[]> buffer{new uint8_t[kBufferBytes]};
  bool more = false;  // The last receive left bytes behind.
  bool sending = false;
  bool in_flight = false;
  bool cancelled = false;
};

// Its two directions; of a closed one the memory is used again.
struct Link {
  Pipe pipes[2];  // From the client, from the upstream.
  bool closing = false;
};

}  // namespace

class BareRelay::Loop {
 public:
  Loop(BareRelay& relay, int listener, const sockaddr_in& upstream)
      : relay_(relay), listener_(listener), upstream_(upstream) {}

  void Run() {
    CHECK_EQ(InitRing(&ring_), 0);
    io_uring_register_ring_fd(&ring_);
    PrepAccept();
    while (!relay_.stop_.load(std::memory_order_relaxed) || num_open_ > 0) {
      __kernel_timespec interval = kStopCheckInterval;
      io_uring_cqe* cqe;
      const int result = io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &interval, nullptr);
      CHECK(result >= 0 || result == -ETIME || result == -EINTR) << result;
      unsigned head, count = 0;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        ++count;
        Handle(*cqe);
      }
      io_uring_cq_advance(&ring_, count);
    }
    io_uring_queue_exit(&ring_);
  }

 private:
  // What `user_data` says: whose operation it is, with one of these in the low bits.
  enum Kind : uint64_t { kClientPipe, kUpstreamPipe, kConnect, kOther };
  static constexpr uint64_t kKindMask = 3;
  static_assert(alignof(Link) > kKindMask);

  io_uring_sqe* NextSqe(Link* link, Kind kind) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
      CHECK_GE(io_uring_submit(&ring_), 0);
      sqe = io_uring_get_sqe(&ring_);
      CHECK(sqe != nullptr);
    }
    sqe->user_data = reinterpret_cast<uintptr_t>(link) | kind;
    return sqe;
  }

  void PrepAccept() {
    // The link null says that it is the accept.
    io_uring_prep_multishot_accept(NextSqe(nullptr, kClientPipe), listener_, nullptr, nullptr,
                                   SOCK_CLOEXEC);
  }

  // `poll_first`: there is known to be nothing yet.
  void PrepRecv(Link* link, Kind kind, bool poll_first) {
    Pipe& pipe = link->pipes[kind];
    io_uring_sqe* sqe = NextSqe(link, kind);
    io_uring_prep_recv(sqe, pipe.source, pipe.buffer.get(), kBufferBytes, 0);
    if (poll_first) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    pipe.sending = false;
    pipe.in_flight = true;
  }

  void Handle(const io_uring_cqe& cqe) {
    const Kind kind = static_cast<Kind>(cqe.user_data & kKindMask);
    Link* const link = reinterpret_cast<Link*>(cqe.user_data & ~kKindMask);
    switch (kind) {
      case kOther:  // A cancel, whose target tells what came of it, or a close that failed.
        break;
      case kConnect:
        CHECK_EQ(cqe.res, 0) << "connect to the upstream";
        PrepRecv(link, kClientPipe, /*poll_first=*/false);
        PrepRecv(link, kUpstreamPipe, /*poll_first=*/true);
        break;
      default:
        if (link == nullptr) {
          OnAccepted(cqe);
        } else {
          OnMoved(link, kind, cqe);
        }
    }
  }

  void OnAccepted(const io_uring_cqe& cqe) {
    CHECK_GE(cqe.res, 0) << "accept";
    if (!(cqe.flags & IORING_CQE_F_MORE)) PrepAccept();
    const int client = cqe.res;
    const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_GE(upstream, 0);
    SetNoDelay(client);
    SetNoDelay(upstream);
    ++num_open_;
    Link* const link = TakeLink();
    link->pipes[kClientPipe].source = link->pipes[kUpstreamPipe].sink = client;
    link->pipes[kUpstreamPipe].source = link->pipes[kClientPipe].sink = upstream;
    io_uring_prep_connect(NextSqe(link, kConnect), upstream,
                          reinterpret_cast<const sockaddr*>(&upstream_), sizeof(upstream_));
  }

  // Bytes of one direction have come or gone.
  void OnMoved(Link* link, Kind kind, const io_uring_cqe& cqe) {
    Pipe& pipe = link->pipes[kind];
    pipe.in_flight = false;
    if (cqe.res <= 0 || link->closing) {
      Close(link);
    } else if (pipe.sending) {
      Count(relay_.num_bytes_, cqe.res);
      Count(relay_.num_sends_, 1);
      PrepRecv(link, kind, /*poll_first=*/!pipe.more);
    } else {
      pipe.more = (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
      pipe.sending = pipe.in_flight = true;
      io_uring_prep_send(NextSqe(link, kind), pipe.sink, pipe.buffer.get(),
                         static_cast<size_t>(cqe.res), MSG_WAITALL | MSG_NOSIGNAL);
    }
  }

  // One end has ended, so both do: cancels what is in flight, and closes when it has come back.
  void Close(Link* link) {
    link->closing = true;
    bool in_flight = false;
    for (const Kind kind : {kClientPipe, kUpstreamPipe}) {
      Pipe& pipe = link->pipes[kind];
      in_flight |= pipe.in_flight;
      if (!pipe.in_flight || pipe.cancelled) continue;
      pipe.cancelled = true;
      io_uring_prep_cancel64(NextSqe(nullptr, kOther), reinterpret_cast<uintptr_t>(link) | kind, 0);
    }
    if (in_flight) return;
    for (const Pipe& pipe : link->pipes) {
      io_uring_sqe* sqe = NextSqe(nullptr, kOther);
      io_uring_prep_close(sqe, pipe.source);
      sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }
    for (Pipe& pipe : link->pipes) pipe.more = pipe.cancelled = false;
    link->closing = false;
    free_.push_back(link);
    --num_open_;
    Count(relay_.num_closed_, 1);
  }

  Link* TakeLink() {
    if (free_.empty()) {
      free_.push_back(links_.emplace_back(std::make_unique<Link>()).get());
    }
    Link* const link = free_.back();
    free_.pop_back();
    return link;
  }

  // Only this thread writes them.
  static void Count(std::atomic<int64_t>& counter, int64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  BareRelay& relay_;
  const int listener_;
  const sockaddr_in upstream_;
  io_uring ring_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Link*> free_;
  int num_open_ = 0;
};

BareRelay::BareRelay(int cpu, const sockaddr_in& upstream) {
  engine::FileDescriptor listener = Listen();
  address_ = LocalAddress(listener.get());
  thread_ = std::thread([this, cpu, upstream, listener = std::move(listener)] {
    PinThread(cpu);
    Loop(*this, listener.get(), upstream).Run();
  });
  CHECK_EQ(pthread_getcpuclockid(thread_.native_handle(), &cpu_clock_), 0);
}

BareRelay::~BareRelay() {
  stop_ = true;
  thread_.join();
}

int CheckIoUring() {
  io_uring ring;
  const int result = InitRing(&ring);
  if (result == 0) io_uring_queue_exit(&ring);
  return -result;
}

}  // namespace sluice::bench
