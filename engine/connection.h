// One proxied connection: a client, and the upstream found for it.
//
// Facts in, operations out. The worker tells what completed (the On functions only record it) and
// calls Advance once, which says what should be submitted. Nobody else decides what is in flight.
// There is no ring, socket or clock here: descriptors are only numbers, time is handed in. So the
// simulator drives this same code through every order of events.
//
// Nothing is freed while the kernel holds memory of it: the connection is `closed` only after both
// sockets have nothing in flight and have been handed over to be closed.
#ifndef SLUICE_ENGINE_CONNECTION_H_
#define SLUICE_ENGINE_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "config/address.h"
#include "config/plan.h"
#include "engine/access_log.h"
#include "engine/close_reason.h"
#include "engine/limits.h"
#include "engine/logger.h"
#include "engine/metrics.h"
#include "engine/proxy_protocol.h"
#include "engine/relay.h"
#include "engine/runtime_plan.h"
#include "engine/side.h"
#include "engine/slab_pool.h"
#include "engine/splice_pipe.h"
#include "engine/upstream_group.h"
#include "engine/variables.h"

namespace sluice::engine {

// What the connections of a shard share. Outlives them.
struct ShardContext {
  int shard = 0;
  Logger* logger = nullptr;
  AccessLogs* access_logs = nullptr;  // Null: sessions are not logged.
  // Numbers connections to clients and to upstreams over the whole process, from 1, as nginx does.
  std::atomic<uint64_t>* next_connection_number = nullptr;
  SlabPool slabs;
  Metrics metrics;
  // For failures that hit every new connection alike until something changes.
  LogLimiter resource_limiter;
  SplicePipes splice_pipes{kSplicePipesMax, kBulkRunBytes};
};

// How a socket should be closed.
enum class CloseKind : uint8_t {
  kNone,
  kGraceful,  // FIN behind everything sent so far.
  kReset,     // RST, after everything sent so far has been delivered.
};

// What the worker is to submit. Each is already marked as in flight (or done, for what is not
// told back).
struct Operations {
  // Open a socket to Connection::peer() and connect it. Answer: OnUpstreamSocket, then
  // OnConnected; or OnUpstreamSocketFailed.
  bool connect = false;
  struct End {
    RecvWish recv;  // Answer: OnReceived.
    // There was nothing more when last looked: wait before trying.
    bool poll_first = false;
    std::span<const uint8_t> send;  // Answer: OnSent.
    // Send what there is room for, and do not wait. That all of it was sent need not be told
    // before something else is.
    bool send_at_once = false;
    // Drain this pipe to the socket, once there is room. Answer: OnDrained.
    SplicePipe* drain = nullptr;
    // Cancel what is in flight on this end. The answers above still come.
    bool cancel_recv = false;
    bool cancel_send = false;
    bool cancel_connect = false;
    // shutdown(2) of the write side, now. No answer.
    bool shutdown_write = false;
    // Close `close_fd`, which is no longer fd(). No answer, except where the close would throw away
    // bytes that have not been delivered yet, and must not (`close_now`): OnCloseDeferred.
    CloseKind close = CloseKind::kNone;
    int close_fd = -1;
    bool close_now = false;
  };
  End ends[2];  // By Side.
};

class Connection {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // A client that has been accepted from listener `listener` of the plan.
  struct Client {
    int listener;
    int fd;
    config::Address address;
    // What the client connected to, where Listener::tells_local_address asks for it.
    std::unique_ptr<config::Address> local_address = nullptr;
  };

  // `shard` outlives the connection. Times are monotonic, in milliseconds.
  Connection(ShardContext& shard, std::shared_ptr<const ShardPlan> plan, Client client,
             int64_t now_ms);
  // Only when closed().
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- Facts ---

