#include "bench/load/client.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"

namespace sluice::bench {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kStallNs = 20 * kSecondNs;
// Connections that are being opened at a time: a proxy's backlog is not what is measured.
constexpr size_t kOpeningMax = 256;
// Calls for one connection before others have their turn.
constexpr int kCallsMax = 4;
// How far the bulk rate catches up after nothing could be sent.
constexpr int64_t kBurstNs = 10'000'000;
// 127.0.0.1 and its neighbours, each with some 28000 ports.
constexpr uint32_t kSources = 250;
constexpr int kPortsOfOneSource = 20'000;

double CpuSeconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / kSecondNs;
}

std::string ErrnoText(int error) { return error == 0 ? "broken" : std::strerror(error); }

bool IsLoopback(const sockaddr_in& address) {
  return ntohl(address.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

}  // namespace

struct Client::Connection {
  enum class State : uint8_t { kClosed, kConnecting, kOpen };

  State state = State::kClosed;
  bool in_exchange = false;  // From Begin on, connecting included.
  bool ready = false;        // Is in ready_.
  bool waiting = false;      // Is in waiting_.
  // Nothing follows what lies in the socket: it is to be read to its end.
  bool ending = false;
  bool send_blocked = false;
  int fd = -1;
  std::unique_ptr<Stream> stream;
  size_t header_sent_bytes = 0;
  BodySender sender;
  BodyChecker checker;
  int64_t intended_ns = 0;
  int64_t connect_began_ns = 0;
  // Open loop: exchanges that are due, and the first of them.
  uint64_t num_queued = 0;
  uint64_t next_exchange = 0;

  bool has_sent_all() const { return header_sent_bytes == kRequestHeaderBytes && sender.done(); }
};

Client::Client(const ClientOptions& options, TlsEndpoint* tls)
    : options_(options),
      tls_(tls),
      header_(Encode(options.request)),
      connections_(static_cast<size_t>(options.num_connections)),
      cycle_sources_(IsLoopback(options.target) &&
                     (options.new_connections || options.num_connections > kPortsOfOneSource)) {}

Client::~Client() = default;

bool Client::Prepare() {
  uint64_t num_warmup = options_.num_warmup_exchanges;
  if (!options_.new_connections) {
    const uint64_t num_first = std::min<uint64_t>(num_warmup, connections_.size());
    num_warmup -= num_first;
    EnterPhase(Phase::kOpening, num_first);
    while (num_opened_ < std::min(connections_.size(), kOpeningMax)) {
      Open(&connections_[num_opened_++]);
    }
    if (!RunUntil([this](int64_t) { return num_settled_ == connections_.size(); })) return false;
  }
  EnterPhase(Phase::kWarmup, num_warmup);
  for (Connection& connection : connections_) Next(&connection, NowNs());
  return RunUntil([this](int64_t) { return num_ended_ == num_total_; });
}

bool Client::Measure() {
  const bool open_loop = options_.rate > 0;
  EnterPhase(Phase::kMeasured, open_loop && options_.seconds > 0
                                   ? static_cast<uint64_t>(options_.rate * options_.seconds)
                                   : options_.num_exchanges);
  const double cpu_began = CpuSeconds();
  const int64_t began_ns = phase_began_ns_;
  if (!open_loop && options_.seconds > 0) {
    deadline_ns_ = began_ns + static_cast<int64_t>(options_.seconds * kSecondNs);
  }
  if (open_loop) {
    for (size_t i = 0; i < connections_.size(); ++i) connections_[i].next_exchange = i;
  } else {
    for (Connection& connection : connections_) Next(&connection, NowNs());
  }
  const bool moved = RunUntil(
      [this](int64_t now_ns) { return num_ended_ == num_begun_ && !MayBeginMore(now_ns); });
  result_.seconds = static_cast<double>(NowNs() - began_ns) / kSecondNs;
  result_.cpu_seconds = CpuSeconds() - cpu_began;
  return moved;
}

void Client::HoldUntilLine(int input) {
  phase_ = Phase::kHolding;
  for (;;) {
    pollfd fds[] = {{.fd = input, .events = POLLIN}, {.fd = poller_.fd(), .events = POLLIN}};
    poll(fds, 2, ready_.empty() ? -1 : 0);
    if (fds[1].revents != 0 || !ready_.empty()) Step(0);
    if (fds[0].revents != 0) {
      char byte = 0;
      const ssize_t n = read(input, &byte, 1);
      if (n == 0 || (n < 0 && errno != EINTR) || byte == '\n') return;
    }
  }
}

void Client::EnterPhase(Phase phase, uint64_t num_total) {
  phase_ = phase;
  num_total_ = num_total;
  num_begun_ = num_ended_ = num_released_ = 0;
  phase_began_ns_ = next_turn_ns_ = NowNs();
}

template <typename Finished>
bool Client::RunUntil(Finished finished) {
  uint64_t moves_seen = num_moves_;
  int64_t moved_ns = NowNs();
  std::vector<uint32_t> failed;
  for (;;) {
    const int64_t now_ns = NowNs();
    std::swap(failed, failed_);
    for (const uint32_t index : failed) {
      if (connections_[index].state == Connection::State::kClosed) {
        Next(&connections_[index], now_ns);
      }
    }
    failed.clear();
    const int64_t due_ns = ReleaseDue(now_ns);
    if (phase_ != Phase::kMeasured && !error_.empty()) return false;
    if (finished(now_ns)) return true;
    if (num_moves_ != moves_seen || (num_begun_ == num_ended_ && phase_ != Phase::kOpening)) {
      moves_seen = num_moves_;
      moved_ns = now_ns;
    } else if (now_ns - moved_ns > kStallNs) {
      error_ = absl::StrCat("nothing has moved for 20 s; ", num_begun_ - num_ended_,
                            " exchanges are not done");
      return false;
    }
    const bool busy = !ready_.empty() || !failed_.empty();
    Step(busy ? 0 : std::clamp<int64_t>(due_ns - now_ns, 0, kSecondNs));
  }
}

void Client::Step(int64_t timeout_ns) {
  for (const epoll_event& event : poller_.Wait(timeout_ns)) {
    Drive(&connections_[event.data.u64], event.events);
  }
  std::swap(turn_, ready_);
  for (const uint32_t index : turn_) {
    Connection& connection = connections_[index];
    if (!connection.ready) continue;  // Closed since.
    connection.ready = false;
    Drive(&connection, EPOLLIN);
  }
  turn_.clear();
}

int64_t Client::ReleaseDue(int64_t now_ns) {
  if (phase_ != Phase::kMeasured) return INT64_MAX;
  int64_t due_ns = INT64_MAX;
  if (options_.rate > 0) {
    while (num_released_ < num_total_) {
      due_ns = IntendedNs(num_released_);
      if (due_ns > now_ns) break;
      due_ns = INT64_MAX;
      Connection& connection = connections_[num_released_++ % connections_.size()];
      ++connection.num_queued;
      if (!connection.in_exchange) Next(&connection, now_ns);
    }
  }
  while (!waiting_.empty()) {
    if (next_turn_ns_ > now_ns) return std::min(due_ns, next_turn_ns_);
    Connection& connection = connections_[waiting_.front()];
    waiting_.pop_front();
    if (!connection.waiting) continue;  // Closed since.
    connection.waiting = false;
    if (connection.in_exchange) {
      Drive(&connection, 0);
    } else {
      Next(&connection, now_ns);
    }
  }
  return due_ns;
}

void Client::Open(Connection* connection) {
  engine::FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Fail(connection, absl::StrCat("socket: ", ErrnoText(errno)));
  const int on = 1;
  // A request in one send does not wait for anything.
  if (!options_.new_connections || options_.request.request_bytes > 0 || tls_ != nullptr) {
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  if (cycle_sources_) {
    sockaddr_in source = {.sin_family = AF_INET,
                          .sin_addr = {htonl(INADDR_LOOPBACK + next_source_++ % kSources)}};
    // The port is found by connect(), which takes one that goes to other targets too.
    setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&source), sizeof(source)) != 0) {
      return Fail(connection, absl::StrCat("bind: ", ErrnoText(errno)));
    }
  }
  connection->connect_began_ns = NowNs();
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&options_.target),
              sizeof(options_.target)) != 0 &&
      errno != EINPROGRESS) {
    return Fail(connection, absl::StrCat("connect: ", ErrnoText(errno)));
  }
  connection->state = Connection::State::kConnecting;
  connection->ending = connection->send_blocked = false;
  connection->fd = fd.get();
  connection->checker.Begin(0);
  connection->stream =
      tls_ != nullptr ? tls_->Wrap(std::move(fd)) : std::make_unique<PlainStream>(std::move(fd));
  PCHECK(poller_.Add(connection->fd, IndexOf(connection)));
}

