// Every way to end, in every stage, by either side, through every transport: why sluice says the
// connection has ended, and how it tells the one who is still there.
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/close_reason.h"
#include "gtest/gtest.h"
#include "tests/sim/scenario.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

using End = PeerScript::End;

enum class Stage {
  kConnecting,
  kHandshaking,
  kIdle,            // Both have said something, and all of it has arrived.
  kClientQueued,    // The client has sent more than the upstream reads.
  kUpstreamQueued,  // The upstream has sent more than the client reads.
  kHalfClosed,      // The other side has sent FIN; half_close is on.
};
enum class Event { kFin, kReset, kStall, kStop };
enum class Actor { kClient, kUpstream };

constexpr int64_t kEventMs = 300;
// More than both kernels hold between them (SimSocket::Sizes), so that sluice holds some too.
constexpr uint64_t kQueuedBytes = 180'000;

struct Cell {
  Stage stage;
  Actor actor;
  Event event;
  // "reason, what the client is told, what the upstream is told". "-": it has left, does not listen
  // or was never there.
  const char* plain;  // Null: there is no such cell.
  const char* tls;
};

// A server's or a client's part of a cell, apart from the event.
PeerScript QuietPeer() {
  PeerScript script;
  script.end = End::kStay;
  script.send_bytes = 1000;
  script.read_bytes_max = 4096;
  return script;
}

void Apply(Event event, PeerScript& script) {
  switch (event) {
    case Event::kFin:
      script.end = End::kFin;
      script.ends_at_ms = kEventMs;
      break;
    case Event::kReset:
      script.end = End::kReset;
      script.ends_at_ms = kEventMs;
      break;
    case Event::kStall:
    case Event::kStop:
      break;
  }
}

Scenario ScenarioOf(const Cell& cell, Transport transport) {
  Scenario scenario;
  scenario.seed = 1;
  scenario.transport = transport;
  scenario.half_close = cell.stage == Stage::kHalfClosed;
  if (cell.event == Event::kStop) scenario.stop_at_ms = kEventMs;
  ConnectionScript connection;
  connection.client = QuietPeer();
  connection.upstream = QuietPeer();
  const bool by_client = cell.actor == Actor::kClient;
  PeerScript& actor = by_client ? connection.client : connection.upstream;
  PeerScript& other = by_client ? connection.upstream : connection.client;
  Apply(cell.event, actor);
  switch (cell.stage) {
    case Stage::kConnecting:
      connection.upstream.send_bytes = 0;
      if (by_client) {
        connection.connect_ms = 2 * kEventMs;
      } else if (cell.event == Event::kReset) {
        scenario.fates = {Fate::kRefuses};
      } else {
        scenario.fates = {Fate::kBlackHole};
      }
      break;
    case Stage::kHandshaking:
      // Bytes that wait for the upstream would keep sluice from reading on, and so from noticing.
      connection.client.send_bytes = 0;
      if (by_client || cell.event == Event::kStall || cell.event == Event::kStop) {
        scenario.fates = {Fate::kSilent};
      } else {
        scenario.fates = {cell.event == Event::kFin ? Fate::kClosesMidway : Fate::kResetsMidway};
      }
      break;
    case Stage::kIdle:
      break;
    case Stage::kClientQueued:
      connection.client.send_bytes = kQueuedBytes;
      connection.upstream.stops_reading_after = 10'000;
      break;
    case Stage::kUpstreamQueued:
      connection.upstream.send_bytes = kQueuedBytes;
      connection.client.stops_reading_after = 10'000;
      break;
    case Stage::kHalfClosed:
      other.end = End::kFin;
      if (cell.event == Event::kStall || cell.event == Event::kStop) {
        actor.end = End::kFin;
        actor.ends_at_ms = 10 * scenario.timeout_ms;
      }
      break;
  }
  scenario.connections.push_back(connection);
  return scenario;
}

