#include "engine/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "config/endpoint.h"
#include "engine/certificate_variable.h"
#include "engine/limits.h"
#include "engine/log_line.h"
#include "engine/system_error.h"
#include "tls/client_hello.h"
#include "tls/key_log.h"
#include "tls/server_context.h"
#include "tls/session.h"
#include "tls/settings.h"

namespace sluice::engine {

using config::LogLevel;

namespace {

constexpr std::string_view kPeerClosedText = "peer closed connection in SSL handshake";

// Results of an operation that mean "not now", not that the socket has failed. ENOBUFS: no
// provided buffer was free; all are again at the end of the turn.
bool IsPassing(int result) {
  return result == -ENOBUFS || result == -ECANCELED || result == -EAGAIN || result == -EINTR;
}

// When `timeout_ms` after `since_ms` have passed for sure. Times are rounded down to milliseconds:
// an event may be almost one later than its time says.
int64_t EndOf(int64_t timeout_ms, int64_t since_ms) { return since_ms + timeout_ms + 1; }

int NumPeersUp(const config::Upstream& upstream) {
  return static_cast<int>(std::count_if(upstream.peers.begin(), upstream.peers.end(),
                                        [](const config::Peer& peer) { return !peer.down; }));
}

}  // namespace

Connection::Connection(ShardContext& shard, std::shared_ptr<const ShardPlan> plan, Client client,
                       int64_t now_ms)
    : shard_(shard),
      plan_(std::move(plan)),
      listener_(plan_->plan().listeners[client.listener]),
      client_address_(std::move(client.address)),
      local_address_(std::move(client.local_address)),
      number_(shard.next_connection_number->fetch_add(1, std::memory_order_relaxed)),
      relay_(shard.slabs, kLargestSlabBytes),
      started_ms_(now_ms),
      now_ms_(now_ms),
      last_activity_ms_(now_ms) {
  SelectServer(listener_.server);
  end(Side::kClient).fd = client.fd;
  end(Side::kClient).connected = true;
  shard_.metrics.connections_accepted_total.Add();
  shard_.metrics.connections_active.Add();
  if (logs_at(LogLevel::kInfo)) {
    LogRaw(LogLevel::kInfo,
           absl::StrCat("client ", client_address_.text, " connected to ", listener_.address.text));
  }
  set_values_.resize(plan_->plan().num_set_slots);
  if (listener_.proxy_protocol) {
    state_ = State::kProxyHeader;
    attempt_deadline_ms_ = EndOf(server_->proxy_protocol_timeout_ms, now_ms_);
  } else {
    StartClient();
  }
}

void Connection::SelectServer(int index) {
  const config::Plan& plan = plan_->plan();
  server_index_ = index;
  server_ = &plan.servers[index];
  const bool returns = server_->upstream == config::kNoIndex;
  upstream_ = returns ? nullptr : &plan.upstreams[server_->upstream];
  group_ = returns ? nullptr : &plan_->runtime->group(server_->upstream);
  relay_.SetLimits(server_->buffer_bytes_given ? server_->buffer_bytes : kLargestSlabBytes,
                   server_->splice ? &shard_.splice_pipes : nullptr);
}

void Connection::StartClient() {
  if (!listener_.ssl) return Begin();
  state_ = State::kClientHandshaking;
  attempt_deadline_ms_ = EndOf(server_->client_handshake_timeout_ms, now_ms_);
  if (listener_.names.empty()) StartClientTls();
}

void Connection::StartClientTls() {
  num_header_bytes_ = relay_.bytes().from_client;
  relay_.StartClientTls(
      tls::Session::Create(*plan_->client_tls_contexts[server_->client_tls_profile]));
}

void Connection::Begin() {
  for (const config::SetVariable& set : server_->sets) {
    set_values_[plan_->plan().variables[set.variable].slot] = Evaluate(set.value, Facts());
  }
  if (upstream_ == nullptr) {
    Return();
    return;
  }
  if (!upstream_->balance.hash_key.text().empty()) {
    attempts_.hash.key = Evaluate(upstream_->balance.hash_key, Facts());
  }
  num_attempts_left_ = NumPeersUp(*upstream_);
  if (server_->next_upstream_tries > 0) {
    num_attempts_left_ = std::min(num_attempts_left_, server_->next_upstream_tries);
  }
  StartAttempt();
}

Connection::~Connection() { CHECK(closed()); }

const config::Peer& Connection::peer() const {
  CHECK_NE(peer_, kNoPeer);
  return upstream_->peers[peer_];
}

std::optional<config::Address> Connection::BindAddress() const {
  if (!server_->bind.has_value()) return std::nullopt;
  if (server_->bind->value.constant()) return server_->bind->address;
  const std::string value = Evaluate(server_->bind->value, Facts());
  std::optional<config::Address> address = config::ParseIpAddress(value);
  if (!address.has_value() && !value.empty()) {
    Log(LogLevel::kError, absl::StrCat("invalid local address \"", value, "\""));
  }
  return address;
}

// --- Facts ---------------------------------------------------------------------------------------

void Connection::OnUpstreamSocket(int fd) {
  End& upstream = end(Side::kUpstream);
  CHECK_EQ(upstream.fd, -1);
  upstream.fd = fd;
  upstream.connect_in_flight = true;
}

void Connection::OnUpstreamSocketFailed(const char* call, int error) {
  connect_error_ = SystemErrorText(call, error);
  connect_failed_locally_ = true;
}

void Connection::OnConnected(int result) {
  End& upstream = end(Side::kUpstream);
  CHECK(upstream.connect_in_flight);
  upstream.connect_in_flight = false;
  upstream.connect_cancelled = false;
  if (state_ != State::kConnecting) return;
  if (result == 0) {
    upstream.connected = true;
  } else {
    connect_error_ = SystemErrorText("connect()", -result);
    connect_failed_locally_ = result == -EADDRNOTAVAIL || result == -ENOBUFS || result == -ENOMEM;
  }
}

void Connection::OnReceived(Side side, int result, std::span<uint8_t> lent, bool nonempty) {
  End& self = end(side);
  CHECK(self.recv_in_flight);
  self.recv_in_flight = false;
  self.recv_cancelled = false;
  self.last_nonempty = nonempty;
  const bool hot = self.recv_kind == RecvWish::Kind::kHot;
  if (hot) relay_.OnHotBytes(side, ignores(side) ? 0 : std::max(result, 0), nonempty);
  if (ignores(side) || IsPassing(result)) return;
  if (result <= 0) return OnReceiveEnded(side, result);
  activity_ = true;
  self.received = true;
  if (!hot) relay_.OnColdBytes(side, lent, nonempty);
}

void Connection::OnFilled(Side side, int result) {
  End& self = end(side);
  CHECK(self.recv_in_flight);
  self.recv_in_flight = self.recv_cancelled = false;
  if (ignores(side)) return;
  // There is something that cannot be spliced: poll would tell of it for ever.
  if (result == -EAGAIN) return relay_.CoolDown(side);
  if (IsPassing(result)) return;
  if (result <= 0) return OnReceiveEnded(side, result);
  activity_ = true;
  self.received = true;
  relay_.OnFilled(side, static_cast<size_t>(result));
}

void Connection::OnReceiveEnded(Side side, int result) {
  if (result < 0) {
    end(side).reset = true;
    if (state_ == State::kRelaying) {
      Log(LogLevel::kInfo, SystemErrorText("recv()", -result),
          side == Side::kClient ? "proxying and reading from client"
                                : "proxying and reading from upstream");
    }
    StopSendingTo(side);
  }
  relay_.OnEnded(side);
}

void Connection::OnSent(Side side, int result) {
  End& self = end(side);
  CHECK(self.send_in_flight);
  self.send_in_flight = false;
  const bool was_cancelled = std::exchange(self.send_cancelled, false);
  const bool was_at_once = std::exchange(self.send_is_at_once, false);
  relay_.OnSent(side, std::max(result, 0));
  self.send_has_room = result >= 0 && static_cast<size_t>(result) == self.send_bytes;
  // One at once followed bytes that had come in the same turn, and may be told of much later.
  if (result > 0 && !was_at_once) activity_ = true;
  if (was_at_once && (result >= 0 || result == -EAGAIN)) return;
  // A send that fails after some bytes reports those. The socket's error has then been told, to
  // nobody: a receive would take what follows for the end of the stream.
  const bool failed = result < 0 ? !IsPassing(result)
                                 : static_cast<size_t>(result) < self.send_bytes && !was_cancelled;
  if (failed) OnSendFailed(side, result);
}

void Connection::OnDrained(Side side, int result) {
  End& self = end(side);
  CHECK(self.send_in_flight);
  self.send_in_flight = self.send_cancelled = self.send_is_drain = false;
  if (result > 0) {
    activity_ = true;
    relay_.OnDrained(side, static_cast<size_t>(result));
  } else if (!IsPassing(result)) {
    OnSendFailed(side, result);
  }
}

void Connection::OnSendFailed(Side side, int result) {
  end(side).send_failed = true;
  StopSendingTo(side);
  if (result < 0 && state_ == State::kRelaying) {
    Log(LogLevel::kInfo, SystemErrorText("send()", -result),
        side == Side::kClient ? "proxying and sending to client"
                              : "proxying and sending to upstream");
  }
}

void Connection::StopSendingTo(Side side) {
  // What waits for an upstream that fails before the handshake is done is for the next one.
  if (side == Side::kClient || state_ == State::kRelaying) relay_.Drop(side);
}

void Connection::OnCloseDeferred(Side side, int fd, int num_undelivered) {
  CHECK(state_ == State::kClosing || state_ == State::kClosed);
  state_ = State::kClosing;
  end(side).fd = fd;
  Deferral& deferral = deferrals_[Index(side)];
  if (deferral.deadline_ms == kNever || num_undelivered < deferral.num_undelivered) {
    deferral.deadline_ms = now_ms_ + kCloseDrainMs;
  }
  deferral.num_undelivered = num_undelivered;
  deferral.retry_ms = now_ms_ + deferral.step_ms;
  deferral.step_ms = std::min(2 * deferral.step_ms, kCloseDrainStepMsMax);
}

void Connection::OnStop(int64_t now_ms) {
  now_ms_ = now_ms;
  if (state_ < State::kFlushing) {
    Finish(CloseReason::kShutdown, CloseKind::kGraceful, CloseKind::kGraceful);
  }
  flush_deadline_ms_ = std::min(flush_deadline_ms_, now_ms_ + kStopFlushMs);
  stopping_ = true;
}

// --- Conclusions ---------------------------------------------------------------------------------

Operations Connection::Advance(int64_t now_ms) {
  now_ms_ = now_ms;
  if (std::exchange(activity_, false)) last_activity_ms_ = now_ms;
  for (End& self : ends_) {
    if (std::exchange(self.received, false)) self.last_received_ms = now_ms;
  }

  Operations operations;
  State before;
  do {
    before = state_;
    Conclude();
    CoolDownIdle();
    for (Side side : {Side::kClient, Side::kUpstream}) {
      TakeTeardown(side, operations.ends[Index(side)]);
    }
    if (state_ == State::kRetrying && end(Side::kUpstream).fd < 0) {
      relay_.ForgetUpstream();
      StartAttempt();
    } else if (state_ == State::kClosing && ends_[0].fd < 0 && ends_[1].fd < 0) {
      state_ = State::kClosed;
    }
  } while (state_ != before);

  CountBytes();

  operations.connect = std::exchange(connect_wanted_, false);
  for (Side side : {Side::kClient, Side::kUpstream}) {
    if (end(side).fd >= 0) TakeReceive(side, operations.ends[Index(side)]);
  }
  for (Side side : {Side::kClient, Side::kUpstream}) {
    Operations::End& taken = operations.ends[Index(side)];
    if (end(side).fd < 0) continue;
    TakeSend(side, taken);
    TakeShutdownWrite(side, taken);
  }
  return operations;
}

void Connection::Conclude() {
  switch (state_) {
    case State::kProxyHeader:
      ConcludeProxyHeader();
      break;
    case State::kClientHandshaking:
      ConcludeClientHandshaking();
      break;
    case State::kConnecting:
      ConcludeConnecting();
      break;
    case State::kHandshaking:
      ConcludeHandshaking();
      break;
    case State::kRelaying:
      ConcludeRelaying();
      break;
    case State::kFlushing:
      ConcludeFlushing();
      break;
    case State::kRetrying:
    case State::kClosing:
    case State::kClosed:
      break;
  }
}

void Connection::ConcludeProxyHeader() {
  const std::span<const uint8_t> bytes = relay_.client_bytes();
  ProxyHeaderResult result = ReadProxyHeader(bytes);
  if (end(Side::kClient).reset) {
    Finish(CloseReason::kClientReset, CloseKind::kGraceful, CloseKind::kReset);
  } else if (result.state == ProxyHeaderResult::State::kComplete) {
    relay_.ConsumeClientBytes(result.num_bytes);
    num_header_bytes_ = result.num_bytes;
    TakeProxyHeader(std::move(result.header));
    StartClient();
  } else if (result.state == ProxyHeaderResult::State::kInvalid) {
    FailProxyHeader(result.error);
  } else if (relay_.ended(Side::kClient) && bytes.empty()) {
    // A load balancer that looks whether we are there.
    Finish(CloseReason::kClientClosed, CloseKind::kGraceful, CloseKind::kGraceful);
  } else if (relay_.ended(Side::kClient)) {
    FailProxyHeader("it ends too early");
  } else if (now_ms_ >= attempt_deadline_ms_) {
    Log(LogLevel::kInfo, absl::StrCat("client timed out (", ErrorText(ETIMEDOUT), ")"));
    Finish(CloseReason::kProxyHeaderTimeout, CloseKind::kGraceful, CloseKind::kGraceful);
  }
}

void Connection::ConcludeClientHandshaking() {
  const End& client = end(Side::kClient);
  if (relay_.session(Side::kClient) == nullptr) {
    std::optional<std::string> name = tls::FindServerName(relay_.client_bytes());
    // What has ended will not say more: TLS finds out what is wrong.
    if (!name.has_value() && relay_.ended(Side::kClient)) name.emplace();
    if (name.has_value()) {
      const int server = listener_.names.Find(*name);
      if (server != config::kNoIndex) SelectServer(server);
      StartClientTls();
    }
  }
  if (client.reset || client.send_failed) {
    shard_.metrics.client_handshake_failures_total.Add();
    Finish(CloseReason::kClientReset, CloseKind::kGraceful, CloseKind::kGraceful);
  } else if (relay_.tls_failed(Side::kClient)) {
    const tls::Failure& failure = relay_.session(Side::kClient)->failure();
    FinishClientHandshake(failure.kind == tls::FailureKind::kCertificateUntrusted
                              ? CloseReason::kClientUntrusted
                              : CloseReason::kClientHandshakeFailed,
                          failure.text.empty() ? kPeerClosedText : failure.text);
  } else if (relay_.session(Side::kClient) != nullptr && !relay_.handshaking(Side::kClient)) {
    OnClientHandshake();
    Begin();
  } else if (relay_.ended(Side::kClient)) {
    FinishClientHandshake(CloseReason::kClientHandshakeFailed, kPeerClosedText);
  } else if (now_ms_ >= attempt_deadline_ms_) {
    FinishClientHandshake(CloseReason::kClientHandshakeTimeout,
                          absl::StrCat("client timed out (", ErrorText(ETIMEDOUT), ")"));
  }
}

void Connection::FinishClientHandshake(CloseReason reason, std::string_view text) {
  shard_.metrics.client_handshake_failures_total.Add();
  Log(LogLevel::kInfo, text);
  Finish(reason, CloseKind::kGraceful, CloseKind::kGraceful);
}

void Connection::OnClientHandshake() {
  const tls::Session& session = *relay_.session(Side::kClient);
  shard_.metrics.client_handshakes_total.Add();
  if (session.resumed()) shard_.metrics.client_handshakes_resumed_total.Add();
  LogKeyLogError(plan_->client_tls_contexts[server_->client_tls_profile]->key_log());
  if (logs_at(LogLevel::kInfo)) {
    LogRaw(LogLevel::kInfo,
           absl::StrCat("client ", client_address_.text, " speaks ",
                        tls::VersionName(session.version()), " with ", session.cipher(),
                        session.resumed() ? ", session resumed" : ", full handshake"));
  }
}

void Connection::LogKeyLogError(tls::KeyLog* key_log) const {
  if (key_log == nullptr) return;
  if (const absl::Status error = key_log->TakeError(); !error.ok()) {
    Log(LogLevel::kError, error.message());
  }
}

bool Connection::FinishClientLost() {
  const End& client = end(Side::kClient);
  // What waits for nothing but the end of its handshake is sent to a TLS client now.
  if (client.reset || client.send_failed) {
    Finish(CloseReason::kClientReset, CloseKind::kGraceful, CloseKind::kReset);
  } else if (relay_.tls_failed(Side::kClient)) {
    FinishTlsFailed(Side::kClient);
  } else {
    return false;
  }
  return true;
}

void Connection::FailProxyHeader(std::string_view why) {
  constexpr size_t kShownBytesMax = 107;
  const std::span<const uint8_t> bytes = relay_.client_bytes();
  Log(LogLevel::kError, absl::StrCat("broken header: \"",
                                     std::string_view(reinterpret_cast<const char*>(bytes.data()),
                                                      std::min(bytes.size(), kShownBytesMax)),
                                     "\" (", why, ")"));
  Finish(CloseReason::kProxyHeaderInvalid, CloseKind::kGraceful, CloseKind::kGraceful);
}

void Connection::TakeProxyHeader(ProxyHeader header) {
  forwarded_ = std::make_unique<Forwarded>(Forwarded{std::move(header), client_address_});
  if (!forwarded_->header.source.has_value()) return;
  if (std::any_of(
          server_->real_ip_from.begin(), server_->real_ip_from.end(),
          [this](const config::Cidr& network) { return network.Contains(client_address_); })) {
    client_address_ = *forwarded_->header.source;
  }
}

std::string Connection::Preface() const {
  if (server_->sent_proxy_header == config::SentProxyHeader::kNone) return {};
  return WriteProxyHeader(server_->sent_proxy_header == config::SentProxyHeader::kVersion1 ? 1 : 2,
                          client_address_, server_address());
}

void Connection::ConcludeConnecting() {
  End& upstream = end(Side::kUpstream);
  if (FinishClientLost()) return;
  if (upstream.connected) {
    shard_.metrics.upstream_connects_total.Add();
    upstream.last_nonempty = false;
    if (uses_tls()) {
      state_ = State::kHandshaking;
      handshake_started_ms_ = now_ms_;
      // nginx: proxy_connect_timeout bounds the handshake again.
      attempt_deadline_ms_ = EndOf(server_->connect_timeout_ms, now_ms_);
    } else {
      StartRelaying();
    }
  } else if (!connect_error_.empty()) {
    FailAttempt(connect_failed_locally_ ? CloseReason::kNoResources : CloseReason::kConnectFailed,
                std::exchange(connect_error_, {}));
  } else if (now_ms_ >= attempt_deadline_ms_) {
    FailAttempt(CloseReason::kConnectTimeout,
                absl::StrCat("upstream timed out (", ErrorText(ETIMEDOUT), ")"));
  }
}

void Connection::ConcludeHandshaking() {
  const End& upstream = end(Side::kUpstream);
  if (FinishClientLost()) return;
  if (!relay_.handshaking(Side::kUpstream)) {
    // First of all: client bytes have been sealed for this upstream, so whatever else has happened
    // since, no other one can have them.
    StartRelaying();
  } else if (relay_.tls_failed(Side::kUpstream)) {
    const tls::Failure& failure = relay_.session(Side::kUpstream)->failure();
    const bool untrusted = failure.kind == tls::FailureKind::kCertificateUntrusted ||
                           failure.kind == tls::FailureKind::kNameMismatch;
    FailAttempt(untrusted ? CloseReason::kUpstreamUntrusted : CloseReason::kHandshakeFailed,
                failure.text.empty() ? kPeerClosedText : failure.text);
  } else if (upstream.reset || upstream.send_failed) {
    FailAttempt(
        CloseReason::kHandshakeFailed,
        absl::StrCat("peer closed connection in SSL handshake (", ErrorText(ECONNRESET), ")"));
  } else if (relay_.ended(Side::kUpstream)) {
    FailAttempt(CloseReason::kHandshakeFailed, kPeerClosedText);
  } else if (now_ms_ >= attempt_deadline_ms_) {
    FailAttempt(CloseReason::kConnectTimeout,
                absl::StrCat("upstream timed out (", ErrorText(ETIMEDOUT), ")"));
  }
}

void Connection::ConcludeRelaying() {
  for (Side side : {Side::kClient, Side::kUpstream}) {
    if (relay_.ended(side) && !std::exchange(any_ended_, true)) first_ended_ = side;
  }
  if (FinishReset(Side::kClient) || FinishReset(Side::kUpstream)) return;
  if (relay_.tls_failed() ? FinishTlsFailure() : FinishEnded()) return;
  (void)FinishIdle();
}

void Connection::CoolDownIdle() {
  if (state_ > State::kRelaying) return;
  for (Side side : {Side::kClient, Side::kUpstream}) {
    const End& self = end(side);
    if (self.receives_hot() && now_ms_ - self.last_received_ms >= kHotIdleMs) {
      relay_.CoolDown(side);
    }
  }
}

int64_t Connection::CoolDownMs() const {
  int64_t cool_down_ms = kNever;
  for (const End& self : ends_) {
    if (self.receives_hot() && !self.recv_cancelled) {
      cool_down_ms = std::min(cool_down_ms, self.last_received_ms + kHotIdleMs);
    }
  }
  return cool_down_ms;
}

// A side that was reset, or that no longer takes bytes and has ended, or for whose bytes nobody is
// left: once all that came from it has been passed on, the other side is reset too.
bool Connection::FinishReset(Side side) {
  const End& self = end(side);
  const bool sends_no_more = relay_.ended(side) || end(Opposite(side)).send_failed;
  if (!self.reset && !(self.send_failed && sends_no_more)) return false;
  if (!relay_.drained(side)) return false;
  if (side == Side::kClient) {
    Finish(CloseReason::kClientReset, CloseKind::kGraceful, CloseKind::kReset);
  } else {
    Finish(CloseReason::kUpstreamReset, CloseKind::kReset, CloseKind::kGraceful);
  }
  return true;
}

// TLS has failed: what was opened before is good, and goes to the other side first.
bool Connection::FinishTlsFailure() {
  ticket_deadline_ms_ = kNever;  // None will come.
  if (!relay_.drained(tls_failed_side())) return false;
  FinishTlsFailed(tls_failed_side());
  return true;
}

// What clients do wrong is nobody's fault here: told at a lower level, as in nginx.
void Connection::FinishTlsFailed(Side side) {
  const std::string& text = relay_.session(side)->failure().text;
  if (side == Side::kUpstream) {
    Log(LogLevel::kError, text);
    Finish(CloseReason::kTlsFailed, CloseKind::kReset, CloseKind::kGraceful);
  } else {
    Log(LogLevel::kInfo, text);
    Finish(CloseReason::kClientTlsFailed, CloseKind::kGraceful, CloseKind::kReset);
  }
}

// proxy_timeout has passed without a byte.
bool Connection::FinishIdle() {
  // A send completes only as a whole, so a slow reader looks like an idle one. Cancelling the send
  // tells how much of it has left.
  const bool idle = now_ms_ >= EndOf(server_->timeout_ms, last_activity_ms_);
  probing_idle_ = idle && (ends_[0].send_in_flight || ends_[1].send_in_flight);
  if (!idle || probing_idle_) return false;
  if (relay_.tls_failed()) {
    FinishTlsFailed(tls_failed_side());
  } else {
    Log(LogLevel::kInfo, absl::StrCat("connection timed out (", ErrorText(ETIMEDOUT), ")"));
    Finish(CloseReason::kIdleTimeout, CloseKind::kGraceful, CloseKind::kGraceful);
  }
  return true;
}

// Streams that have ended well: with proxy_half_close both, otherwise one.
bool Connection::FinishEnded() {
  bool upstream_done = relay_.ended(Side::kUpstream) && relay_.drained(Side::kUpstream);
  bool client_done = relay_.ended(Side::kClient) && relay_.drained(Side::kClient);
  const bool client_gone = end(Side::kClient).send_failed || end(Side::kClient).reset;
  const bool truncated =
      uses_tls() && relay_.ended(Side::kUpstream) && !relay_.tls_closed(Side::kUpstream);
  if (truncated && upstream_done && server_->strict_close) {
    CountTruncated(LogLevel::kError);
    Finish(CloseReason::kUpstreamTruncated, CloseKind::kReset, CloseKind::kGraceful);
    return true;
  }
  if (client_gone && upstream_done && !server_->half_close) {
    Finish(CloseReason::kClientReset, CloseKind::kGraceful, CloseKind::kReset);
    return true;
  }
  if (client_done && AwaitsTicket()) return false;
  if (client_done && server_->half_close) {
    // The upstream is told that the client has ended before its FIN says so.
    relay_.QueueCloseNotify(Side::kUpstream);
    client_done = relay_.drained(Side::kClient);
  }
  if (upstream_done && server_->half_close) {
    relay_.QueueCloseNotify(Side::kClient);
    upstream_done = relay_.drained(Side::kUpstream);
  }
  // When both have ended, nothing more can come: what is here of either is passed on.
  const bool waits_for_both =
      server_->half_close || (relay_.ended(Side::kClient) && relay_.ended(Side::kUpstream));
  if (!(waits_for_both ? client_done && upstream_done : client_done || upstream_done)) return false;
  if (truncated) CountTruncated(LogLevel::kInfo);
  const bool by_client = client_done && (!upstream_done || first_ended_ == Side::kClient);
  Finish(by_client   ? CloseReason::kClientClosed
         : truncated ? CloseReason::kUpstreamTruncated
                     : CloseReason::kUpstreamClosed,
         CloseKind::kGraceful, CloseKind::kGraceful);
  return true;
}

void Connection::CountTruncated(LogLevel level) {
  shard_.metrics.upstream_truncated_total.Add();
  Log(level, "upstream closed connection without close_notify");
}

// Once close_notify is sent, tickets that arrive are not kept any more.
bool Connection::AwaitsTicket() {
  if (!relay_.ended(Side::kUpstream) && relay_.awaits_ticket()) {
    if (ticket_deadline_ms_ == kNever) ticket_deadline_ms_ = EndOf(kTicketWaitMs, now_ms_);
    if (now_ms_ < ticket_deadline_ms_) return true;
    relay_.GiveUpOnTicket();
  }
  ticket_deadline_ms_ = kNever;
  return false;
}

bool Connection::Flushed(Side side) const {
  const End& self = end(side);
  if (self.fd < 0 || !self.connected || self.send_failed || self.reset) return true;
  return !relay_.has_due(side) || now_ms_ >= flush_deadline_ms_;
}

void Connection::ConcludeFlushing() {
  if (!return_text_.empty()) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(return_text_.data());
    return_text_.erase(0, relay_.QueueForClient({bytes, return_text_.size()}));
    if (return_text_.empty()) relay_.QueueCloseNotify(Side::kClient);
  }
  if (!Flushed(Side::kClient) || !Flushed(Side::kUpstream)) return;
  LogSession();
  state_ = State::kClosing;
}

