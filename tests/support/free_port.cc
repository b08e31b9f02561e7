#include "tests/support/free_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/log/check.h"
#include "absl/log/log.h"
#include "absl/strings/str_cat.h"

namespace sluice::testing {
namespace {

constexpr int kFirstPort = 20000;
constexpr int kNumPorts = 12000;

// Holds the port against other tests by an abstract unix socket of its name, which the kernel drops
// when this process ends; the descriptor is kept open on purpose.
bool Reserve(int port) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  PCHECK(fd >= 0);
  const std::string name = absl::StrCat("sluice_test_port_", port);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const socklen_t len = offsetof(sockaddr_un, sun_path) + 1 + name.size();
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), len) == 0) {
    return true;
  }
  close(fd);
  return false;
}

bool NobodyListens(int port) {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  PCHECK(fd >= 0);
  // As servers do: what lingers in TIME_WAIT does not count.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return free;
}

}  // namespace

int FreePort(int count) {
  static int next = getpid() * 7 % kNumPorts;
  int run = 0;
  for (int tried = 0; tried < 2 * kNumPorts; ++tried) {
    const int port = kFirstPort + next;
    next = (next + 1) % kNumPorts;
    run = port != kFirstPort && Reserve(port) && NobodyListens(port) ? run + 1 : 0;
    if (run == count) {
      return port - count + 1;
    }
  }
  LOG(FATAL) << "no " << count << " free ports from " << kFirstPort << " on";
}

std::string FreeAddress() { return absl::StrCat("127.0.0.1:", FreePort()); }

}  // namespace sluice::testing
