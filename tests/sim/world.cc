#include "tests/sim/world.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "engine/limits.h"
#include "engine/logger.h"
#include "tests/sim/judge.h"
#include "tests/sim/tls_peers.h"

namespace sluice::sim {

using engine::CloseKind;
using engine::CloseReason;
using engine::Connection;
using engine::Op;
using engine::Operations;
using engine::RecvWish;
using engine::Side;
using engine::Token;

namespace {

// A run that takes longer than this does not end.
constexpr int64_t kRunMsMax = 3'600'000;
constexpr int kTurnsMax = 1'000'000;
// A timer that fires so often without anything changing is a busy loop.
constexpr int kSpinsMax = 50;

// What the log says is of no interest here, but that it can be said is.
engine::Logger& NoLog() {
  static engine::Logger* const logger = [] {
    auto* made = new engine::Logger;
    made->UseForProcess(*made->OpenSet({{.file = "/dev/null", .level = config::LogLevel::kDebug}}));
    CHECK(made->StartQueueing().ok());
    return made;
  }();
  return *logger;
}

config::Address LoopbackAddress(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

PatternStream StreamFrom(Side side, const Scenario& scenario, size_t connection) {
  return PatternStream(scenario.seed * 1000 + connection * 2 + engine::Index(side));
}

// What the first client is to get, from its upstream or without one.
std::string ReturnText(const Scenario& scenario) {
  const PatternStream stream = StreamFrom(Side::kUpstream, scenario, 0);
  std::string text;
  while (text.size() < scenario.num_returned_bytes) {
    const auto bytes = stream.At(text.size(), scenario.num_returned_bytes - text.size());
    text.append(bytes.begin(), bytes.end());
  }
  return text;
}

// Each method that is the same every time has its turn: who is chosen must not matter to what the
// engine promises.
config::Balance BalanceOf(const Scenario& scenario) {
  using Method = config::Balance::Method;
  using Time = config::Balance::Time;
  config::Balance balance;
  switch (scenario.seed % 8) {
    case 0:
      balance.method = Method::kHash;
      balance.hash_key.Prepend("key");
      break;
    case 1:
      balance.method = Method::kConsistentHash;
      balance.hash_key.Prepend("key");
      break;
    case 2:
      balance.method = Method::kLeastConn;
      break;
    case 3:
      return {.method = Method::kLeastTime, .time = Time::kConnect, .inflight = true};
    case 4:
      return {.method = Method::kLeastTime, .time = Time::kFirstByte, .inflight = true};
    case 5:
      return {.method = Method::kLeastTime, .time = Time::kLastByte, .inflight = true};
    default:
      break;
  }
  return balance;
}

tls::Version VersionOf(Transport transport) {
  return transport == Transport::kTls12 ? tls::Version::kTls12 : tls::Version::kTls13;
}

config::Plan PlanOf(const Scenario& scenario) {
  config::Plan plan;
  plan.listeners.push_back({.address = LoopbackAddress(1),
                            .server = 0,
                            .proxy_protocol = scenario.client_header != ClientHeader::kNone});
  config::Server server;
  server.upstream = 0;
  server.connect_timeout_ms = scenario.connect_timeout_ms;
  server.timeout_ms = scenario.timeout_ms;
  server.buffer_bytes_given = scenario.buffer_bytes > 0;
  if (server.buffer_bytes_given) server.buffer_bytes = scenario.buffer_bytes;
  server.next_upstream = scenario.next_upstream;
  server.next_upstream_tries = scenario.next_upstream_tries;
  server.next_upstream_timeout_ms = scenario.next_upstream_timeout_ms;
  server.half_close = scenario.half_close;
  if (scenario.sends_header) server.sent_proxy_header = config::SentProxyHeader::kVersion1;
  if (scenario.transport != Transport::kPlain) {
    server.tls_profile = 0;
    plan.tls_profiles.push_back(ClientSettings());
    plan.tls_profiles.back().session_reuse = scenario.session_reuse;
  }
  if (scenario.num_returned_bytes > 0) {
    server.upstream = config::kNoIndex;
    server.return_text.Prepend(ReturnText(scenario));
  }
  if (scenario.client_transport != Transport::kPlain) {
    plan.listeners.back().ssl = true;
    if (scenario.selects_by_name) plan.listeners.back().names.Add(kServerName, 0);
    server.client_tls_profile = 0;
    server.client_handshake_timeout_ms = scenario.client_handshake_timeout_ms;
    plan.client_tls_profiles.push_back(ServerSettings(scenario.verify_client));
    plan.client_tls_profiles.back().session_tickets = scenario.session_reuse;
  }
  plan.servers.push_back(server);
  config::Upstream upstream = {.name = "backend"};
  upstream.balance = BalanceOf(scenario);
  for (size_t i = 0; i < scenario.fates.size(); ++i) {
    upstream.peers.push_back({.address = LoopbackAddress(static_cast<uint16_t>(1000 + i))});
  }
  plan.upstreams.push_back(upstream);
  return plan;
}

std::shared_ptr<const engine::ShardPlan> ShardPlanOf(const Scenario& scenario) {
  tls::TicketCache tickets(1);
  tls::ServerSessionCache client_sessions;
  auto plan = engine::ShardPlan::Create(std::make_shared<engine::RuntimePlan>(
      PlanOf(scenario), std::vector<engine::LogSetRef>(1), tickets, client_sessions));
  CHECK(plan.ok()) << plan.status();
  return *std::move(plan);
}

}  // namespace

World::World(const Scenario& scenario, bool trace)
    : scenario_(scenario),
      trace_(trace),
      random_(scenario.seed ^ 0x5eed),
      kernel_(random_, scenario.faults),
      plan_(ShardPlanOf(scenario)),
      context_(new engine::ShardContext{
          .logger = &NoLog(),
          .next_connection_number = &next_connection_number_,
          .slabs = engine::SlabPool(scenario.slab_budget_bytes),
          .splice_pipes = {scenario.splice_pipes_max, scenario.splice_run_bytes_min}}),
      records_(scenario.connections.size()),
      slots_(scenario.connections.size()) {}

World::~World() {
  NoLog().Drain();
  if (error_.empty()) return;
  // A connection that has not closed may not be destroyed, nor what it uses: both stay in memory.
  (void)context_.release();
  (void)new std::vector<Slot>(std::move(slots_));
}

template <typename... Args>
void World::Trace(const Args&... args) const {
  if (!trace_) return;
  std::fprintf(stderr, "%8lld  %s\n", static_cast<long long>(now_ms_ - start_ms_),
               absl::StrCat(args...).c_str());
}

void World::Fail(const std::string& error) {
  if (!error.empty() && error_.empty()) error_ = error;
}

// --- As a worker does ----------------------------------------------------------------------------

void World::Start(uint32_t slot) {
  const ConnectionScript& script = scenario_.connections[slot];
  const int fd = kernel_.OpenSocket(script.client_sizes, {});
  kernel_.socket(fd).Connect();
  std::unique_ptr<tls::TestConnection> tls;
  if (scenario_.client_transport != Transport::kPlain) {
    // What the client before has been given.
    SSL_SESSION* const offered = slot > 0 && records_[slot - 1].client != nullptr
                                     ? records_[slot - 1].client->session()
                                     : nullptr;
    tls = ConnectTls(script.client_fate, VersionOf(scenario_.client_transport), offered);
  }
  records_[slot].client =
      std::make_unique<SimPeer>(random_, kernel_.socket(fd), script.client, script.client_fate,
                                std::move(tls), StreamFrom(Side::kClient, scenario_, slot),
                                StreamFrom(Side::kUpstream, scenario_, slot), now_ms_);
  if (scenario_.client_header == ClientHeader::kGood) {
    records_[slot].client->SayFirst("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n");
  }
  slots_[slot].started = true;
  slots_[slot].connection.emplace(
      *context_, plan_, Connection::Client{.listener = 0, .fd = fd, .address = LoopbackAddress(7)},
      now_ms_);
  Trace("connection ", slot, " accepted as descriptor ", fd);
  Touch(slot);
}

void World::Touch(uint32_t slot) {
  if (std::exchange(slots_[slot].touched, true)) return;
  touched_.push_back(slot);
}

void World::OnCompletion(const SimCompletion& completion) {
  const Token& token = completion.token;
  Slot& slot = slots_[token.slot];
  if (!slot.connection.has_value()) return Fail("a completion for a connection that has ended");
  if (completion.result > 0) last_bytes_ms_ = now_ms_;
  Connection& connection = *slot.connection;
  const char* side = token.side == Side::kClient ? "client" : "upstream";
  if (token.op == Op::kConnect) {
    Trace(token.slot, " connected: ", completion.result);
    connection.OnConnected(completion.result);
    if (completion.result == 0 && connection.logs_at(config::LogLevel::kInfo)) {
      connection.LogConnected(LoopbackAddress(8));
    }
  } else if (token.op == Op::kRecv && connection.fills(token.side)) {
    int result = completion.result;
    engine::SplicePipe* const pipe = connection.pipe_to_fill(token.side);
    if (result >= 0) {
      result = pipe == nullptr ? -ECANCELED
                               : kernel_.Fill(connection.fd(token.side), *pipe,
                                              connection.relay().slab_bytes_max());
    }
    Trace(token.slot, " filled from ", side, ": ", result);
    connection.OnFilled(token.side, result);
  } else if (token.op == Op::kSend && connection.drains(token.side)) {
    engine::SplicePipe* const pipe = connection.pipe_to_drain(token.side);
    if (completion.result < 0 || pipe == nullptr) {
      connection.OnDrained(token.side, -ECANCELED);
    } else {
      (void)Drain(token.slot, token.side, *pipe);
    }
  } else if (token.op == Op::kSend) {
    Trace(token.slot, " sent to ", side, ": ", completion.result);
    connection.OnSent(token.side, completion.result);
  } else {
    Trace(token.slot, " received from ", side, ": ", completion.result,
          completion.buffer >= 0 ? " cold" : "", completion.nonempty ? ", more" : "");
    std::span<uint8_t> lent;
    if (completion.buffer >= 0) lent = kernel_.Buffer(completion.buffer, completion.result);
    connection.OnReceived(token.side, completion.result, lent, completion.nonempty);
  }
  if (completion.buffer >= 0) kernel_.ReturnBuffer(completion.buffer);
  Touch(token.slot);
}

void World::AdvanceConnection(uint32_t index) {
  Slot& slot = slots_[index];
  if (!slot.connection.has_value()) return;
  Connection& connection = *slot.connection;
  bool again = true;
  while (std::exchange(again, false)) {
    const Operations operations = connection.Advance(now_ms_);
    for (Side side : {Side::kClient, Side::kUpstream}) {
      again |= !Submit(index, side, operations.ends[engine::Index(side)]);
    }
    if (operations.connect) again |= !ConnectUpstream(index);
  }
  if (connection.closed()) {
    Record& record = records_[index];
    record.reason = connection.close_reason();
    record.closed_at_ms = now_ms_;
    record.bytes = connection.relay().bytes();
    Trace(index, " closed: ", engine::CloseReasonName(record.reason));
    if (kernel_.num_in_flight(index) > 0) return Fail("closed with operations in flight");
    slot.timer_ms = kNeverMs;
    slot.connection.reset();
    return;
  }
  const int64_t deadline_ms = connection.deadline_ms();
  if (deadline_ms != Connection::kNever && deadline_ms < slot.timer_ms) {
    slot.timer_ms = std::max(deadline_ms, now_ms_);
  }
}

bool World::Submit(uint32_t slot, Side side, const Operations::End& operations) {
  const auto token = [&](Op op) { return Token{.op = op, .side = side, .slot = slot}; };
  const char* name = side == Side::kClient ? "client" : "upstream";
  if (operations.cancel_recv) kernel_.Cancel(token(Op::kRecv));
  if (operations.cancel_send) kernel_.Cancel(token(Op::kSend));
  if (operations.cancel_connect) kernel_.Cancel(token(Op::kConnect));
  if (operations.cancel_recv || operations.cancel_send || operations.cancel_connect) {
    Trace(slot, " cancel at ", name, operations.cancel_recv ? " recv" : "",
          operations.cancel_send ? " send" : "", operations.cancel_connect ? " connect" : "");
  }
  if (operations.close != CloseKind::kNone) {
    CloseSocket(slot, side, operations);
  }
  const int fd = slots_[slot].connection->fd(side);
  switch (operations.recv.kind) {
    case RecvWish::Kind::kNone:
      break;
    case RecvWish::Kind::kCold:
      Trace(slot, " receive from ", name, " cold", operations.poll_first ? ", poll first" : "");
      kernel_.ReceiveProvided(fd, token(Op::kRecv), operations.poll_first);
      break;
    case RecvWish::Kind::kHot:
      Trace(slot, " receive from ", name, " hot ", operations.recv.room.size());
      kernel_.Receive(fd, operations.recv.room, token(Op::kRecv), operations.poll_first);
      break;
    case RecvWish::Kind::kSplice:
      Trace(slot, " fill from ", name);
      kernel_.Poll(fd, token(Op::kRecv));
      break;
  }
  bool all_waits = true;
  if (operations.drain != nullptr) all_waits = Drain(slot, side, *operations.drain);
  if (!operations.send.empty()) {
    Trace(slot, " send to ", name, " ", operations.send.size());
    kernel_.Send(fd, operations.send, token(Op::kSend), operations.send_at_once);
  }
  if (operations.shutdown_write) {
    Trace(slot, " shutdown to ", name);
    kernel_.ShutdownWrite(fd);
  }
  return all_waits;
}

bool World::Drain(uint32_t slot, Side side, engine::SplicePipe& pipe) {
  Connection& connection = *slots_[slot].connection;
  const int result = kernel_.Drain(connection.fd(side), pipe);
  Trace(slot, " drained to ", side == Side::kClient ? "client: " : "upstream: ", result);
  if (result == -EAGAIN) {
    kernel_.Poll(connection.fd(side), {.op = Op::kSend, .side = side, .slot = slot});
    return true;
  }
  if (result > 0) last_bytes_ms_ = now_ms_;
  connection.OnDrained(side, result);
  return false;
}

void World::CloseSocket(uint32_t slot, Side side, const Operations::End& operations) {
  const int fd = operations.close_fd;
  const char* name = side == Side::kClient ? "client" : "upstream";
  const bool reset = operations.close == CloseKind::kReset;
  if (!operations.close_now) {
    if (const int num_undelivered = kernel_.NumUndelivered(fd); num_undelivered > 0) {
      Trace(slot, " close of ", name, " deferred, ", num_undelivered, " bytes undelivered");
      if (!reset) kernel_.ShutdownWrite(fd);
      slots_[slot].connection->OnCloseDeferred(side, fd, num_undelivered);
      return;
    }
  }
  Trace(slot, reset ? " reset of " : " close of ", name);
  kernel_.Close(fd, reset);
}

bool World::ConnectUpstream(uint32_t slot) {
  Connection& connection = *slots_[slot].connection;
  const ConnectionScript& script = scenario_.connections[slot];
  const auto& peers = plan_->plan().upstreams[0].peers;
  const Fate fate = scenario_.fates[&connection.peer() - peers.data()];
  Trace(slot, " connects to ", connection.peer().address.text, ": ", FateName(fate));
  Record::Attempt& attempt = records_[slot].attempts.emplace_back(Record::Attempt{.fate = fate});
  if (fate == Fate::kNoSocket) {
    connection.OnUpstreamSocketFailed("socket()", EMFILE);
    return false;
  }
  SimConnect connect = {.at_ms = now_ms_ + script.connect_ms};
  if (fate == Fate::kNoPort) connect.error = EADDRNOTAVAIL;
  if (fate == Fate::kRefuses) connect.error = ECONNREFUSED;
  if (fate == Fate::kUnreachable) connect.error = EHOSTUNREACH;
  if (fate == Fate::kBlackHole) connect.at_ms = kNeverMs;
  const int fd = kernel_.OpenSocket(script.upstream_sizes, connect);
  std::unique_ptr<tls::TestConnection> tls;
  if (scenario_.transport != Transport::kPlain) {
    tls = AcceptTls(fate, VersionOf(scenario_.transport));
  }
  attempt.peer =
      std::make_unique<SimPeer>(random_, kernel_.socket(fd), script.upstream, fate, std::move(tls),
                                StreamFrom(Side::kUpstream, scenario_, slot),
                                StreamFrom(Side::kClient, scenario_, slot), now_ms_);
  if (scenario_.sends_header) {
    attempt.peer->ExpectFirst("PROXY TCP4 127.0.0.1 127.0.0.1 7 1\r\n");
  }
  connection.OnUpstreamSocket(fd);
  kernel_.Connect(fd, {.op = Op::kConnect, .side = Side::kUpstream, .slot = slot});
  return true;
}

// --- Time ----------------------------------------------------------------------------------------

bool World::all_closed() const {
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.started && !slot.connection.has_value(); });
}