// --- Attempts ------------------------------------------------------------------------------------

void Connection::StartAttempt() {
  state_ = State::kConnecting;
  peer_ = group_->Choose(attempts_, now_ms_);
  attempt_facts_.push_back(
      {.address = peer_ == kNoPeer ? std::string_view(upstream_->name) : peer().address.text,
       .started_ms = now_ms_});
  if (peer_ == kNoPeer) {
    Log(LogLevel::kError, "no live upstreams");
    Finish(CloseReason::kNoLiveUpstreams, CloseKind::kGraceful, CloseKind::kGraceful);
    return;
  }
  // nginx numbers connections to upstreams, too.
  shard_.next_connection_number->fetch_add(1, std::memory_order_relaxed);
  connect_wanted_ = true;
  attempt_deadline_ms_ = EndOf(server_->connect_timeout_ms, now_ms_);
  if (uses_tls()) {
    // The ClientHello is made while TCP connects.
    relay_.StartTls(
        tls::Session::Create(*plan_->tls_contexts[server_->tls_profile],
                             plan_->runtime->tickets(server_index_, peer_), shard_.shard),
        Preface());
  }
}

void Connection::FailAttempt(CloseReason reason, std::string_view text) {
  const bool ours = reason == CloseReason::kNoResources;
  if (!ours) {
    Log(LogLevel::kError, text);
  } else if (const auto suppressed = shard_.resource_limiter.Allow(now_ms_)) {
    Log(LogLevel::kCrit,
        *suppressed > 0 ? absl::StrCat(text, ", and ", *suppressed, " times before") : text);
  }
  shard_.metrics.upstream_connect_failures_total.Add();
  if (state_ == State::kHandshaking) shard_.metrics.upstream_handshake_failures_total.Add();
  ReleasePeer(/*failed=*/!ours);

  attempt_facts_.back().session_ms = now_ms_ - attempt_facts_.back().started_ms;
  --num_attempts_left_;
  const bool out_of_time = server_->next_upstream_timeout_ms > 0 &&
                           now_ms_ - started_ms_ >= server_->next_upstream_timeout_ms;
  // Another peer would not help where we lack something ourselves.
  if (ours || !server_->next_upstream || num_attempts_left_ <= 0 || out_of_time) {
    Finish(reason, CloseKind::kGraceful, CloseKind::kGraceful);
    return;
  }
  state_ = State::kRetrying;
  flush_deadline_ms_ = now_ms_ + kCloseFlushMs;
}