  // The socket that Operations::connect asked for; it is being connected.
  void OnUpstreamSocket(int fd);
  // There is no socket: errno of what failed, and the name of the call.
  void OnUpstreamSocketFailed(const char* call, int error);
  // 0 or -errno.
  void OnConnected(int result);
  // Bytes, 0 for the end of the stream, or -errno. `lent`: the bytes of a cold receive, used only
  // during the call. `nonempty`: the socket held more.
  void OnReceived(Side side, int result, std::span<uint8_t> lent, bool nonempty);
  // Bytes or -errno. Fewer bytes than asked mean that the socket has failed, or, of a send that was
  // to be made at once, that it was full.
  void OnSent(Side side, int result);
  // `side` has something to receive (or has ended, or failed), and splice_pipe_from it has been
  // filled: bytes, 0 for the end of the stream, or -errno. -EAGAIN: nothing that can be spliced.
  void OnFilled(Side side, int result);
  // The pipe has been drained to `side`, or a part of it: bytes or -errno.
  void OnDrained(Side side, int result);
  // The close of `side` has to wait: `fd` is given back, with `num_undelivered` bytes that its peer
  // has not got yet.
  void OnCloseDeferred(Side side, int fd, int num_undelivered);
  // sluice is stopping: end now.
  void OnStop(int64_t now_ms);

  // Draws the conclusions from the facts since the last call, and from the time, and says what is
  // to be submitted.
  Operations Advance(int64_t now_ms);

  // When Advance has to be called even if nothing happens. kNever: it need not.
  int64_t deadline_ms() const;
  // Nothing is left: the connection can be destroyed.
  bool closed() const { return state_ == State::kClosed; }

  // The descriptor of a side, -1: none (any more).
  int fd(Side side) const { return end(side).fd; }
  bool logs_at(config::LogLevel level) const { return shard_.logger->enabled(level, log_set()); }
  const config::Server& server() const { return *server_; }
  const std::shared_ptr<const ShardPlan>& plan() const { return plan_; }
  // The peer to connect to, when Operations::connect asks for it.
  const config::Peer& peer() const;
  // What the socket to the peer is to be bound to (proxy_bind), if anything. A value that is no
  // address is told in the error log, and the system chooses, as in nginx.
  std::optional<config::Address> BindAddress() const;
  CloseReason close_reason() const { return close_reason_; }
  const Relay& relay() const { return relay_; }
  // The receive, or the send, of `side` that is in flight waits for a pipe to be filled or drained:
  // that is done when the socket is ready, and told by OnFilled or OnDrained.
  bool fills(Side side) const { return end(side).recv_kind == RecvWish::Kind::kSplice; }
  bool drains(Side side) const { return end(side).send_is_drain; }
  // That pipe; null: it is of no use any more.
  SplicePipe* pipe_to_fill(Side side) const {
    return ignores(side) ? nullptr : relay_.splice_pipe_from(side);
  }
  SplicePipe* pipe_to_drain(Side side) const { return relay_.WishToDrain(side); }
  // Logs, at `info`, that the upstream has just been reached from address `local`. Nothing when the
  // connection has been told to end meanwhile.
  void LogConnected(const config::Address& local) const;

 private:
  enum class State : uint8_t {
    // The client is to say in a PROXY header whom it speaks for.
    kProxyHeader,
    // TLS with the client is shaking hands. Where several servers listen, its ClientHello says
    // first which of them is meant.
    kClientHandshaking,
    // A socket to the upstream is being connected. With TLS, the ClientHello waits.
    kConnecting,
    // TCP stands, TLS is shaking hands.
    kHandshaking,
    // Bytes move.
    kRelaying,
    // An attempt has failed: its socket goes away before another peer is tried.
    kRetrying,
    // The end is decided; last bytes leave.
    kFlushing,
    // What is in flight comes back, then the sockets are closed.
    kClosing,
    // Nothing is left.
    kClosed,
  };

