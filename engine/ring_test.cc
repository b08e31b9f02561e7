// Against the running kernel: each operation, and what the kernel answers when it goes wrong.

#include "engine/ring.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/file_descriptor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::HasSubstr;

constexpr int64_t kPatienceUs = 10'000'000;

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string_view Text(std::span<const uint8_t> bytes, size_t len) {
  return {reinterpret_cast<const char*>(bytes.data()), len};
}

Token Name(Op op, uint32_t slot = 1) { return {.op = op, .slot = slot}; }

// While it lives no descriptor can be opened.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none = {0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptorsLeft() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

class RingTest : public testing::Test {
 protected:
  static constexpr unsigned kNumBuffers = 4;
  static constexpr size_t kBufferBytes = 64;

  RingTest() {
    Open({.submissions = 8,
          .completions = 64,
          .num_buffers = kNumBuffers,
          .buffer_bytes = kBufferBytes});
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ours_ = FileDescriptor(pair[0]);
    EXPECT_EQ(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);  // As all sockets of sluice.
    theirs_ = FileDescriptor(pair[1]);
  }

  void Open(const RingOptions& options) {
    ring_.reset();
    absl::StatusOr<std::unique_ptr<Ring>> ring = Ring::Create(options);
    ASSERT_TRUE(ring.ok()) << ring.status();
    ring_ = *std::move(ring);
    const absl::Status status = ring_->Enable();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Waits for one completion.
  Completion Next() {
    Completion next;
    unsigned count = 0;
    while (count == 0) {
      const absl::Status status = ring_->SubmitAndWait(kPatienceUs);
      EXPECT_TRUE(status.ok()) << status;
      count = ring_->ForEachCompletion(1, [&](const Completion& c) { next = c; });
      if (count == 0) {
        ADD_FAILURE() << "nothing completed";
        break;
      }
    }
    return next;
  }

  // What has completed without waiting.
  std::vector<Completion> Ready() {
    const absl::Status status = ring_->SubmitAndWait(0);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<Completion> ready;
    ring_->ForEachCompletion(1000, [&](const Completion& c) { ready.push_back(c); });
    return ready;
  }

  // Queues an operation that completes as soon as it is submitted.
  void PrepInstant(uint32_t slot) { ring_->PrepCancel(Name(Op::kNone), Name(Op::kCancel, slot)); }

  // Reads completions until each slot below `count` has had one.
  void ExpectEachCompletes(uint32_t count) {
    std::vector<bool> seen(count);
    unsigned num_seen = 0;
    while (num_seen < count) {
      ASSERT_TRUE(ring_->SubmitAndWait(kPatienceUs).ok());
      const unsigned num_now =
          ring_->ForEachCompletion(100, [&](const Completion& c) { seen[c.token.slot] = true; });
      ASSERT_GT(num_now, 0u);
      num_seen += num_now;
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), count);
  }

  void PeerSends(std::string_view text) {
    ASSERT_EQ(write(theirs_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // A listening TCP socket on loopback.
  FileDescriptor Listen(sockaddr_in* address) {
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    *address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(*address);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(address), len), 0);
    EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(address), &len), 0);
    EXPECT_EQ(listen(fd.get(), 16), 0);
    return fd;
  }

  FileDescriptor ours_;
  FileDescriptor theirs_;
  std::unique_ptr<Ring> ring_;
};

TEST_F(RingTest, RecvFillsOwnedMemory) {
  std::vector<uint8_t> room(100);
  ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv, 77), /*poll_first=*/true);
  EXPECT_TRUE(Ready().empty());
  PeerSends("hello");
  const Completion completion = Next();
  EXPECT_EQ(completion.token, Name(Op::kRecv, 77));
  EXPECT_EQ(completion.result, 5);
  EXPECT_FALSE(completion.more);
  EXPECT_FALSE(completion.has_buffer);
  EXPECT_EQ(Text(room, 5), "hello");
}

TEST_F(RingTest, RecvTellsWhetherTheSocketHoldsMore) {
  PeerSends("abcdef");
  std::vector<uint8_t> room(4);
  ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv), /*poll_first=*/false);
  EXPECT_TRUE(Next().nonempty);
  ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv), /*poll_first=*/false);
  const Completion rest = Next();
  EXPECT_EQ(rest.result, 2);
  EXPECT_FALSE(rest.nonempty);
}