void Client::OnConnected(Connection* connection) {
  ++num_moves_;
  connection->state = Connection::State::kOpen;
  if (phase_ == Phase::kMeasured && options_.new_connections) {
    result_.connect_latency.Add(NowNs() - connection->connect_began_ns);
  }
  if (connection->in_exchange) {
    Begin(connection, connection->intended_ns);
  } else if (phase_ == Phase::kOpening) {
    num_begun_ < num_total_ ? Begin(connection, NowNs()) : OnSettled();
  }
}

void Client::OnSettled() {
  ++num_settled_;
  if (num_opened_ < connections_.size()) Open(&connections_[num_opened_++]);
}

bool Client::MayBeginMore(int64_t now_ns) const {
  if (deadline_ns_ != INT64_MAX) return now_ns < deadline_ns_;
  return num_begun_ < num_total_;
}

int64_t Client::IntendedNs(uint64_t exchange) const {
  return phase_began_ns_ +
         static_cast<int64_t>(static_cast<double>(exchange) * kSecondNs / options_.rate);
}

void Client::Next(Connection* connection, int64_t now_ns) {
  if (phase_ == Phase::kMeasured && options_.rate > 0) {
    if (connection->num_queued == 0) return;
    --connection->num_queued;
    const uint64_t exchange = connection->next_exchange;
    connection->next_exchange += connections_.size();
    return Begin(connection, IntendedNs(exchange));
  }
  if (!MayBeginMore(now_ns) || !TakeTurn(connection, now_ns)) return;
  Begin(connection, now_ns);
}

