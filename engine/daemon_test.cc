#include "engine/daemon.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

// What a command that runs `body` as a daemon exits with.
int ExitCode(const std::function<void(Daemon&)>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    absl::StatusOr<Daemon> daemon = Daemon::Start();
    if (daemon.ok()) body(*daemon);
    _exit(77);  // Of the daemon; nobody sees it.
  }
  int status;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DaemonTest, CommandSucceedsOnceTheDaemonIsReadyAndTheDaemonGoesOn) {
  int from_daemon[2], to_daemon[2];
  ASSERT_EQ(pipe(from_daemon), 0);
  ASSERT_EQ(pipe(to_daemon), 0);
  EXPECT_EQ(ExitCode([&](Daemon& daemon) {
              daemon.Ready();
              char byte;
              if (read(to_daemon[0], &byte, 1) == 1) (void)!write(from_daemon[1], &byte, 1);
            }),
            0);
  // The command has ended; the daemon still answers.
  char byte = 0;
  ASSERT_EQ(write(to_daemon[1], "x", 1), 1);
  ASSERT_EQ(read(from_daemon[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  for (int fd : {from_daemon[0], from_daemon[1], to_daemon[0], to_daemon[1]}) close(fd);
}

TEST(DaemonTest, CommandFailsWhenTheDaemonEndsBeforeItIsReady) {
  EXPECT_EQ(ExitCode([](Daemon&) { _exit(0); }), 1);
}

TEST(DaemonTest, CommandFailsWhenTheDaemonIsKilledBeforeItIsReady) {
  EXPECT_EQ(ExitCode([](Daemon&) { kill(getpid(), SIGKILL); }), 1);
}

TEST(DaemonTest, DaemonLeadsItsOwnSessionWithoutInputAndOutput) {
  EXPECT_EQ(
      ExitCode([](Daemon& daemon) {
        char byte;
        if (getsid(0) == getpid() && read(STDIN_FILENO, &byte, 1) == 0 && !isatty(STDOUT_FILENO)) {
          daemon.Ready();
        }
      }),
      0);
}

}  // namespace
}  // namespace sluice::engine