TEST_F(RingTest, RecvOfAClosedPeerGivesZero) {
  theirs_ = FileDescriptor();
  std::vector<uint8_t> room(4);
  ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv), /*poll_first=*/false);
  EXPECT_EQ(Next().result, 0);
}

TEST_F(RingTest, RecvProvidedPicksABufferOnlyWhenBytesCome) {
  ring_->PrepRecvProvided(ours_.get(), Name(Op::kRecv), /*poll_first=*/true);
  EXPECT_TRUE(Ready().empty());
  EXPECT_EQ(ring_->num_free_buffers(), kNumBuffers);
  PeerSends("hello");
  const Completion completion = Next();
  EXPECT_EQ(completion.result, 5);
  ASSERT_TRUE(completion.has_buffer);
  EXPECT_EQ(ring_->num_free_buffers(), kNumBuffers - 1);
  EXPECT_EQ(ring_->Buffer(completion.buffer_id).size(), kBufferBytes);
  EXPECT_EQ(Text(ring_->Buffer(completion.buffer_id), 5), "hello");
  ring_->ReturnBuffer(completion.buffer_id);
  EXPECT_EQ(ring_->num_free_buffers(), kNumBuffers);
}

TEST_F(RingTest, RecvWithoutAFreeBufferFailsAndLosesNothing) {
  const std::string first(kNumBuffers * kBufferBytes, '.');
  PeerSends(first + "456789");
  std::vector<uint16_t> held;
  for (unsigned i = 0; i < kNumBuffers; ++i) {
    ring_->PrepRecvProvided(ours_.get(), Name(Op::kRecv), /*poll_first=*/false);
    const Completion completion = Next();
    ASSERT_TRUE(completion.has_buffer);
    held.push_back(completion.buffer_id);
  }
  ring_->PrepRecvProvided(ours_.get(), Name(Op::kRecv), /*poll_first=*/true);
  const Completion starved = Next();
  EXPECT_EQ(starved.result, -ENOBUFS);
  EXPECT_FALSE(starved.has_buffer);
  ring_->ReturnBuffer(held.back());
  ring_->PrepRecvProvided(ours_.get(), Name(Op::kRecv), /*poll_first=*/true);
  const Completion rest = Next();
  EXPECT_EQ(rest.result, 6);
  EXPECT_EQ(Text(ring_->Buffer(rest.buffer_id), 6), "456789");
}

TEST_F(RingTest, BuffersGoRoundManyTimesWithoutBeingMixedUp) {
  for (int round = 0; round < 1000; ++round) {
    const std::string text = std::to_string(round);
    PeerSends(text);
    ring_->PrepRecvProvided(ours_.get(), Name(Op::kRecv), /*poll_first=*/false);
    const Completion completion = Next();
    ASSERT_EQ(Text(ring_->Buffer(completion.buffer_id), completion.result), text);
    ring_->ReturnBuffer(completion.buffer_id);
  }
}

using RingDeathTest = RingTest;

TEST_F(RingDeathTest, ReturningABufferThatIsNotHeldIsCaught) {
  EXPECT_DEATH(ring_->ReturnBuffer(2), "buffer_is_held_");
}

TEST_F(RingTest, SendGoesOutWhole) {
  // Far more than a socket buffer takes: the kernel goes on as the peer reads.
  const std::vector<uint8_t> bytes(4 << 20, 'x');
  ring_->PrepSend(ours_.get(), bytes, Name(Op::kSend));
  EXPECT_TRUE(Ready().empty());
  std::thread reader([&] {
    std::vector<char> room(1 << 20);
    size_t total = 0;
    while (total < bytes.size()) {
      const ssize_t count = read(theirs_.get(), room.data(), room.size());
      if (count <= 0) break;
      total += count;
    }
    EXPECT_EQ(total, bytes.size());
  });
  EXPECT_EQ(Next().result, static_cast<int32_t>(bytes.size()));
  reader.join();
}