bool World::Turn() {
  bool moved = false;
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot].started && now_ms_ >= start_ms_ + scenario_.connections[slot].start_ms) {
      Start(slot);
      moved = true;
    }
  }
  if (!stopped_ && scenario_.stop_at_ms != kNeverMs &&
      now_ms_ >= start_ms_ + scenario_.stop_at_ms) {
    stopped_ = true;
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (!slots_[slot].connection.has_value()) continue;
      Trace(slot, " is told to stop");
      records_[slot].stopped = true;
      slots_[slot].connection->OnStop(now_ms_);
      Touch(slot);
    }
  }
  for (Record& record : records_) {
    if (record.client == nullptr) continue;
    moved |= record.client->Step(now_ms_);
    Fail(record.client->error());
    for (Record::Attempt& attempt : record.attempts) {
      if (attempt.peer == nullptr) continue;
      moved |= attempt.peer->Step(now_ms_);
      Fail(attempt.peer->error());
    }
  }
  moved |= kernel_.Run(now_ms_);
  moved |= kernel_.has_completions();
  bool told = stopped_;
  while (const auto completion = kernel_.TakeCompletion()) {
    OnCompletion(*completion);
    told = true;
  }
  told |= std::any_of(slots_.begin(), slots_.end(),
                      [this](const Slot& slot) { return now_ms_ >= slot.timer_ms; });
  if (told) {
    while (const auto completion = kernel_.TakeUntold()) OnCompletion(*completion);
  }

  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (now_ms_ < slots_[slot].timer_ms) continue;
    slots_[slot].timer_ms = kNeverMs;
    Touch(slot);
  }
  const bool touched = !touched_.empty();
  bool spins = false;
  for (const uint32_t slot : touched_) {
    slots_[slot].touched = false;
    AdvanceConnection(slot);
    spins |= slots_[slot].timer_ms <= now_ms_;
  }
  touched_.clear();
  num_spins_ = spins && !moved ? num_spins_ + 1 : 0;
  if (num_spins_ > kSpinsMax) Fail("a deadline that has passed is told again and again");
  Fail(kernel_.error());
  return moved || touched;
}

