// The machine that golden configurations are compiled for: the same on every machine.
#ifndef SLUICE_TESTS_GOLDEN_GOLDEN_OPTIONS_H_
#define SLUICE_TESTS_GOLDEN_GOLDEN_OPTIONS_H_

#include <string>
#include <vector>

#include "config/load.h"

namespace sluice::golden {

// Where the configurations are, seen from where Bazel starts a test.
inline constexpr char kDirectory[] = "tests/golden";

// Names in kDirectory that end with ".conf", sorted.
std::vector<std::string> ConfigurationNames();

// Options to load `file`, relative to kDirectory. The machine has four CPUs, the users "nobody" and
// "proxy", the groups "nogroup" and "proxy", and knows the hosts backend1 to backend3.example.com,
// many.example.com (two IPv4 addresses, one IPv6) and localhost. A certificate, key or other TLS
// file is bad if its contents start with "bad". Where it matters what a file is, or who may read
// it, all are regular files, but /dev/null (a device), /run/fifo and /var/log (a folder); everyone
// may read those with "open" in their path, there are none with "missing", and none with
// "forbidden" can be looked at.
config::LoadOptions GoldenOptions(const std::string& file);

}  // namespace sluice::golden

#endif  // SLUICE_TESTS_GOLDEN_GOLDEN_OPTIONS_H_