void Connection::ReleasePeer(bool failed) {
  if (peer_ == kNoPeer) return;
  if (state_ == State::kConnecting) relay_.ReturnTicket();
  if (group_->Release(peer_, attempts_, failed, now_ms_)) {
    Log(LogLevel::kWarn, "upstream server temporarily disabled");
  }
  peer_ = kNoPeer;
}

void Connection::StartRelaying() {
  state_ = State::kRelaying;
  last_activity_ms_ = now_ms_;
  group_->OnConnected(peer_, attempts_, now_ms_);
  UpstreamAttempt& attempt = attempt_facts_.back();
  attempt.connect_ms = now_ms_ - attempt.started_ms;
  if (end(Side::kUpstream).reset || end(Side::kUpstream).send_failed) {
    StopSendingTo(Side::kUpstream);
  }
  const tls::Session* session = relay_.session(Side::kUpstream);
  if (session == nullptr) {
    if (const std::string preface = Preface(); !preface.empty()) relay_.QueuePreface(preface);
    return;
  }
  attempt.handshake_ms = now_ms_ - handshake_started_ms_;
  shard_.metrics.upstream_handshakes_total.Add();
  if (session->resumed()) shard_.metrics.upstream_handshakes_resumed_total.Add();
  LogKeyLogError(plan_->tls_contexts[server_->tls_profile]->key_log());
  if (logs_at(LogLevel::kInfo)) {
    LogRaw(LogLevel::kInfo,
           absl::StrCat("upstream ", peer().address.text, " speaks ",
                        tls::VersionName(session->version()), " with ", session->cipher(),
                        session->resumed() ? ", session resumed" : ", full handshake",
                        session->certificate_requested() && !session->certificate_sent()
                            ? ", client certificate asked for, none sent"
                            : ""));
  }
}