void Client::Begin(Connection* connection, int64_t intended_ns) {
  if (!connection->in_exchange) {
    ++num_begun_;
    connection->in_exchange = true;
    connection->intended_ns = intended_ns;
    Charge(options_.request.response_bytes, intended_ns);
    if (connection->state == Connection::State::kClosed) return Open(connection);
  }
  connection->header_sent_bytes = 0;
  connection->sender.Begin(options_.request.request_bytes, options_.corrupt_at);
  connection->checker.Begin(options_.request.response_bytes);
  Send(connection);
}

void Client::OnDone(Connection* connection) {
  const int64_t now_ns = NowNs();
  ++num_ended_;
  connection->in_exchange = false;
  if (phase_ == Phase::kMeasured) {
    ++result_.exchanges;
    result_.request_bytes += options_.request.request_bytes;
    result_.response_bytes += options_.request.response_bytes;
    result_.latency.Add(now_ns - connection->intended_ns);
  }
  if (options_.new_connections) {
    connection->stream->End();
    connection->stream.reset();
    connection->state = Connection::State::kClosed;
    connection->ready = false;
  } else if (connection->ending) {
    GoOnLater(connection);
  }
  phase_ == Phase::kOpening ? OnSettled() : Next(connection, now_ns);
}

void Client::Fail(Connection* connection, const std::string& what, bool mismatched) {
  if (error_.empty()) error_ = what;
  ++num_moves_;
  ++result_.failed;
  if (mismatched) ++result_.mismatched;
  if (connection->in_exchange) ++num_ended_;
  connection->in_exchange = connection->ready = connection->waiting = false;
  connection->stream.reset();
  connection->state = Connection::State::kClosed;
  failed_.push_back(IndexOf(connection));
}

void Client::Drive(Connection* connection, uint32_t events) {
  if (connection->state == Connection::State::kClosed) return;
  if (connection->state == Connection::State::kConnecting) {
    int error = 0;
    socklen_t error_len = sizeof(error);
    if ((events & EPOLLERR) != 0) {
      getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
      return Fail(connection, absl::StrCat("connect: ", ErrnoText(error)));
    }
    if ((events & EPOLLOUT) == 0) return;
    OnConnected(connection);
    if ((events & EPOLLRDHUP) == 0 || connection->state == Connection::State::kClosed) return;
  }
  if ((events & EPOLLOUT) != 0) connection->send_blocked = false;
  // A short read takes everything but the end, of which no other event tells.
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection->ending = true;
  if (((events & EPOLLIN) != 0 || connection->ending) && !Receive(connection)) return;
  if (!Send(connection)) return;
  if (connection->in_exchange && connection->checker.done() && connection->has_sent_all()) {
    OnDone(connection);
  }
}

