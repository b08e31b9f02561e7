#include "tests/support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

#include "absl/log/check.h"
#include "tests/support/deadline.h"

namespace sluice::testing {
namespace {

// Runs in the forked child: only async-signal-safe calls.
[[noreturn]] void Exec(char* const* argv, int output_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(127);  // The test died before prctl.
  }
  dup2(output_fd, STDOUT_FILENO);
  dup2(output_fd, STDERR_FILENO);
  execvp(argv[0], argv);
  constexpr char kMessage[] = "cannot execute: ";
  (void)!write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  (void)!write(STDERR_FILENO, argv[0], std::strlen(argv[0]));
  _exit(127);
}

}  // namespace

int CountOccurrences(std::string_view haystack, std::string_view text) {
  int count = 0;
  for (size_t at = haystack.find(text); at != haystack.npos;
       at = haystack.find(text, at + text.size())) {
    ++count;
  }
  return count;
}

ChildProcess::ChildProcess(const std::vector<std::string>& argv) {
  std::vector<char*> c_argv;
  for (const std::string& argument : argv) {
    c_argv.push_back(const_cast<char*>(argument.c_str()));
  }
  c_argv.push_back(nullptr);
  std::array<int, 2> pipe_fds;
  PCHECK(pipe2(pipe_fds.data(), O_CLOEXEC) == 0);
  const pid_t parent = getpid();
  pid_ = fork();
  PCHECK(pid_ >= 0);
  if (pid_ == 0) {
    Exec(c_argv.data(), pipe_fds[1], parent);
  }
  close(pipe_fds[1]);
  reader_ = std::thread(&ChildProcess::ReadOutput, this, pipe_fds[0]);
}

ChildProcess::~ChildProcess() {
  if (!reaped_) {
    kill(pid_, SIGKILL);
    Wait();
  }
  reader_.join();
}

void ChildProcess::ReadOutput(int pipe_fd) {
  std::array<char, 4096> buffer;
  ssize_t size;
  while ((size = read(pipe_fd, buffer.data(), buffer.size())) > 0) {
    std::lock_guard lock(mutex_);
    output_.append(buffer.data(), size);
    changed_.notify_all();
  }
  close(pipe_fd);
  std::lock_guard lock(mutex_);
  output_ended_ = true;
  changed_.notify_all();
}

std::string ChildProcess::Output() const {
  std::lock_guard lock(mutex_);
  return output_;
}

bool ChildProcess::HasEnded() const {
  std::lock_guard lock(mutex_);
  return output_ended_;
}

bool ChildProcess::WaitForOutput(std::string_view text) { return WaitForOutput(text, 1); }

bool ChildProcess::WaitForOutput(std::string_view text, int count) {
  std::unique_lock lock(mutex_);
  const auto found = [&] { return CountOccurrences(output_, text) >= count; };
  changed_.wait_for(lock, kPatience, [&] { return output_ended_ || found(); });
  return found();
}

void ChildProcess::Signal(int signal) {
  if (!reaped_) {
    kill(pid_, signal);
  }
}

int ChildProcess::Wait() {
  if (reaped_) {
    return exit_code_;
  }
  pollfd ended = {.fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)), .events = POLLIN};
  PCHECK(ended.fd >= 0);
  const int num_ready =
      poll(&ended, 1, std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count());
  close(ended.fd);
  if (num_ready == 0) {
    return kStillRunning;
  }
  int status = 0;
  PCHECK(waitpid(pid_, &status, 0) == pid_);
  reaped_ = true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  // A grandchild may hold the pipe open for longer than the child lives.
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return output_ended_; });
  return exit_code_;
}

Finished RunToEnd(const std::vector<std::string>& argv) {
  ChildProcess child(argv);
  const int exit_code = child.Wait();
  return {exit_code, child.Output()};
}

}  // namespace sluice::testing