void Connection::Return() {
  return_text_ = Evaluate(server_->return_text, Facts());
  Finish(CloseReason::kReturned, CloseKind::kGraceful, CloseKind::kGraceful);
  flush_deadline_ms_ = EndOf(server_->timeout_ms, now_ms_);
}

void Connection::Finish(CloseReason reason, CloseKind client, CloseKind upstream) {
  const bool was_relaying = state_ == State::kRelaying;
  if (was_relaying && logs_at(LogLevel::kInfo)) {
    LogRaw(LogLevel::kInfo,
           absl::StrCat(any_ended_ && first_ended_ == Side::kUpstream ? "upstream" : "client",
                        " disconnected", ByteCounts(), ", reason: ", CloseReasonName(reason)));
  }
  // A ClientHello that has not been sent stays here: its ticket goes back.
  if (state_ == State::kConnecting) relay_.Drop(Side::kUpstream);
  CountBytes();  // The first byte may have come just now.
  ReleasePeer(/*failed=*/false);
  // To an upstream that is still there, a close_notify says that it has got everything.
  if (upstream == CloseKind::kGraceful &&
      (!relay_.holds_client_bytes() || relay_.ended(Side::kUpstream))) {
    relay_.QueueCloseNotify(Side::kUpstream);
  }
  // To a client, that this is the end and nothing is missing.
  if (client == CloseKind::kGraceful && return_text_.empty() &&
      !relay_.holds_plaintext(Side::kUpstream)) {
    relay_.QueueCloseNotify(Side::kClient);
  }
  end(Side::kClient).close = client;
  end(Side::kUpstream).close = upstream;
  connect_wanted_ = false;
  probing_idle_ = false;
  state_ = State::kFlushing;
  flush_deadline_ms_ = now_ms_ + kCloseFlushMs;

  if (!attempt_facts_.empty() && attempt_facts_.back().session_ms == UpstreamAttempt::kUnknownMs) {
    attempt_facts_.back().session_ms = now_ms_ - attempt_facts_.back().started_ms;
  }
  close_reason_ = reason;
  Metrics& metrics = shard_.metrics;
  metrics.connections_active.Subtract();
  metrics.closed_total[static_cast<int>(reason)].Add();
}

