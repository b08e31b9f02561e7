// Debian's nginx, running a stream configuration: to be compared with, or as a peer.
#ifndef SLUICE_TESTS_SUPPORT_NGINX_PROCESS_H_
#define SLUICE_TESTS_SUPPORT_NGINX_PROCESS_H_

#include <string>
#include <string_view>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {

class NginxProcess {
 public:
  // Runs `stream { <stream> }` as one process in the foreground, in a folder of its own. Aborts the
  // test when nginx does not start.
  explicit NginxProcess(std::string_view stream);
  // Ends it, if it still runs.
  ~NginxProcess();

  const std::string& prefix() const { return dir_.path(); }
  // Where a log is that the configuration names by `name`.
  std::string File(std::string_view name) const { return dir_.File(name); }
  pid_t pid() const { return child_.pid(); }
  void Signal(int signal) { child_.Signal(signal); }
  // Waits for `text` in its error log.
  bool WaitForLog(std::string_view text) { return child_.WaitForOutput(text); }
  // Ends it and returns its error log. Only now are all logs complete.
  std::string StopAndGetLog();

 private:
  const TempDir dir_;
  ChildProcess child_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_NGINX_PROCESS_H_