TEST_F(RingTest, SendAtOnceCompletesOnlyWhenItFallsShort) {
  ring_->PrepSendAtOnce(ours_.get(), Bytes("ping"), Name(Op::kSend));
  EXPECT_FALSE(ring_->all_submitted());
  EXPECT_TRUE(Ready().empty());
  EXPECT_TRUE(ring_->all_submitted());
  char room[8];
  EXPECT_EQ(read(theirs_.get(), room, sizeof(room)), 4);

  // More than a socket buffer takes: it says how much did go.
  const std::vector<uint8_t> bytes(4 << 20, 'x');
  ring_->PrepSendAtOnce(ours_.get(), bytes, Name(Op::kSend));
  std::vector<Completion> ready = Ready();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_GT(ready[0].result, 0);
  EXPECT_LT(ready[0].result, static_cast<int32_t>(bytes.size()));
  ring_->PrepSendAtOnce(ours_.get(), bytes, Name(Op::kSend));
  ready = Ready();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].result, -EAGAIN);
  theirs_ = FileDescriptor();
  ring_->PrepSendAtOnce(ours_.get(), bytes, Name(Op::kSend));
  ready = Ready();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].result, -EPIPE);
}

TEST_F(RingTest, SendToAClosedPeerFailsWithoutASignal) {
  theirs_ = FileDescriptor();
  ring_->PrepSend(ours_.get(), Bytes("x"), Name(Op::kSend));
  EXPECT_EQ(Next().result, -EPIPE);
}

TEST_F(RingTest, CancelledSendSaysHowMuchHadGone) {
  const std::vector<uint8_t> bytes(4 << 20, 'x');
  ring_->PrepSend(ours_.get(), bytes, Name(Op::kSend, 5));
  EXPECT_TRUE(Ready().empty());
  ring_->PrepCancel(Name(Op::kSend, 5), Name(Op::kCancel, 5));
  std::map<Op, Completion> completions;
  for (int i = 0; i < 2; ++i) {
    const Completion completion = Next();
    completions[completion.token.op] = completion;
  }
  EXPECT_EQ(completions[Op::kCancel].result, 0);
  EXPECT_GT(completions[Op::kSend].result, 0);
  EXPECT_LT(completions[Op::kSend].result, static_cast<int32_t>(bytes.size()));
}

TEST_F(RingTest, CancelEndsAReceive) {
  std::vector<uint8_t> room(4);
  ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv, 5), /*poll_first=*/true);
  EXPECT_TRUE(Ready().empty());
  ring_->PrepCancel(Name(Op::kRecv, 5), Name(Op::kCancel, 5));
  std::map<Op, int32_t> results;
  for (int i = 0; i < 2; ++i) {
    const Completion completion = Next();
    results[completion.token.op] = completion.result;
  }
  EXPECT_EQ(results[Op::kCancel], 0);
  EXPECT_EQ(results[Op::kRecv], -ECANCELED);
}

TEST_F(RingTest, CancelOfWhatIsNotInFlightFindsNothing) {
  ring_->PrepCancel(Name(Op::kRecv, 5), Name(Op::kCancel, 5));
  EXPECT_EQ(Next().result, -ENOENT);
}

TEST_F(RingTest, AcceptCompletesForEachConnectionAndConnectWithZero) {
  sockaddr_in address;
  FileDescriptor listener = Listen(&address);
  ring_->PrepAcceptMultishot(listener.get(), Name(Op::kAccept, 9));
  for (uint32_t i = 0; i < 3; ++i) {
    FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ring_->PrepConnect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address),
                       Name(Op::kConnect, i));
    for (int j = 0; j < 2; ++j) {
      const Completion completion = Next();
      if (completion.token.op == Op::kConnect) {
        EXPECT_EQ(completion.token.slot, i);
        EXPECT_EQ(completion.result, 0);
        continue;
      }
      EXPECT_EQ(completion.token, Name(Op::kAccept, 9));
      EXPECT_TRUE(completion.more);
      FileDescriptor accepted(completion.result);
      ASSERT_TRUE(accepted.valid());
      EXPECT_EQ(fcntl(accepted.get(), F_GETFD), FD_CLOEXEC);
    }
  }
}