bool Client::Receive(Connection* connection) {
  for (int i = 0; i < kCallsMax; ++i) {
    BodyChecker& checker = connection->checker;
    auto verdict = BodyChecker::Verdict::kGood;
    const Progress progress = connection->stream->Receive([&](std::span<const uint8_t> bytes) {
      ++num_moves_;
      verdict = checker.Take(bytes);
      return verdict == BodyChecker::Verdict::kGood;
    });
    const int error = errno;
    if (verdict == BodyChecker::Verdict::kWrongByte) {
      Fail(connection, absl::StrCat("byte ", checker.position(), " of a response is wrong"), true);
      return false;
    }
    if (verdict == BodyChecker::Verdict::kTooMany) {
      Fail(connection, "more bytes have come than were asked for", true);
      return false;
    }
    if (progress == Progress::kFailed || progress == Progress::kEnded) {
      Fail(
          connection,
          absl::StrCat(progress == Progress::kEnded ? "closed by the peer" : ErrnoText(error), " ",
                       connection->in_exchange ? absl::StrCat("with ", checker.bytes_left(), " of ",
                                                              options_.request.response_bytes,
                                                              " bytes of the response missing")
                                               : "between exchanges"));
      return false;
    }
    // An end that comes with the last bytes is dealt with after OnDone.
    if (connection->in_exchange && checker.done()) return true;
    if (progress == Progress::kBlocked && !connection->ending) return true;
  }
  GoOnLater(connection);
  return true;
}

bool Client::Send(Connection* connection) {
  if (!connection->in_exchange || connection->waiting) return true;
  for (int i = 0; !connection->send_blocked; ++i) {
    const bool header_sent = connection->header_sent_bytes == kRequestHeaderBytes;
    if (connection->has_sent_all() && !connection->stream->has_unsent()) break;
    if (i == kCallsMax) {
      GoOnLater(connection);
      break;
    }
    Outgoing outgoing = connection->sender.Next();
    if (!header_sent) {
      // The byte that is wrong is a head itself.
      if (!outgoing.head.empty()) outgoing.body_bytes = 0;
      outgoing.head = std::span(header_).subspan(connection->header_sent_bytes);
    } else if (options_.bulk_rate_bytes > 0 && !TakeTurn(connection, NowNs())) {
      break;
    }
    size_t taken = 0;
    const Progress progress = connection->stream->Send(outgoing, &taken);
    if (progress == Progress::kFailed) {
      const int error = errno;
      Fail(connection, absl::StrCat(ErrnoText(error), " while a request was sent"));
      return false;
    }
    if (taken > 0) ++num_moves_;
    const size_t of_header = std::min(taken, kRequestHeaderBytes - connection->header_sent_bytes);
    connection->header_sent_bytes += of_header;
    connection->sender.Advance(taken - of_header);
    if (options_.bulk_rate_bytes > 0) Charge(taken - of_header, NowNs());
    connection->send_blocked = progress == Progress::kBlocked;
  }
  return true;
}

void Client::GoOnLater(Connection* connection) {
  if (connection->ready) return;
  connection->ready = true;
  ready_.push_back(IndexOf(connection));
}

uint32_t Client::IndexOf(const Connection* connection) const {
  return static_cast<uint32_t>(connection - connections_.data());
}

bool Client::TakeTurn(Connection* connection, int64_t now_ns) {
  if (options_.bulk_rate_bytes == 0 || phase_ != Phase::kMeasured) return true;
  if (next_turn_ns_ <= now_ns) return true;
  if (!connection->waiting) {
    connection->waiting = true;
    waiting_.push_back(IndexOf(connection));
  }
  return false;
}

void Client::Charge(uint64_t body_bytes, int64_t now_ns) {
  if (options_.bulk_rate_bytes == 0 || phase_ != Phase::kMeasured) return;
  next_turn_ns_ =
      std::max(next_turn_ns_, now_ns - kBurstNs) +
      static_cast<int64_t>(static_cast<double>(body_bytes) * kSecondNs / options_.bulk_rate_bytes);
}

}  // namespace sluice::bench
