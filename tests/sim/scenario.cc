#include "tests/sim/scenario.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sluice::sim {
namespace {

using End = PeerScript::End;

// Mostly little, now and then enough to fill the largest slabs.
uint64_t RandomBytes(Random& random) {
  switch (random.Below(10)) {
    case 0:
    case 1:
      return 0;
    case 2:
    case 3:
    case 4:
      return random.Below(2000);
    case 5:
    case 6:
      return random.Below(40'000);
    case 7:
    case 8:
      return random.Below(200'000);
    default:
      return random.Below(1'500'000);
  }
}

size_t RandomSize(Random& random) {
  return random.OneOf<size_t>({2'000, 10'000, 64'000, 300'000, 2'000'000});
}

PeerScript RandomPeer(Random& random) {
  PeerScript script;
  script.send_bytes = RandomBytes(random);
  // Never so little at a time that a stream takes thousands of writes.
  script.write_bytes_max = std::max<size_t>(random.OneOf<size_t>({100, 4'000, 16'384, 200'000}),
                                            script.send_bytes / 200 + 1);
  if (random.Chance(50)) {
    script.pause_percent = random.OneOf({2, 20});
    script.pause_ms_max = random.OneOf<int64_t>({5, 100, 2'500});
  }
  script.read_bytes_max = random.OneOf<size_t>({3'000, 20'000, 1'000'000});
  script.close_notify = !random.Chance(15);
  script.key_update_percent = random.Chance(20) ? 10 : 0;
  if (random.Chance(25)) {
    script.stops_reading_after = 1 + random.Below(30'000);
    script.stop_ms = random.OneOf<int64_t>({50, 1'500, 4'000});
  }
  return script;
}

// Ends that are no good.
void MakeBad(Random& random, PeerScript& script, bool tls) {
  switch (random.Below(tls ? 6 : 5)) {
    case 0:
      script.end = End::kReset;
      break;
    case 1:
      script.end = End::kVanish;
      break;
    case 2:
      script.end = End::kClose;
      break;
    case 3:
      script.end = End::kStay;
      break;
    case 4:
      script.stop_ms = kNeverMs;
      script.stops_reading_after = 1 + random.Below(100'000);
      break;
    case 5:
      script.breach =
          random.Chance(50) ? PeerScript::Breach::kGarbage : PeerScript::Breach::kFatalAlert;
      break;
  }
  if (script.end != End::kFin && random.Chance(50)) {
    script.ends_at_ms = random.Between(0, random.OneOf({20, 200, 3'000}));
  }
}

}  // namespace

const char* TransportName(Transport transport) {
  switch (transport) {
    case Transport::kPlain:
      return "plain";
    case Transport::kTls12:
      return "TLS 1.2";
    case Transport::kTls13:
      return "TLS 1.3";
  }
  return "?";
}

Scenario RandomScenario(uint64_t seed) {
  Random random(seed);
  Scenario scenario;
  scenario.seed = seed;
  scenario.transport =
      random.OneOf({Transport::kPlain, Transport::kPlain, Transport::kTls12, Transport::kTls13});
  const bool tls = scenario.transport != Transport::kPlain;
  const bool client_tls = random.Chance(35);
  if (client_tls) {
    scenario.client_transport = random.OneOf({Transport::kTls12, Transport::kTls13});
    scenario.verify_client = random.Chance(30);
    scenario.selects_by_name = random.Chance(30);
  }
  scenario.half_close = random.Chance(50);
  scenario.session_reuse = random.Chance(70);
  if (random.Chance(30)) scenario.buffer_bytes = random.OneOf<int64_t>({4'096, 16'384, 100'000});
  if (random.Chance(10)) scenario.slab_budget_bytes = random.OneOf<size_t>({0, 200'000});
  if (random.Chance(20)) scenario.splice_pipes_max = random.OneOf({0, 1});
  if (random.Chance(60)) scenario.splice_run_bytes_min = random.OneOf<uint64_t>({1, 100'000});

  if (random.Chance(35)) {
    // Some good ones among bad ones.
    scenario.fates.clear();
    const int num_peers = static_cast<int>(random.Between(1, 4));
    for (int i = 0; i < num_peers; ++i) {
      if (random.Chance(30)) {
        scenario.fates.push_back(Fate::kGood);
        continue;
      }
      const auto first = static_cast<int64_t>(Fate::kNoSocket);
      const auto last = static_cast<int64_t>(tls ? Fate::kRefusesClient : Fate::kBlackHole);
      scenario.fates.push_back(static_cast<Fate>(random.Between(first, last)));
    }
    scenario.next_upstream = !random.Chance(15);
    if (random.Chance(20)) scenario.next_upstream_tries = 2;
    if (random.Chance(10)) scenario.next_upstream_timeout_ms = 6'000;
  }

  const int num_connections = random.Chance(60) ? 1 : static_cast<int>(random.Between(2, 3));
  for (int i = 0; i < num_connections; ++i) {
    ConnectionScript script;
    script.start_ms = random.OneOf<int64_t>({0, 3, 200, 2'000});
    script.client = RandomPeer(random);
    script.upstream = RandomPeer(random);
    if (random.Chance(40)) {
      // A request and its response.
      script.upstream.starts_after_bytes = script.client.send_bytes;
      if (random.Chance(50)) script.client.waits_for_end = true;
    } else if (random.Chance(30)) {
      (random.Chance(50) ? script.client : script.upstream).waits_for_end = true;
    }
    if (random.Chance(40)) {
      const bool bad_upstream = random.Chance(50);
      MakeBad(random, bad_upstream ? script.upstream : script.client,
              bad_upstream ? tls : client_tls);
      if (random.Chance(10)) MakeBad(random, bad_upstream ? script.client : script.upstream, false);
      if (script.upstream.breach != PeerScript::Breach::kNone && random.Chance(50)) {
        // What came before the breach cannot be passed on.
        script.client.stops_reading_after = 1 + random.Below(30'000);
        script.client.stop_ms = kNeverMs;
      }
    }
    if (client_tls && random.Chance(25)) {
      script.client_fate =
          random.OneOf({Fate::kWrongCertificate, Fate::kNoCertificate, Fate::kSpeaksPlain,
                        Fate::kSilent, Fate::kStallsMidway, Fate::kResets, Fate::kResetsMidway,
                        Fate::kClosesMidway, Fate::kClosesAtOnce, Fate::kResetsAtOnce, Fate::kAlert,
                        Fate::kCloseNotify, Fate::kBreaksAfterHandshake});
    }
    for (SimSocket::Sizes* sizes : {&script.client_sizes, &script.upstream_sizes}) {
      *sizes = {.receive_bytes = RandomSize(random),
                .send_bytes = RandomSize(random),
                .far_bytes = RandomSize(random)};
    }
    script.connect_ms = random.OneOf<int64_t>({0, 1, 30, 900});
    scenario.connections.push_back(script);
  }
  if (random.Chance(10)) scenario.stop_at_ms = random.Between(0, 4'000);

  if (random.Chance(90)) {
    scenario.faults = {.late = random.OneOf({0, 20, 60}),
                       .short_receive = random.OneOf({0, 5, 40}),
                       .no_buffer = random.OneOf({0, 3, 30}),
                       .again = random.OneOf({0, 3, 20}),
                       .pessimistic = random.OneOf({0, 5, 50}),
                       .cancel_loses = random.OneOf({0, 50, 100}),
                       .num_buffers = random.OneOf({1, 2, 8})};
  }
  if (random.Chance(20)) {
    scenario.client_header = random.OneOf(
        {ClientHeader::kGood, ClientHeader::kGood, ClientHeader::kBroken, ClientHeader::kMissing});
    for (ConnectionScript& script : scenario.connections) {
      if (scenario.client_header == ClientHeader::kBroken) ++script.client.send_bytes;
      if (scenario.client_header == ClientHeader::kMissing) {
        script.client.send_bytes = script.upstream.starts_after_bytes = 0;
        if (client_tls) script.client_fate = Fate::kSilent;
      }
    }
  }
  scenario.sends_header = random.Chance(20);
  if (random.Chance(4)) {
    scenario.num_returned_bytes = random.OneOf<size_t>({1, 40'000, 2'500'000});
    scenario.transport = Transport::kPlain;
    scenario.connections.resize(1);
  }
  return scenario;
}

namespace {

std::string Describe(const PeerScript& script) {
  static constexpr const char* kEnds[] = {"FIN", "close", "reset", "vanish", "stay"};
  std::string text = absl::StrCat("sends ", script.send_bytes, " (<=", script.write_bytes_max, ")");
  if (script.starts_after_bytes > 0) {
    absl::StrAppend(&text, " after reading ", script.starts_after_bytes);
  }
  if (script.pause_percent > 0) {
    absl::StrAppend(&text, ", rests ", script.pause_percent, "% <=", script.pause_ms_max, " ms");
  }
  absl::StrAppend(&text, ", reads <=", script.read_bytes_max);
  if (script.stops_reading_after != kNoBytes) {
    absl::StrAppend(&text, ", not after ", script.stops_reading_after, " for ",
                    script.stop_ms == kNeverMs ? "ever" : absl::StrCat(script.stop_ms, " ms"));
  }
  absl::StrAppend(&text, ", ends by ", kEnds[static_cast<int>(script.end)],
                  script.waits_for_end ? " after the other" : "");
  if (script.ends_at_ms != kNeverMs) absl::StrAppend(&text, " at ", script.ends_at_ms, " ms");
  if (!script.close_notify) absl::StrAppend(&text, ", no close_notify");
  if (script.key_update_percent > 0) absl::StrAppend(&text, ", updates keys");
  if (script.breach != PeerScript::Breach::kNone) {
    absl::StrAppend(&text, script.breach == PeerScript::Breach::kGarbage ? ", garbage" : ", alert");
  }
  return text;
}

}  // namespace

std::string Describe(const Scenario& scenario) {
  std::string text = absl::StrCat(
      "seed ", scenario.seed, ": clients ", TransportName(scenario.client_transport),
      scenario.verify_client ? " verified" : "", scenario.selects_by_name ? " by name" : "",
      ", upstreams ", TransportName(scenario.transport), scenario.half_close ? ", half_close" : "",
      scenario.session_reuse ? ", reuse" : "", ", buffer ", scenario.buffer_bytes, ", slab budget ",
      scenario.slab_budget_bytes, ", ", scenario.splice_pipes_max, " pipes after ",
      scenario.splice_run_bytes_min, ", next_upstream ", scenario.next_upstream ? "on" : "off",
      " tries ", scenario.next_upstream_tries, " timeout ", scenario.next_upstream_timeout_ms);
  static constexpr const char* kHeaders[] = {
      "", ", with a PROXY header", ", with a broken PROXY header", ", without their PROXY header"};
  absl::StrAppend(&text, kHeaders[static_cast<int>(scenario.client_header)],
                  scenario.sends_header ? ", sends a PROXY header" : "");
  if (scenario.num_returned_bytes > 0) {
    absl::StrAppend(&text, ", returns ", scenario.num_returned_bytes, " bytes");
  }
  if (scenario.stop_at_ms != kNeverMs) {
    absl::StrAppend(&text, ", stop at ", scenario.stop_at_ms, " ms");
  }
  const SimFaults& faults = scenario.faults;
  absl::StrAppend(&text, "\n  faults %: late ", faults.late, " short ", faults.short_receive,
                  " no_buffer ", faults.no_buffer, " again ", faults.again, " pessimistic ",
                  faults.pessimistic, " cancel_loses ", faults.cancel_loses, ", buffers ",
                  faults.num_buffers, "\n  upstreams:");
  for (const Fate fate : scenario.fates) absl::StrAppend(&text, " [", FateName(fate), "]");
  for (const ConnectionScript& script : scenario.connections) {
    const auto& client = script.client_sizes;
    const auto& upstream = script.upstream_sizes;
    absl::StrAppend(&text, "\n  connection at ", script.start_ms, " ms, connect takes ",
                    script.connect_ms, " ms\n    client:   ", FateName(script.client_fate), ", ",
                    Describe(script.client), "\n      sizes ", client.receive_bytes, "/",
                    client.send_bytes, "/", client.far_bytes,
                    "\n    upstream: ", Describe(script.upstream), "\n      sizes ",
                    upstream.receive_bytes, "/", upstream.send_bytes, "/", upstream.far_bytes);
  }
  return text;
}

}  // namespace sluice::sim
