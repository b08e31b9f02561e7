// The same script through plain TCP, TLS 1.2 and TLS 1.3, on either side: what arrives must be the
// same.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/sim/crash_report.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

// What each end of each connection has read, and how the connection ended.
std::string Outcome(const Scenario& scenario) {
  World world(scenario);
  if (std::string error = world.Run(); !error.empty()) return error;
  std::string outcome;
  for (const Record& record : world.records()) {
    const SimPeer& upstream = *record.attempts.back().peer;
    outcome += "client read " + std::to_string(record.client->num_read()) + ", upstream read " +
               std::to_string(upstream.num_read()) + (record.client->saw_fin() ? ", FIN" : "") +
               (upstream.saw_fin() ? ", FIN\n" : "\n");
  }
  return outcome;
}

TEST(Differential, TlsDeliversWhatPlainDelivers) {
  // With half_close on every byte of both arrives, so that nothing depends on who is faster.
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SetCrashSeed(seed);
    Scenario scenario = RandomScenario(seed);
    scenario.half_close = true;
    // Without an upstream there is nothing to compare.
    scenario.num_returned_bytes = 0;
    scenario.client_header = ClientHeader::kNone;
    scenario.fates = {Fate::kGood};
    scenario.verify_client = false;
    scenario.stop_at_ms = kNeverMs;
    for (ConnectionScript& connection : scenario.connections) {
      connection.client_fate = Fate::kGood;
      for (PeerScript* peer : {&connection.client, &connection.upstream}) {
        peer->end = PeerScript::End::kFin;
        peer->ends_at_ms = kNeverMs;
        peer->breach = PeerScript::Breach::kNone;
        if (peer->stop_ms == kNeverMs) peer->stops_reading_after = kNoBytes;
      }
    }
    constexpr Transport kTransports[] = {Transport::kPlain, Transport::kTls12, Transport::kTls13};
    scenario.transport = scenario.client_transport = Transport::kPlain;
    const std::string plain = Outcome(scenario);
    // Three seeds are through all pairs.
    for (size_t i = 0; i < 3; ++i) {
      scenario.transport = kTransports[i];
      scenario.client_transport = kTransports[(seed + i) % 3];
      ASSERT_EQ(Outcome(scenario), plain) << Describe(scenario);
    }
  }
}

}  // namespace
}  // namespace sluice::sim