TEST_F(RingTest, AcceptEndsWhenDescriptorsRunOutAndTheConnectionWaits) {
  sockaddr_in address;
  FileDescriptor listener = Listen(&address);
  FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  Ring& ring = *ring_;
  absl::Status status;
  {
    // Sanitizers need descriptors too: nothing but this happens without.
    NoDescriptorsLeft none_left;
    ring.PrepAcceptMultishot(listener.get(), Name(Op::kAccept));
    status = ring.SubmitAndWait(0);
  }
  ASSERT_TRUE(status.ok()) << status;
  const Completion failed = Next();
  EXPECT_EQ(failed.result, -EMFILE);
  EXPECT_FALSE(failed.more);
  ring_->PrepAcceptMultishot(listener.get(), Name(Op::kAccept));
  FileDescriptor accepted(Next().result);
  EXPECT_TRUE(accepted.valid());
}

TEST_F(RingTest, ConnectToAClosedPortIsRefused) {
  sockaddr_in address;
  Listen(&address);  // And closed at once.
  FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ring_->PrepConnect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address),
                     Name(Op::kConnect));
  EXPECT_EQ(Next().result, -ECONNREFUSED);
}

TEST_F(RingTest, EventfdOfAnotherThreadEndsTheWait) {
  FileDescriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  uint64_t value = 0;
  ring_->PrepRead(event.get(), {reinterpret_cast<uint8_t*>(&value), sizeof(value)},
                  Name(Op::kWake));
  EXPECT_TRUE(Ready().empty());
  std::thread waker([&] { eventfd_write(event.get(), 3); });
  const Completion completion = Next();
  waker.join();
  EXPECT_EQ(completion.token.op, Op::kWake);
  EXPECT_EQ(completion.result, 8);
  EXPECT_EQ(value, 3u);
}

TEST_F(RingTest, CloseClosesSilentlyAndFailsAloud) {
  ring_->PrepClose(ours_.Release(), Name(Op::kClose, 1));
  EXPECT_TRUE(Ready().empty());
  char byte;
  EXPECT_EQ(read(theirs_.get(), &byte, 1), 0);
  ring_->PrepClose(1'000'000, Name(Op::kClose, 2));
  const Completion completion = Next();
  EXPECT_EQ(completion.token, Name(Op::kClose, 2));
  EXPECT_EQ(completion.result, -EBADF);
}

TEST_F(RingTest, TimeoutEndsTheWaitWithoutAnError) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(ring_->SubmitAndWait(2000).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::microseconds(2000));
  EXPECT_EQ(ring_->ForEachCompletion(10, [](const Completion&) {}), 0u);
}

TEST_F(RingTest, MinWaitEndsWithFewerCompletionsThanAskedFor) {
  PeerSends("x");
  std::vector<uint8_t> room(4);
  ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv), /*poll_first=*/false);
  // Would wait for the timeout if one completion did not become enough.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(ring_->SubmitAndWait(60'000'000, 8, 100).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_EQ(ring_->ForEachCompletion(10, [](const Completion&) {}), 1u);
}

TEST_F(RingTest, MoreOperationsThanTheQueueHoldsAreAllDone) {
  Open({.submissions = 4, .completions = 4096});
  constexpr uint32_t kCount = 1000;
  for (uint32_t i = 0; i < kCount; ++i) PrepInstant(i);
  ExpectEachCompletes(kCount);
}

TEST_F(RingTest, CompletionsBeyondTheSharedRingAreKept) {
  Open({.submissions = 4, .completions = 8});
  constexpr uint32_t kCount = 200;
  for (uint32_t i = 0; i < kCount; ++i) PrepInstant(i);
  ExpectEachCompletes(kCount);
}

// The kernel's want of memory is played by a seccomp filter, which lasts as long as its thread.
class RingWithoutMemoryTest : public RingTest {
 protected:
  // Each test opens one in a thread of its own.
  RingWithoutMemoryTest() { ring_.reset(); }

  // Which io_uring_enter fails with EAGAIN from here on in the calling thread: one whose argument
  // number `argument` has none of `bits` set, or (`any`) has one of them.
  static void Refuse(unsigned argument, uint32_t bits, bool any) {
    const uint8_t if_any = any ? 0 : 1;
    const uint8_t if_none = any ? 1 : 0;
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 3),
        // Little-endian: the low half of the argument.
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * argument)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, if_any, if_none),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {.len = std::size(code), .filter = code};
    ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0) << strerror(errno);
  }
};

