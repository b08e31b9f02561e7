#include "engine/splice_pipe.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/file_descriptor.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

// The two ends of a TCP connection.
std::pair<FileDescriptor, FileDescriptor> TcpPair() {
  FileDescriptor listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t len = sizeof(address);
  auto* const sockaddr_ptr = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener.get(), sockaddr_ptr, len), 0);
  EXPECT_EQ(listen(listener.get(), 1), 0);
  EXPECT_EQ(getsockname(listener.get(), sockaddr_ptr, &len), 0);
  FileDescriptor near(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(near.get(), sockaddr_ptr, len), 0);
  return {std::move(near), FileDescriptor(accept(listener.get(), nullptr, nullptr))};
}

std::string ReceiveAll(int fd, size_t num_bytes) {
  std::string text(num_bytes, '\0');
  EXPECT_EQ(recv(fd, text.data(), num_bytes, MSG_WAITALL), static_cast<ssize_t>(num_bytes));
  return text;
}

class SplicePipeTest : public ::testing::Test {
 protected:
  SplicePipeTest() {
    signal(SIGPIPE, SIG_IGN);
    std::tie(source_far_, source_) = TcpPair();
    std::tie(sink_far_, sink_) = TcpPair();
    for (const FileDescriptor* socket : {&source_, &sink_}) {
      EXPECT_EQ(fcntl(socket->get(), F_SETFL, O_NONBLOCK), 0);
    }
  }

  int FillWhenReady() {
    pollfd readable = {.fd = source_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&readable, 1, /*timeout=*/-1), 1);
    return pipe_->Fill(source_.get(), SplicePipe::kBytes);
  }

  FileDescriptor source_far_, source_, sink_far_, sink_;
  std::unique_ptr<SplicePipe> pipe_ = SplicePipe::Create();
};

TEST_F(SplicePipeTest, WhatHasArrivedAtOneSocketLeavesByTheOther) {
  ASSERT_EQ(send(source_far_.get(), "hello", 5, 0), 5);
  ASSERT_EQ(FillWhenReady(), 5);
  EXPECT_EQ(pipe_->num_bytes(), 5u);
  ASSERT_EQ(pipe_->Drain(sink_.get()), 5);
  EXPECT_EQ(pipe_->num_bytes(), 0u);
  EXPECT_EQ(ReceiveAll(sink_far_.get(), 5), "hello");
}

TEST_F(SplicePipeTest, NoMoreIsTakenThanAskedFor) {
  ASSERT_EQ(send(source_far_.get(), "hello", 5, 0), 5);
  char byte;
  ASSERT_EQ(recv(source_.get(), &byte, 1, MSG_PEEK), 1);
  EXPECT_EQ(pipe_->Fill(source_.get(), 2), 2);
}

TEST_F(SplicePipeTest, SocketThatHasNothingIsNotWaitedFor) {
  EXPECT_EQ(pipe_->Fill(source_.get(), SplicePipe::kBytes), -EAGAIN);
}

TEST_F(SplicePipeTest, EndOfTheStreamIsZero) {
  source_far_ = FileDescriptor();
  EXPECT_EQ(FillWhenReady(), 0);
}

TEST_F(SplicePipeTest, SocketThatIsFullTakesAPartAndIsNotWaitedFor) {
  const std::vector<char> block(64 * 1024, 'x');
  size_t num_filled = 0;
  size_t num_drained = 0;
  int result = 0;
  while (result >= 0) {
    if (pipe_->num_bytes() == 0) {
      ASSERT_EQ(send(source_far_.get(), block.data(), block.size(), 0), 64 * 1024);
      const int n = FillWhenReady();
      ASSERT_GT(n, 0);
      num_filled += static_cast<size_t>(n);
    }
    result = pipe_->Drain(sink_.get());
    if (result > 0) num_drained += static_cast<size_t>(result);
    ASSERT_LT(num_filled, size_t{256} << 20) << "the sink takes whatever comes";
  }
  EXPECT_EQ(result, -EAGAIN);
  EXPECT_EQ(num_drained + pipe_->num_bytes(), num_filled);
  EXPECT_EQ(ReceiveAll(sink_far_.get(), num_drained), std::string(num_drained, 'x'));
}

