// A program that a test runs beside itself.
#ifndef SLUICE_TESTS_SUPPORT_CHILD_PROCESS_H_
#define SLUICE_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::testing {

// Reads what the child writes (stdout and stderr together) as it comes, so the child never blocks
// on it. The child dies with its object, or with the test if that is killed.
class ChildProcess {
 public:
  // argv[0] is looked for in PATH. Aborts the test when it cannot be run.
  explicit ChildProcess(const std::vector<std::string>& argv);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Everything written so far.
  std::string Output() const;
  // Waits until the output holds `text`. False: it ended, or patience did, without it.
  bool WaitForOutput(std::string_view text);
  // The same for `count` occurrences.
  bool WaitForOutput(std::string_view text, int count);

  // Whether nothing can come any more: it has ended and its output is read.
  bool HasEnded() const;

  void Signal(int signal);
  // Waits for the end and for the last byte of output. Exit code; 128 + N if signal N ended it,
  // kStillRunning if it had not ended when patience did.
  int Wait();

  static constexpr int kStillRunning = -1;

 private:
  void ReadOutput(int pipe_fd);

  pid_t pid_ = -1;
  bool reaped_ = false;
  int exit_code_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;         // Under mutex_.
  bool output_ended_ = false;  // Under mutex_.
  std::thread reader_;
};

// Runs a program to its end.
struct Finished {
  int exit_code;
  std::string output;
};
Finished RunToEnd(const std::vector<std::string>& argv);

// How often `text` occurs, without overlap.
int CountOccurrences(std::string_view haystack, std::string_view text);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_CHILD_PROCESS_H_