TEST_F(RingWithoutMemoryTest, OperationsBeyondTheQueueWaitAndKeepTheirOrder) {
  std::thread([&] {
    Open({.submissions = 4, .completions = 4096});
    Refuse(/*argument=*/3, IORING_ENTER_GETEVENTS, /*any=*/false);
    constexpr uint32_t kCount = 100;
    for (uint32_t i = 0; i < kCount; ++i) PrepInstant(i);
    std::vector<uint32_t> seen;
    ASSERT_TRUE(ring_->SubmitAndWait(kPatienceUs).ok());
    ring_->ForEachCompletion(kCount, [&](const Completion& c) { seen.push_back(c.token.slot); });
    EXPECT_EQ(seen.size(), kCount);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    ring_.reset();
  }).join();
}

TEST_F(RingWithoutMemoryTest, WaitIsShortAndStillReadsWhatCompletes) {
  std::thread([&] {
    Open({.submissions = 4, .completions = 8});
    std::vector<uint8_t> room(4);
    ring_->PrepRecv(ours_.get(), room, Name(Op::kRecv), /*poll_first=*/true);
    ASSERT_TRUE(ring_->SubmitAndWait(0).ok());
    Refuse(/*argument=*/1, ~0u, /*any=*/true);
    PrepInstant(1);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(ring_->SubmitAndWait(Ring::kNoTimeout).ok());
    EXPECT_GE(std::chrono::steady_clock::now() - start,
              std::chrono::microseconds(Ring::kNoMemoryWaitUs));
    EXPECT_EQ(ring_->ForEachCompletion(10, [](const Completion&) {}), 0u);
    PeerSends("x");
    EXPECT_EQ(Next().token.op, Op::kRecv);
    ring_.reset();
  }).join();
}

TEST_F(RingTest, ForEachCompletionStopsAtItsMaximum) {
  for (uint32_t i = 0; i < 5; ++i) PrepInstant(i);
  ASSERT_TRUE(ring_->SubmitAndWait(0).ok());
  std::vector<uint32_t> seen;
  const auto note = [&](const Completion& completion) { seen.push_back(completion.token.slot); };
  EXPECT_EQ(ring_->ForEachCompletion(3, note), 3u);
  EXPECT_EQ(ring_->ForEachCompletion(100, note), 2u);
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(RingTest, HandlerMayQueueOperations) {
  PrepInstant(1);
  ASSERT_TRUE(ring_->SubmitAndWait(kPatienceUs).ok());
  ring_->ForEachCompletion(
      1, [&](const Completion& completion) { PrepInstant(completion.token.slot + 1); });
  EXPECT_EQ(Next().token.slot, 2u);
}

TEST(RingThreadTest, RingOfTheMainThreadIsUsedByTheThreadThatEnablesIt) {
  absl::StatusOr<std::unique_ptr<Ring>> ring = Ring::Create({});
  ASSERT_TRUE(ring.ok()) << ring.status();
  std::thread([&] {
    EXPECT_TRUE((*ring)->Enable().ok());
    EXPECT_TRUE((*ring)->SubmitAndWait(0).ok());
  }).join();
  EXPECT_THAT((*ring)->SubmitAndWait(0).message(), HasSubstr("io_uring_enter"));
}

TEST(RingCreateTest, EnablingTwiceFails) {
  absl::StatusOr<std::unique_ptr<Ring>> ring = Ring::Create({});
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_TRUE((*ring)->Enable().ok());
  EXPECT_THAT((*ring)->Enable().message(),
              HasSubstr("io_uring_register(IORING_REGISTER_ENABLE_RINGS) failed"));
}

TEST(RingCreateTest, NoDescriptorLeftSaysSo) {
  absl::Status status;
  {
    NoDescriptorsLeft none_left;
    status = Ring::Create({}).status();
  }
  EXPECT_THAT(status.message(), HasSubstr("RLIMIT_NOFILE"));
}

TEST(RingProbeTest, NamesTheRunningKernel) {
  const absl::StatusOr<RingFeatures> features = Ring::Probe({});
  ASSERT_TRUE(features.ok()) << features.status();
  EXPECT_THAT(features->ToString(), HasSubstr("Linux " + features->kernel_release));
  // Each came after the one before.
  EXPECT_TRUE(features->no_iowait || !features->recv_byte_limit);
  EXPECT_TRUE(features->min_wait || !features->no_iowait);
}

}  // namespace
}  // namespace sluice::engine