  // One socket. An in_flight bit is set exactly while the kernel holds the operation, a cancelled
  // bit from the request to cancel that operation until it has completed.
  struct End {
    int fd = -1;
    bool connected = false;
    bool connect_in_flight = false;
    bool connect_cancelled = false;
    bool recv_in_flight = false;
    bool recv_cancelled = false;
    RecvWish::Kind recv_kind = RecvWish::Kind::kNone;  // Of the receive in flight.
    bool send_in_flight = false;
    bool send_cancelled = false;
    bool send_is_at_once = false;  // Of the send in flight.
    bool send_is_drain = false;    // Of the send in flight.
    bool send_has_room = true;     // The last send found room for everything.
    size_t send_bytes = 0;         // Of the send in flight.
    bool last_nonempty = true;     // The last receive left bytes behind, or there was none yet.
    bool received = false;         // Bytes have come since the last Advance.
    bool write_shut = false;       // FIN is sent.
    bool send_failed = false;      // It takes no more bytes.
    bool reset = false;            // It ended with an error, not with FIN.
    CloseKind close = CloseKind::kGraceful;
    int64_t last_received_ms = 0;

    bool in_flight() const { return recv_in_flight || send_in_flight || connect_in_flight; }
    // A receive that should not go on for long without a byte.
    bool receives_hot() const { return recv_in_flight && recv_kind != RecvWish::Kind::kCold; }
  };

  // A close that waits for delivery. It waits while there is progress.
  struct Deferral {
    int64_t deadline_ms = kNever;  // Closed then, delivered or not.
    int64_t retry_ms = kNever;
    int64_t step_ms = kCloseDrainStepMs;
    int num_undelivered = 0;
  };

  End& end(Side side) { return ends_[Index(side)]; }
  const End& end(Side side) const { return ends_[Index(side)]; }
  // Once the end is decided, and while a failed attempt is cleared away, bytes no longer count.
  bool ignores(Side side) const {
    return state_ >= State::kFlushing || (state_ == State::kRetrying && side == Side::kUpstream);
  }
  // Where Relay::tls_failed; the upstream if both have.
  Side tls_failed_side() const {
    return relay_.tls_failed(Side::kUpstream) ? Side::kUpstream : Side::kClient;
  }
  bool uses_tls() const { return server_->tls_profile != config::kNoIndex; }

  // The receive of `side` has ended for good: 0 or -errno.
  void OnReceiveEnded(Side side, int result);
  // A send to `side` has failed for good: what is known of it, -errno or not.
  void OnSendFailed(Side side, int result);
  // `side` takes no more bytes.
  void StopSendingTo(Side side);

  // One step of Advance each. When the state has changed there is more to conclude.
  void Conclude();
  void ConcludeProxyHeader();
  void ConcludeClientHandshaking();
  void ConcludeConnecting();
  void ConcludeHandshaking();
  void ConcludeRelaying();
  void ConcludeFlushing();
  // Each finishes the connection, and returns true, if that is how it has ended.
  bool FinishReset(Side side);
  bool FinishTlsFailure();
  bool FinishEnded();
  bool FinishIdle();
  void FinishTlsFailed(Side side);
  // Hot receives that have waited for long give their slabs back; when the next one will have.
  void CoolDownIdle();
  int64_t CoolDownMs() const;
  // The client was lost while an upstream was looked for.
  bool FinishClientLost();
  void FinishClientHandshake(CloseReason reason, std::string_view text);
  void CountTruncated(config::LogLevel level);
  // The client is done, but closing has to wait for a session ticket.
  bool AwaitsTicket();
  // Nothing can, or need, be sent to `side` any more.
  bool Flushed(Side side) const;

