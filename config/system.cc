#include "config/system.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "config/endpoint.h"

namespace sluice::config {
namespace {

absl::StatusOr<std::vector<Address>> Resolve(const std::string& host) {
  // AI_ADDRCONFIG: no IPv6 addresses on a machine that has no IPv6.
  const addrinfo hints = {
      .ai_flags = AI_ADDRCONFIG, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) return absl::NotFoundError(gai_strerror(error));
  absl::Cleanup free_list = [list] { freeaddrinfo(list); };

  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    Address address = AddressFromSockaddr(entry->ai_addr, entry->ai_addrlen);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  if (addresses.empty()) return absl::NotFoundError("no IPv4 or IPv6 address");
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const Address& address) { return address.family() == AF_INET; });
  return addresses;
}

absl::StatusOr<mode_t> ModeOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return info.st_mode;
  const int error = errno;
  const std::string message = absl::StrCat("stat() failed (", error, ": ", strerror(error), ")");
  return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

std::vector<int> UsableCpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  // Fails on a machine with more CPUs than cpu_set_t holds (1024).
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

}  // namespace

System ThisSystem() {
  return {.resolve = Resolve,
          .user_exists = [](const std::string& name) { return getpwnam(name.c_str()) != nullptr; },
          .group_exists = [](const std::string& name) { return getgrnam(name.c_str()) != nullptr; },
          .mode_of = ModeOf,
          .usable_cpus = UsableCpus(),
          .is_privileged = geteuid() == 0};
}

}  // namespace sluice::config