int64_t World::NextMs() const {
  int64_t next = kernel_.next_ms(now_ms_);
  for (const Record& record : records_) {
    if (record.client != nullptr) next = std::min(next, record.client->next_ms(now_ms_));
    for (const Record::Attempt& attempt : record.attempts) {
      if (attempt.peer != nullptr) next = std::min(next, attempt.peer->next_ms(now_ms_));
    }
  }
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    next = std::min(next, slots_[slot].timer_ms);
    if (!slots_[slot].started) {
      next = std::min(next, start_ms_ + scenario_.connections[slot].start_ms);
    }
  }
  if (!stopped_ && scenario_.stop_at_ms != kNeverMs && !all_closed()) {
    next = std::min(next, start_ms_ + scenario_.stop_at_ms);
  }
  return next;
}

// Nothing happens until `until_ms`. A shard whose connections have had nothing to do for long holds
// no slabs then.
void World::CheckIdle(int64_t until_ms) {
  if (until_ms <= last_bytes_ms_ + engine::kHotIdleMs + 50 ||
      (context_->slabs.num_in_use() == 0 && context_->splice_pipes.num_in_use() == 0)) {
    return;
  }
  for (const Slot& slot : slots_) {
    if (!slot.connection.has_value()) continue;
    const engine::Relay& relay = slot.connection->relay();
    if (relay.handshaking(Side::kClient) || relay.handshaking(Side::kUpstream) ||
        relay.holds_client_bytes()) {
      return;
    }
    for (Side side : {Side::kClient, Side::kUpstream}) {
      const int fd = slot.connection->fd(side);
      if (relay.has_due(side) || (fd >= 0 && kernel_.busy(fd))) return;
    }
  }
  Fail(absl::StrCat("idle, and ", context_->slabs.num_in_use(), " slabs and ",
                    context_->splice_pipes.num_in_use(), " pipes in use"));
}

