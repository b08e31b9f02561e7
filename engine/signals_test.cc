#include "engine/signals.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

bool IsReadable(int fd) {
  pollfd poll_fd = {.fd = fd, .events = POLLIN};
  return poll(&poll_fd, 1, 0) == 1;
}

TEST(SignalsTest, SignalsWaitToBeReadInsteadOfKilling) {
  absl::StatusOr<Signals> signals = Signals::Take();
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_FALSE(IsReadable(signals->fd()));
  EXPECT_EQ(signals->Next(), std::nullopt);
  for (int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH}) {
    kill(getpid(), signal);
    EXPECT_TRUE(IsReadable(signals->fd()));
    EXPECT_EQ(signals->Next(), signal);
  }
  EXPECT_EQ(signals->Next(), std::nullopt);
}

TEST(SignalsTest, ThreadsStartedLaterAreNotInterruptedEither) {
  absl::StatusOr<Signals> signals = Signals::Take();
  ASSERT_TRUE(signals.ok()) << signals.status();
  std::thread([] { pthread_kill(pthread_self(), SIGWINCH), kill(getpid(), SIGTERM); }).join();
  EXPECT_EQ(signals->Next(), SIGTERM);
}

TEST(SignalsTest, WritingToAClosedSocketIsOnlyAnError) {
  absl::StatusOr<Signals> signals = Signals::Take();
  ASSERT_TRUE(signals.ok()) << signals.status();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  close(pair[1]);
  EXPECT_EQ(write(pair[0], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(pair[0]);
}

}  // namespace
}  // namespace sluice::engine