SessionFacts Connection::Facts() const {
  return {.plan = plan_->plan(),
          .number = number_,
          .client = client_address_,
          .peer = forwarded_ != nullptr ? forwarded_->peer : client_address_,
          .server = server_address(),
          .session_ms = now_ms_ - started_ms_,
          .close_reason = close_reason_,
          .bytes_received = relay_.bytes().from_client - num_header_bytes_,
          .bytes_sent = relay_.bytes().to_client,
          .attempts = attempt_facts_,
          .upstream_tls = UpstreamTlsFacts(),
          .client_tls = ClientTlsFacts(),
          .proxy_header = forwarded_ != nullptr ? &forwarded_->header : nullptr,
          .set_values = set_values_};
}

std::optional<UpstreamTls> Connection::UpstreamTlsFacts() const {
  const tls::Session* session = relay_.session(Side::kUpstream);
  if (!uses_tls() || session == nullptr) return std::nullopt;
  UpstreamTls facts = {.verify = plan_->plan().tls_profiles[server_->tls_profile].verify,
                       .server_name = session->server_name(),
                       .established = session->established(),
                       .failure = session->failure()};
  if (facts.established) {
    facts.cipher = session->cipher();
    facts.group = session->group();
    facts.protocol = tls::VersionName(session->version());
    facts.resumed = session->resumed();
  }
  return facts;
}