std::string Told(const SimPeer* peer) {
  if (peer == nullptr || !peer->socket().connected()) return "-";
  if (!peer->saw_reset() && !peer->saw_fin()) {
    return peer->has_left() || peer->reads_no_more() ? "-" : "nothing";
  }
  return absl::StrCat(peer->saw_close_notify() ? "close_notify+" : "",
                      peer->saw_fin() ? "FIN" : "RST");
}

std::string Outcome(const Cell& cell, Transport transport) {
  World world(ScenarioOf(cell, transport));
  if (std::string error = world.Run(); !error.empty()) return error;
  const Record& record = world.records()[0];
  const SimPeer* upstream = record.attempts.empty() ? nullptr : record.attempts.back().peer.get();
  return absl::StrCat(engine::CloseReasonName(record.reason), ", ", Told(record.client.get()), ", ",
                      Told(upstream));
}

const Cell kCells[] = {
    {Stage::kConnecting, Actor::kClient, Event::kFin, "client_closed, FIN, FIN",
     "client_closed, FIN, close_notify+FIN"},
    {Stage::kConnecting, Actor::kClient, Event::kReset, "client_reset, -, RST",
     "client_reset, -, RST"},
    {Stage::kConnecting, Actor::kClient, Event::kStall, "idle_timeout, FIN, FIN",
     "idle_timeout, FIN, close_notify+FIN"},
    {Stage::kConnecting, Actor::kClient, Event::kStop, "shutdown, FIN, -", "shutdown, FIN, -"},
    {Stage::kConnecting, Actor::kUpstream, Event::kReset, "connect_failed, FIN, -",
     "connect_failed, FIN, -"},
    {Stage::kConnecting, Actor::kUpstream, Event::kStall, "connect_timeout, FIN, -",
     "connect_timeout, FIN, -"},
    {Stage::kHandshaking, Actor::kClient, Event::kFin, nullptr, "connect_timeout, FIN, -"},
    {Stage::kHandshaking, Actor::kClient, Event::kReset, nullptr, "client_reset, -, -"},
    {Stage::kHandshaking, Actor::kClient, Event::kStall, nullptr, "connect_timeout, FIN, -"},
    {Stage::kHandshaking, Actor::kClient, Event::kStop, nullptr, "shutdown, FIN, -"},
    {Stage::kHandshaking, Actor::kUpstream, Event::kFin, nullptr, "handshake_failed, FIN, -"},
    {Stage::kHandshaking, Actor::kUpstream, Event::kReset, nullptr, "handshake_failed, FIN, -"},
    {Stage::kHandshaking, Actor::kUpstream, Event::kStall, nullptr, "connect_timeout, FIN, -"},
    {Stage::kIdle, Actor::kClient, Event::kFin, "client_closed, FIN, FIN",
     "client_closed, FIN, close_notify+FIN"},
    {Stage::kIdle, Actor::kClient, Event::kReset, "client_reset, -, RST", "client_reset, -, RST"},
    {Stage::kIdle, Actor::kClient, Event::kStall, "idle_timeout, FIN, FIN",
     "idle_timeout, FIN, close_notify+FIN"},
    {Stage::kIdle, Actor::kClient, Event::kStop, "shutdown, FIN, FIN",
     "shutdown, FIN, close_notify+FIN"},
    {Stage::kIdle, Actor::kUpstream, Event::kFin, "upstream_closed, FIN, FIN",
     "upstream_closed, FIN, close_notify+FIN"},
    {Stage::kIdle, Actor::kUpstream, Event::kReset, "upstream_reset, RST, -",
     "upstream_reset, RST, -"},
    {Stage::kIdle, Actor::kUpstream, Event::kStall, "idle_timeout, FIN, FIN",
     "idle_timeout, FIN, close_notify+FIN"},
    {Stage::kClientQueued, Actor::kClient, Event::kFin, "idle_timeout, FIN, -",
     "idle_timeout, FIN, -"},
    {Stage::kClientQueued, Actor::kClient, Event::kReset, "idle_timeout, -, -",
     "idle_timeout, -, -"},
    {Stage::kClientQueued, Actor::kClient, Event::kStall, "idle_timeout, FIN, -",
     "idle_timeout, FIN, -"},
    {Stage::kClientQueued, Actor::kClient, Event::kStop, "shutdown, FIN, -", "shutdown, FIN, -"},
    {Stage::kClientQueued, Actor::kUpstream, Event::kFin, "upstream_closed, FIN, -",
     "upstream_closed, FIN, -"},
    {Stage::kClientQueued, Actor::kUpstream, Event::kReset, "upstream_reset, RST, -",
     "upstream_reset, RST, -"},
    {Stage::kClientQueued, Actor::kUpstream, Event::kStall, "idle_timeout, FIN, -",
     "idle_timeout, FIN, -"},
    {Stage::kUpstreamQueued, Actor::kClient, Event::kFin, "client_closed, -, FIN",
     "client_closed, -, close_notify+RST"},
    {Stage::kUpstreamQueued, Actor::kClient, Event::kReset, "client_reset, -, RST",
     "client_reset, -, RST"},
    {Stage::kUpstreamQueued, Actor::kClient, Event::kStall, "idle_timeout, -, FIN",
     "idle_timeout, -, close_notify+RST"},
    {Stage::kUpstreamQueued, Actor::kClient, Event::kStop, "shutdown, -, FIN",
     "shutdown, -, close_notify+RST"},
    {Stage::kUpstreamQueued, Actor::kUpstream, Event::kFin, "idle_timeout, -, FIN",
     "idle_timeout, -, close_notify+RST"},
    {Stage::kUpstreamQueued, Actor::kUpstream, Event::kReset, "idle_timeout, -, -",
     "idle_timeout, -, -"},
    {Stage::kUpstreamQueued, Actor::kUpstream, Event::kStall, "idle_timeout, -, FIN",
     "idle_timeout, -, close_notify+RST"},
    {Stage::kHalfClosed, Actor::kClient, Event::kFin, "upstream_closed, FIN, FIN",
     "upstream_closed, FIN, close_notify+FIN"},
    {Stage::kHalfClosed, Actor::kClient, Event::kReset, "client_reset, FIN, RST",
     "client_reset, FIN, RST"},
    {Stage::kHalfClosed, Actor::kClient, Event::kStall, "idle_timeout, FIN, FIN",
     "idle_timeout, FIN, close_notify+FIN"},
    {Stage::kHalfClosed, Actor::kClient, Event::kStop, "shutdown, FIN, FIN",
     "shutdown, FIN, close_notify+FIN"},
    {Stage::kHalfClosed, Actor::kUpstream, Event::kFin, "client_closed, FIN, FIN",
     "client_closed, FIN, close_notify+FIN"},
    {Stage::kHalfClosed, Actor::kUpstream, Event::kReset, "upstream_reset, RST, FIN",
     "upstream_reset, RST, close_notify+FIN"},
    {Stage::kHalfClosed, Actor::kUpstream, Event::kStall, "idle_timeout, FIN, FIN",
     "idle_timeout, FIN, close_notify+FIN"},
};

std::string Name(const Cell& cell) {
  static constexpr const char* kStages[] = {"connecting",    "handshaking",     "idle",
                                            "client queued", "upstream queued", "half-closed"};
  static constexpr const char* kEvents[] = {"FIN", "RST", "stall", "stop"};
  return absl::StrCat(kStages[static_cast<int>(cell.stage)], ", ",
                      cell.actor == Actor::kClient ? "client " : "upstream ",
                      kEvents[static_cast<int>(cell.event)]);
}

TEST(CloseMatrix, EveryCellEndsAsItShould) {
  for (const Cell& cell : kCells) {
    SCOPED_TRACE(Name(cell));
    if (cell.plain != nullptr) {
      EXPECT_EQ(Outcome(cell, Transport::kPlain), cell.plain);
    }
    if (cell.tls != nullptr) {
      EXPECT_EQ(Outcome(cell, Transport::kTls12), cell.tls);
      EXPECT_EQ(Outcome(cell, Transport::kTls13), cell.tls);
    }
  }
}

}  // namespace
}  // namespace sluice::sim
