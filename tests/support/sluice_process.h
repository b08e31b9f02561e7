// The sluice binary of the configuration that the tests are built in, running.
#ifndef SLUICE_TESTS_SUPPORT_SLUICE_PROCESS_H_
#define SLUICE_TESTS_SUPPORT_SLUICE_PROCESS_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {

// Where the binary stands. Needs "//engine:sluice" in the test's data.
std::string SluiceBinary();

// Runs `sluice` in a folder of its own on a configuration of the test's, and holds it to its
// promises at the end: exit code 0, no [alert] or [emerg] in the log, no word from a sanitizer.
class SluiceProcess {
 public:
  // What every configuration starts with unless the test gives its own: foreground, log to stderr
  // from `info` on, two shards, 4096 connections.
  static constexpr std::string_view kMain =
      "daemon off;\n"
      "error_log stderr info;\n"
      "pid sluice.pid;\n"
      "worker_processes 2;\n"
      "events { worker_connections 4096; }\n";

  // Runs kMain and `stream { <stream> }`, and waits until all sockets listen. The test fails at
  // once when sluice does not start.
  explicit SluiceProcess(std::string_view stream) : SluiceProcess(kMain, stream) {}
  SluiceProcess(std::string_view main, std::string_view stream);
  // Ends it by SIGTERM if it still runs, and checks the promises.
  ~SluiceProcess();

  const std::string& prefix() const { return dir_.path(); }
  std::string pid_file() const { return dir_.File("sluice.pid"); }
  pid_t pid() const { return child_.pid(); }

  // How many descriptors it has open.
  int NumDescriptors() const;

  // All it has logged so far.
  std::string Log() const { return child_.Output(); }
  // Waits for `count` occurrences of `text` in the log.
  bool WaitForLog(std::string_view text, int count = 1) {
    return child_.WaitForOutput(text, count);
  }

  // Ends it by SIGTERM and returns its whole log: lines are written behind the data path, so only
  // now is certain what is not among them.
  std::string StopAndGetLog();

  // Puts another configuration, all of it, in the place of the first one, for a reload.
  void WriteConfig(std::string_view config) const;
  // The test provokes an [emerg]: it is no broken promise here.
  void AllowEmergencies() { emergencies_allowed_ = true; }
  // The test provokes an [alert]: it is no broken promise here.
  void AllowAlerts() { alerts_allowed_ = true; }

  void Signal(int signal) { child_.Signal(signal); }
  // Waits for its end; exit code as in ChildProcess::Wait.
  int Wait() { return child_.Wait(); }
  // Runs `sluice -s SIGNAL` on the same configuration. Its exit code.
  int SendBySwitch(const std::string& signal) const;

 private:
  const TempDir dir_;
  const std::string config_;
  ChildProcess child_;
  bool alerts_allowed_ = false;
  bool emergencies_allowed_ = false;
};

// What `sluice <arguments>` says and how it ends.
Finished RunSluice(const std::vector<std::string>& arguments);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_SLUICE_PROCESS_H_