std::optional<ClientTls> Connection::ClientTlsFacts() const {
  const tls::Session* session = relay_.session(Side::kClient);
  if (session == nullptr) return std::nullopt;
  ClientTls facts = {.server_name = session->server_name(),
                     .established = session->established(),
                     .certificate = session->peer_certificate(),
                     .certificate_variable = CertificateVariable,
                     .tolerated = session->tolerated(),
                     .failure = session->failure()};
  if (facts.established) {
    facts.cipher = session->cipher();
    facts.group = session->group();
    facts.protocol = tls::VersionName(session->version());
    facts.resumed = session->resumed();
    facts.alpn = session->alpn();
    facts.session_id = session->id();
  }
  return facts;
}

void Connection::LogSession() {
  if (shard_.access_logs == nullptr || server_->access_logs.empty()) return;
  CountBytes();
  const SessionFacts facts = Facts();
  for (size_t i = 0; i < server_->access_logs.size(); ++i) {
    const config::AccessLog& log = server_->access_logs[i];
    if (log.condition.has_value() && !IsTrue(*log.condition, facts)) continue;
    std::string line = FormatLogLine(plan_->plan().log_formats[log.format], facts);
    if (log.path.constant()) {
      shard_.access_logs->Log(plan_->runtime->access_log_file(server_index_, i), std::move(line));
    } else if (auto path = EvaluatePath(log.path, facts); path.has_value()) {
      shard_.access_logs->LogByName(*std::move(path), server_->log_file_cache, std::move(line));
    } else {
      Log(LogLevel::kError, absl::StrCat("access_log \"", log.path.text(),
                                         "\" not written: a variable leads out of its folder"));
    }
  }
}