std::string World::Run() {
  int64_t next_ms = 0;
  for (int turn = 0; error_.empty(); ++turn) {
    if (Turn()) {
      // Time goes by while things happen, but not with every one of them.
      if (random_.Chance(30)) now_ms_ += random_.Between(1, 2);
    } else if ((next_ms = NextMs()) != kNeverMs) {
      CheckIdle(next_ms);
      now_ms_ = next_ms;
    } else if (all_closed()) {
      break;
    } else {
      Fail("stuck: nothing will ever happen");
    }
    if (turn > kTurnsMax) Fail("no end after so many turns");
    if (now_ms_ - start_ms_ > kRunMsMax) Fail("no end after so long");
  }
  for (size_t i = 0; i < records_.size() && error_.empty(); ++i) {
    Fail(Judge(scenario_, records_[i]));
  }
  if (error_.empty()) CheckTotals();
  if (error_.empty()) return "";
  std::string report =
      absl::StrCat(error_, " (at ", now_ms_ - start_ms_, " ms)\n", Describe(scenario_));
  for (size_t i = 0; i < records_.size(); ++i) {
    absl::StrAppend(&report, "\n  connection ", i, ": ",
                    engine::CloseReasonName(records_[i].reason));
    if (records_[i].client != nullptr) {
      absl::StrAppend(&report, "\n    client: ", records_[i].client->ToString());
    }
    for (const Record::Attempt& attempt : records_[i].attempts) {
      absl::StrAppend(&report, "\n    upstream: ",
                      attempt.peer != nullptr ? attempt.peer->ToString() : FateName(attempt.fate));
    }
  }
  return report;
}