  // Goes on as server `index` of the plan.
  void SelectServer(int index);
  // The client's PROXY header, if there was to be one, has come: TLS with it begins, or Begin.
  void StartClient();
  // Its ClientHello is here, or is not needed to know which server is meant.
  void StartClientTls();
  // TLS with the client stands.
  void OnClientHandshake();
  void LogKeyLogError(tls::KeyLog* key_log) const;
  // The client is known: gives `set` variables their values, and looks for an upstream.
  void Begin();
  // Takes over what the client's PROXY header says, as far as it is believed.
  void TakeProxyHeader(ProxyHeader header);
  // A client that sent something else.
  void FailProxyHeader(std::string_view why);
  // What goes to the upstream in front of everything else.
  std::string Preface() const;
  const config::Address& server_address() const {
    return local_address_ != nullptr ? *local_address_ : listener_.address;
  }
  void StartAttempt();
  void FailAttempt(CloseReason reason, std::string_view text);
  void ReleasePeer(bool failed);
  void StartRelaying();
  // Sends what `return` says, instead of finding an upstream.
  void Return();
  void Finish(CloseReason reason, CloseKind client, CloseKind upstream);
  // Writes the access logs, once the last byte has left.
  void LogSession();
  // What variables are made of. Uses `this` and what it holds.
  SessionFacts Facts() const;
  std::optional<UpstreamTls> UpstreamTlsFacts() const;
  std::optional<ClientTls> ClientTlsFacts() const;
  // Adds to the metrics what has moved since the last call.
  void CountBytes();

  void TakeTeardown(Side side, Operations::End& operations);
  void TakeReceive(Side side, Operations::End& operations);
  void TakeSend(Side side, Operations::End& operations);
  // `side` can be sent something without being told how that went.
  bool CanSendAtOnce(Side side) const;
  void TakeShutdownWrite(Side side, Operations::End& operations);

  // Logs `text` with what nginx adds: what was being done (by the state, unless given), with whom,
  // how many bytes.
  void Log(config::LogLevel level, std::string_view text, std::string_view action = {}) const;
  void LogRaw(config::LogLevel level, std::string_view text) const;
  std::string ByteCounts() const;
  const LogSetRef& log_set() const;

  ShardContext& shard_;
  const std::shared_ptr<const ShardPlan> plan_;
  const config::Listener& listener_;
  // Set by SelectServer, together.
  int server_index_;
  const config::Server* server_;
  const config::Upstream* upstream_;  // Null: the server returns something by itself.
  UpstreamGroup* group_;              // Null with it.
  config::Address client_address_;
  const std::unique_ptr<config::Address> local_address_;
  const uint64_t number_;

  State state_ = State::kConnecting;
  CloseReason close_reason_ = CloseReason::kNone;
  End ends_[2];  // By Side.
  Relay relay_;
  RelayBytes counted_bytes_;  // Of the relay's, in the metrics already.

  // The side whose stream ended first, while bytes were relayed.
  Side first_ended_ = Side::kClient;
  bool any_ended_ = false;

  // The client's PROXY header, and where it came from.
  struct Forwarded {
    ProxyHeader header;
    config::Address peer;
  };
  std::unique_ptr<Forwarded> forwarded_;
  // That have come from the client in front of what counts: its PROXY header, its ClientHello.
  uint64_t num_header_bytes_ = 0;
  // By Variable::slot.
  std::vector<std::string> set_values_;
  // What `return` says and has not been queued yet.
  std::string return_text_;

  // --- The attempt to reach an upstream ---
  // All that were made, the present one last.
  absl::InlinedVector<UpstreamAttempt, 1> attempt_facts_;
  int64_t handshake_started_ms_ = 0;
  PeerAttempts attempts_;
  int peer_ = kNoPeer;  // Chosen, counted in the group.
  int num_attempts_left_ = 0;
  bool connect_wanted_ = false;          // Operations::connect is due.
  std::string connect_error_;            // Not empty: the attempt has failed, in these words.
  bool connect_failed_locally_ = false;  // For want of something of ours, not by the peer's fault.
  const int64_t started_ms_;
  int64_t attempt_deadline_ms_ = kNever;

  int64_t now_ms_;  // Of the last Advance.
  int64_t last_activity_ms_;
  bool activity_ = false;  // Bytes have moved since the last Advance.
  int64_t flush_deadline_ms_ = kNever;
  int64_t ticket_deadline_ms_ = kNever;  // Not kNever: closing waits for a session ticket.
  // proxy_timeout has passed, and sends in flight are cancelled to learn whether any of them moved.
  bool probing_idle_ = false;
  bool stopping_ = false;
  Deferral deferrals_[2];  // By Side.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_CONNECTION_H_