void Connection::CountBytes() {
  const RelayBytes& bytes = relay_.bytes();
  Metrics& metrics = shard_.metrics;
  metrics.client_received_bytes_total.Add(bytes.from_client - counted_bytes_.from_client);
  metrics.client_sent_bytes_total.Add(bytes.to_client - counted_bytes_.to_client);
  metrics.upstream_received_bytes_total.Add(bytes.from_upstream - counted_bytes_.from_upstream);
  metrics.upstream_sent_bytes_total.Add(bytes.to_upstream - counted_bytes_.to_upstream);
  metrics.spliced_bytes_total.Add(bytes.spliced - counted_bytes_.spliced);
  counted_bytes_ = bytes;
  if (bytes.from_upstream == 0 && bytes.to_upstream == 0) return;
  UpstreamAttempt& attempt = attempt_facts_.back();
  attempt.bytes_received = bytes.from_upstream;
  attempt.bytes_sent = bytes.to_upstream;
  if (bytes.from_upstream > 0 && attempt.first_byte_ms == UpstreamAttempt::kUnknownMs) {
    attempt.first_byte_ms = now_ms_ - attempt.started_ms;
    if (peer_ != kNoPeer) group_->OnFirstByte(peer_, attempts_, now_ms_);
  }
}

// --- Operations ----------------------------------------------------------------------------------

void Connection::TakeTeardown(Side side, Operations::End& operations) {
  End& self = end(side);
  if (self.fd < 0) return;
  if (state_ == State::kRetrying) {
    // An alert that tells the upstream why still leaves.
    if (side == Side::kClient || (relay_.tls_failed(side) && !Flushed(side))) return;
  } else if (state_ != State::kClosing) {
    return;
  }
  if (self.in_flight()) {
    operations.cancel_recv |= self.recv_in_flight && !std::exchange(self.recv_cancelled, true);
    operations.cancel_send |= self.send_in_flight && !std::exchange(self.send_cancelled, true);
    operations.cancel_connect |=
        self.connect_in_flight && !std::exchange(self.connect_cancelled, true);
    return;
  }
  Deferral& deferral = deferrals_[Index(side)];
  if (deferral.deadline_ms != kNever && now_ms_ < deferral.retry_ms && !stopping_) return;
  operations.close = self.close;
  // A stream that breaks off in the middle must not look as if it had ended.
  if (state_ == State::kClosing && relay_.has_due(side)) operations.close = CloseKind::kReset;
  // What a peer sends to a socket that is closed is answered with an RST (RFC 2525 2.17), and an
  // RST throws away what has not been delivered. One that has ended its stream sends nothing more.
  const bool harmless = operations.close == CloseKind::kGraceful && relay_.ended(side);
  operations.close_now =
      harmless || stopping_ || state_ == State::kRetrying || now_ms_ >= deferral.deadline_ms;
  deferral.retry_ms = kNever;  // Unless the close is deferred again.
  operations.close_fd = self.fd;
  self = End{.close = operations.close};
  // Nothing can be sent there any more, however long it takes to deliver what has been.
  if (state_ == State::kClosing) relay_.Drop(side);
}