// MSG_OOB: poll tells that there is something to read, but what stands behind the urgent byte can
// only be received.
TEST_F(SplicePipeTest, UrgentDataIsNeitherSplicedNorWaitedFor) {
  ASSERT_EQ(send(source_far_.get(), "before", 6, 0), 6);
  ASSERT_EQ(send(source_far_.get(), "!", 1, MSG_OOB), 1);
  ASSERT_EQ(send(source_far_.get(), "behind", 6, 0), 6);
  ASSERT_EQ(FillWhenReady(), 6);
  ASSERT_EQ(pipe_->Drain(sink_.get()), 6);
  EXPECT_EQ(ReceiveAll(sink_far_.get(), 6), "before");
  EXPECT_EQ(FillWhenReady(), -EAGAIN);
  EXPECT_EQ(ReceiveAll(source_.get(), 6), "behind");
}

// A bug fixed: once the end of the stream had arrived, too, it was taken to be here.
TEST_F(SplicePipeTest, UrgentDataIsNotTheEndThatStandsBehindIt) {
  ASSERT_EQ(send(source_far_.get(), "!", 1, MSG_OOB), 1);
  ASSERT_EQ(send(source_far_.get(), "behind", 6, 0), 6);
  source_far_ = FileDescriptor();
  EXPECT_EQ(FillWhenReady(), -EAGAIN);
  EXPECT_EQ(ReceiveAll(source_.get(), 6), "behind");
  EXPECT_EQ(FillWhenReady(), 0);
}

TEST_F(SplicePipeTest, UrgentDataWithNothingBehindItIsFollowedByTheEnd) {
  ASSERT_EQ(send(source_far_.get(), "!", 1, MSG_OOB), 1);
  source_far_ = FileDescriptor();
  EXPECT_EQ(FillWhenReady(), 0);
}

TEST_F(SplicePipeTest, ErrorsOfBothSocketsAreTold) {
  ASSERT_EQ(send(source_far_.get(), "hello", 5, 0), 5);
  ASSERT_EQ(FillWhenReady(), 5);
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  for (FileDescriptor* far : {&source_far_, &sink_far_}) {
    ASSERT_EQ(setsockopt(far->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    *far = FileDescriptor();
  }
  EXPECT_EQ(pipe_->Drain(sink_.get()), -ECONNRESET);
  pipe_ = SplicePipe::Create();
  EXPECT_EQ(pipe_->Fill(source_.get(), SplicePipe::kBytes), -ECONNRESET);
}

TEST(SplicePipes, AreBoundedAndUsedAgain) {
  SplicePipes pipes(1, 0);
  auto pipe = pipes.Acquire();
  ASSERT_NE(pipe, nullptr);
  const SplicePipe* const first = pipe.get();
  EXPECT_FALSE(pipes.available());
  EXPECT_EQ(pipes.Acquire(), nullptr);
  pipes.Release(std::move(pipe));
  EXPECT_EQ(pipes.num_in_use(), 0);
  pipe = pipes.Acquire();
  EXPECT_EQ(pipe.get(), first);
  pipes.Release(std::move(pipe));
}

TEST(SplicePipes, BytesLeftInOneNeverReachItsNextUser) {
  SplicePipes pipes(1, 0);
  auto [far, near] = TcpPair();
  ASSERT_EQ(send(far.get(), "secret", 6, 0), 6);
  char byte;
  ASSERT_EQ(recv(near.get(), &byte, 1, MSG_PEEK), 1);
  auto pipe = pipes.Acquire();
  ASSERT_EQ(pipe->Fill(near.get(), SplicePipe::kBytes), 6);
  pipes.Release(std::move(pipe));
  pipe = pipes.Acquire();
  ASSERT_NE(pipe, nullptr);
  EXPECT_EQ(pipe->num_bytes(), 0u);
  pipes.Release(std::move(pipe));
}

TEST(SplicePipes, WithoutDescriptorsThereIsNone) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  SplicePipes pipes(1, 0);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto pipe = pipes.Acquire();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(pipe, nullptr);
  EXPECT_EQ(pipes.num_in_use(), 0);
}

}  // namespace
}  // namespace sluice::engine