void World::CheckTotals() {
  const engine::Metrics& metrics = context_->metrics;
  const auto expect = [&](const char* name, uint64_t actual, uint64_t expected) {
    if (actual != expected) Fail(absl::StrCat(name, " is ", actual, " and not ", expected));
  };
  expect("slabs in use", static_cast<uint64_t>(context_->slabs.num_in_use()), 0);
  expect("pipes in use", static_cast<uint64_t>(context_->splice_pipes.num_in_use()), 0);
  expect("connections_active", metrics.connections_active.value(), 0);
  expect("connections_accepted_total", metrics.connections_accepted_total.value(), records_.size());
  engine::RelayBytes bytes;
  for (const Record& record : records_) {
    bytes.from_client += record.bytes.from_client;
    bytes.to_client += record.bytes.to_client;
    bytes.from_upstream += record.bytes.from_upstream;
    bytes.to_upstream += record.bytes.to_upstream;
    bytes.spliced += record.bytes.spliced;
  }
  expect("client_received_bytes_total", metrics.client_received_bytes_total.value(),
         bytes.from_client);
  expect("client_sent_bytes_total", metrics.client_sent_bytes_total.value(), bytes.to_client);
  expect("upstream_received_bytes_total", metrics.upstream_received_bytes_total.value(),
         bytes.from_upstream);
  expect("upstream_sent_bytes_total", metrics.upstream_sent_bytes_total.value(), bytes.to_upstream);
  expect("spliced_bytes_total", metrics.spliced_bytes_total.value(), bytes.spliced);
  for (int reason = 0; reason < engine::kNumCloseReasons; ++reason) {
    const auto num = std::count_if(records_.begin(), records_.end(), [&](const Record& record) {
      return static_cast<int>(record.reason) == reason;
    });
    expect(engine::CloseReasonName(static_cast<CloseReason>(reason)),
           metrics.closed_total[reason].value(), static_cast<uint64_t>(num));
  }
  const auto& group = plan_->runtime->group(0);
  for (size_t peer = 0; peer < scenario_.fates.size(); ++peer) {
    expect("connections of a peer",
           static_cast<uint64_t>(group.num_connections(static_cast<int>(peer))), 0);
  }
}

}  // namespace sluice::sim
