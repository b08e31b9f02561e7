// The physical limits of this machine for what a TLS stream proxy does, one CPU at work.
//
//   bazel run --config=opt //bench/limits
//   bazel run --config=opt //bench/limits -- --json
//
// No proxy can seal faster than the AEAD or relay cheaper than a loop that does nothing else; what
// it costs beyond that is its own. What is measured is pinned to --cpu and what it talks to to
// --peer_cpu. Every figure is CPU time of one thread, user and kernel, and a median. The kernel's
// work for a packet on loopback falls to whoever sends it.
//
// The JSON is one object of objects of numbers, each of whose names ends with its unit:
//
//   {"aead": {"aes_128_gcm_seal_16384_gb_per_s": 5.5, ...},
//    "primitives": {"x25519_derive_us": 40, ...},
//    "socket": {"recv_64_us": 0.4, "send_64_us": 1.6, ...},
//    "relay": {"bulk_s_per_gb": 0.24, "splice_s_per_gb": 0.13, "small_us": 7.2, "churn_us": 30}}
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "bench/limits/bare_relay.h"
#include "bench/limits/crypto.h"
#include "bench/limits/measure.h"
#include "bench/limits/relay_limits.h"
#include "bench/limits/sockets.h"

ABSL_FLAG(int, cpu, -1, "The CPU that is measured. -1: the first that may be used.");
ABSL_FLAG(int, peer_cpu, -1, "The CPU of those it talks to. -1: the next one.");
ABSL_FLAG(bool, json, false, "Whether to print JSON instead of a table.");
ABSL_FLAG(bool, quick, false, "Measures for 50 ms a figure instead of 500: to see that it works.");

namespace sluice::bench {
namespace {

struct Group {
  const char* name;
  const char* what;
  Figures figures;
};

void PrintTable(const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    std::printf("%s\n", group.what);
    for (const Figure& figure : group.figures) {
      std::printf("  %-42s %10.3f\n", figure.name.c_str(), figure.value);
    }
  }
}

void PrintJson(const std::vector<Group>& groups) {
  // The names are ours: nothing in them needs an escape.
  std::printf(
      "{%s}\n",
      absl::StrJoin(groups, ", ", [](std::string* out, const Group& group) {
        absl::StrAppendFormat(
            out, "\"%s\": {%s}", group.name,
            absl::StrJoin(group.figures, ", ", [](std::string* inner, const Figure& figure) {
              absl::StrAppendFormat(inner, "\"%s\": %.6g", figure.name, figure.value);
            }));
      }).c_str());
}

// -1 is replaced. False, with a line on stderr: it cannot be used.
bool ChooseCpu(const char* flag, const std::vector<int>& usable, size_t by_default, int* cpu) {
  if (*cpu == -1) *cpu = usable[by_default % usable.size()];
  if (absl::c_linear_search(usable, *cpu)) return true;
  std::fprintf(stderr, "limits: --%s=%d: this process may run on CPUs %s\n", flag, *cpu,
               absl::StrJoin(usable, ", ").c_str());
  return false;
}

int Main() {
  MeasureOptions options{.cpu = absl::GetFlag(FLAGS_cpu),
                         .peer_cpu = absl::GetFlag(FLAGS_peer_cpu),
                         .seconds = absl::GetFlag(FLAGS_quick) ? 0.05 : 0.5};
  const std::vector<int> usable = UsableCpus();
  if (!ChooseCpu("cpu", usable, 0, &options.cpu)) return 2;
  // The next one behind it, whichever it is.
  const size_t place = static_cast<size_t>(absl::c_find(usable, options.cpu) - usable.begin());
  if (!ChooseCpu("peer_cpu", usable, place + 1, &options.peer_cpu)) return 2;
  if (options.cpu == options.peer_cpu) {
    std::fprintf(stderr, "limits: both sides share CPU %d, which slows them down\n", options.cpu);
  }
  if (const int error = CheckIoUring(); error != 0) {
    std::fprintf(stderr, "limits: io_uring cannot be used: %s\n", std::strerror(error));
    return 1;
  }

  PinThread(options.cpu);
  std::vector<Group> groups;
  groups.push_back({"aead", "AEAD, GB of plaintext a second", MeasureAeads(options.seconds)});
  groups.push_back({"primitives", "Handshake primitives, us", MeasurePrimitives(options.seconds)});
  groups.push_back({"socket", "System calls on loopback TCP, us", MeasureSockets(options)});
  // The relay has a thread of its own: this one must not stand in its way.
  PinThread(options.peer_cpu);
  groups.push_back({"relay", "A bare relay without TLS", MeasureRelay(options)});
  absl::GetFlag(FLAGS_json) ? PrintJson(groups) : PrintTable(groups);
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("The physical limits of this machine for a TLS stream proxy.");
  if (const auto rest = absl::ParseCommandLine(argc, argv); rest.size() > 1) {
    std::fprintf(stderr, "limits: what is \"%s\"? Try --help\n", rest[1]);
    return 2;
  }
  return sluice::bench::Main();
}