void Connection::TakeReceive(Side side, Operations::End& operations) {
  End& self = end(side);
  if (self.recv_in_flight) {
    if (self.receives_hot() && !relay_.hot(side) && !self.recv_cancelled) {
      operations.cancel_recv = self.recv_cancelled = true;
    }
    return;
  }
  if (!self.connected || self.reset || state_ >= State::kFlushing) return;
  if (state_ != State::kRelaying) {
    // Until there is an upstream, one receive's worth from the client is enough: it shows whether
    // the client is still there, and is at hand when the upstream is.
    // A PROXY header may come in any number of pieces, and so may a handshake.
    if (side == Side::kClient ? relay_.holds_client_bytes() && state_ != State::kProxyHeader &&
                                    state_ != State::kClientHandshaking
                              : state_ != State::kHandshaking) {
      return;
    }
  }
  operations.recv = relay_.WishToReceive(side);
  self.recv_in_flight = operations.recv.kind != RecvWish::Kind::kNone;
  self.recv_kind = operations.recv.kind;
  operations.poll_first = !self.last_nonempty;
  if (self.receives_hot()) {
    self.last_received_ms = std::max(self.last_received_ms, last_activity_ms_);
  }
}

void Connection::TakeSend(Side side, Operations::End& operations) {
  End& self = end(side);
  if (probing_idle_) {
    if (self.send_in_flight && !self.send_cancelled) {
      operations.cancel_send = self.send_cancelled = true;
    }
    return;
  }
  if (self.send_in_flight || !self.connected || self.send_failed || self.reset ||
      (side == Side::kUpstream && state_ == State::kConnecting) || state_ >= State::kClosing) {
    return;
  }
  operations.drain = relay_.WishToDrain(side);
  if (operations.drain != nullptr) {
    self.send_in_flight = self.send_is_drain = true;
    return;
  }
  operations.send = relay_.WishToSend(side);
  if (operations.send.empty()) return;
  self.send_in_flight = true;
  self.send_bytes = operations.send.size();
  operations.send_at_once = self.send_is_at_once = CanSendAtOnce(side);
  relay_.OnSendSubmitted(side, self.send_bytes);
}

// Only where nothing waits for the send to end: then whatever makes the connection go on is an
// event of its own, and the end of the send is told with it.
bool Connection::CanSendAtOnce(Side side) const {
  const End& self = end(side);
  return state_ == State::kRelaying && self.send_has_room &&
         self.send_bytes <= kAtOnceSendBytesMax && relay_.OnlyWaitsForMore(Opposite(side)) &&
         end(Opposite(side)).recv_in_flight;
}

void Connection::TakeShutdownWrite(Side side, Operations::End& operations) {
  End& self = end(side);
  const Side source = Opposite(side);
  if (state_ != State::kRelaying || !server_->half_close || self.write_shut ||
      !relay_.ended(source) || !relay_.drained(source) || relay_.tls_failed() ||
      (side == Side::kUpstream && ticket_deadline_ms_ != kNever)) {
    return;
  }
  operations.shutdown_write = self.write_shut = true;
}

int64_t Connection::deadline_ms() const {
  switch (state_) {
    case State::kProxyHeader:
    case State::kClientHandshaking:
    case State::kConnecting:
    case State::kHandshaking:
      return std::min(attempt_deadline_ms_, CoolDownMs());
    case State::kRelaying: {
      int64_t deadline = EndOf(server_->timeout_ms, last_activity_ms_);
      // What is being cancelled completes very soon.
      if (probing_idle_) deadline = kNever;
      return std::min({deadline, ticket_deadline_ms_, CoolDownMs()});
    }
    case State::kRetrying:
    case State::kFlushing:
      return flush_deadline_ms_;
    case State::kClosing:
      return std::min(deferrals_[0].retry_ms, deferrals_[1].retry_ms);
    case State::kClosed:
      return kNever;
  }
  return kNever;
}

// --- Logging -------------------------------------------------------------------------------------

const LogSetRef& Connection::log_set() const { return plan_->runtime->log_set(server_index_); }

void Connection::LogConnected(const config::Address& local) const {
  if (state_ != State::kConnecting) return;
  LogRaw(LogLevel::kInfo,
         absl::StrCat("proxy ", local.text, " connected to ", peer().address.text));
}

std::string Connection::ByteCounts() const {
  const RelayBytes& bytes = relay_.bytes();
  return absl::StrCat(", bytes from/to client:", bytes.from_client, "/", bytes.to_client,
                      ", bytes from/to upstream:", bytes.from_upstream, "/", bytes.to_upstream);
}

void Connection::Log(LogLevel level, std::string_view text, std::string_view action) const {
  if (!logs_at(level)) return;
  if (action.empty()) {
    switch (state_) {
      case State::kProxyHeader:
        action = "reading PROXY protocol";
        break;
      case State::kClientHandshaking:
        action = "SSL handshaking";
        break;
      case State::kConnecting:
      case State::kRetrying:
        action = "connecting to upstream";
        break;
      case State::kHandshaking:
        action = "SSL handshaking to upstream";
        break;
      case State::kRelaying:
        action = "proxying connection";
        break;
      case State::kFlushing:
      case State::kClosing:
      case State::kClosed:
        action = "closing connection";
        break;
    }
  }
  std::string upstream;
  if (!attempt_facts_.empty()) {
    upstream =
        absl::StrCat(", upstream: \"", peer_ == kNoPeer ? upstream_->name : peer().address.text,
                     "\"", ByteCounts());
  }
  LogRaw(level,
         absl::StrCat(text, " while ", action, ", client: ", config::HostText(client_address_),
                      ", server: ", listener_.address.text, upstream));
}

void Connection::LogRaw(LogLevel level, std::string_view text) const {
  shard_.logger->Log(level, text, number_, log_set());
}

}  // namespace sluice::engine
