#include "engine/ring_setup_error.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/file_descriptor.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

// Linux 6.1 brought IORING_SETUP_DEFER_TASKRUN.
constexpr std::pair<int, int> kOldestKernel = {6, 1};

// {0, 0} for a release that does not start with two numbers.
std::pair<int, int> ParseRelease(const std::string& release) {
  std::pair<int, int> version = {0, 0};
  if (std::sscanf(release.c_str(), "%d.%d", &version.first, &version.second) != 2) return {0, 0};
  return version;
}

std::optional<int> ReadNumber(const char* path) {
  const FileDescriptor fd(open(path, O_RDONLY | O_CLOEXEC));
  char text[16];
  const ssize_t len = fd.valid() ? read(fd.get(), text, sizeof(text)) : -1;
  int number;
  // SimpleAtoi takes white space at the ends.
  if (len <= 0 || !absl::SimpleAtoi(std::string_view(text, len), &number)) return std::nullopt;
  return number;
}

constexpr char kAllowedBySeccomp[] =
    "a seccomp filter refuses it, as container runtimes do by default; run with a seccomp profile "
    "that allows io_uring_setup, io_uring_enter and io_uring_register";

std::string ExplainNotPermitted(const RingSetupFacts& facts) {
  if (facts.call != kRingSetupCall) {
    return absl::StrCat(facts.call, " is not permitted: ", kAllowedBySeccomp);
  }
  switch (facts.io_uring_disabled.value_or(0)) {
    case 1:
      return "io_uring is reserved for privileged processes (kernel.io_uring_disabled is 1): set "
             "it to 0 with \"sysctl -w kernel.io_uring_disabled=0\", or put the group that sluice "
             "runs as into kernel.io_uring_group";
    case 2:
      return "io_uring is switched off on this machine (kernel.io_uring_disabled is 2): set it to "
             "0 with \"sysctl -w kernel.io_uring_disabled=0\"";
    default:
      return absl::StrCat(
          facts.call, " is not permitted although kernel.io_uring_disabled is ",
          facts.io_uring_disabled.has_value() ? absl::StrCat(*facts.io_uring_disabled) : "not set",
          ": ", kAllowedBySeccomp);
  }
}

std::string ExplainNoMemory(const RingSetupFacts& facts) {
  if (facts.memlock_limit_bytes == RLIM_INFINITY) {
    return "the kernel has no memory left for an io_uring: free some, or run fewer "
           "worker_processes";
  }
  return absl::StrCat("no memory may be locked for an io_uring, the limit (RLIMIT_MEMLOCK) is ",
                      facts.memlock_limit_bytes,
                      " bytes for all processes of the user: raise it with LimitMEMLOCK=infinity "
                      "(systemd), --ulimit memlock=-1 (containers) or \"ulimit -l unlimited\"");
}

}  // namespace

RingSetupFacts GatherRingSetupFacts(std::string call, int error) {
  RingSetupFacts facts = {.call = std::move(call), .error = error};
  utsname name;
  if (uname(&name) == 0) facts.kernel_release = name.release;
  facts.io_uring_disabled = ReadNumber("/proc/sys/kernel/io_uring_disabled");
  rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) facts.memlock_limit_bytes = limit.rlim_cur;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.nofile_limit = limit.rlim_cur;
  return facts;
}

std::string ExplainRingSetupError(const RingSetupFacts& facts) {
  const bool too_old = ParseRelease(facts.kernel_release) < kOldestKernel;
  switch (facts.error) {
    case EPERM:
      return ExplainNotPermitted(facts);
    case ENOMEM:
      return ExplainNoMemory(facts);
    case ENOSYS:
    case EINVAL:
      if (too_old) {
        return absl::StrCat("Linux ", facts.kernel_release,
                            " is too old: sluice needs Linux 6.1 or newer");
      }
      if (facts.error == ENOSYS) {
        return absl::StrCat("Linux ", facts.kernel_release, " has no ", facts.call,
                            " here: it was built without CONFIG_IO_URING, or a "
                            "seccomp filter or sandbox hides it; use a kernel or a seccomp profile "
                            "that has it");
      }
      return absl::StrCat(
          "Linux ", facts.kernel_release,
          " refuses an io_uring as sluice needs it: ", SystemErrorText(facts.call, facts.error),
          "; use an unmodified Linux 6.1 or newer");
    case EMFILE:
      return absl::StrCat(
          "no file descriptor is left for an io_uring, the limit (RLIMIT_NOFILE) "
          "is ",
          facts.nofile_limit, ": raise it with worker_rlimit_nofile or LimitNOFILE (systemd)");
    case ENFILE:
      return "no file descriptor is left for an io_uring on this machine: raise fs.file-max";
    default:
      return absl::StrCat(SystemErrorText(facts.call, facts.error), " on Linux ",
                          facts.kernel_release);
  }
}

}  // namespace sluice::engine
