#include "bench/load/upstream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/log/check.h"

namespace sluice::bench {
namespace {

constexpr int kBacklog = 4096;
// New connections, and calls for one connection, before others have their turn.
constexpr int kAcceptsMax = 64;
constexpr int kCallsMax = 4;

// Event ids are descriptors; these are none.
constexpr uint64_t kListenerId = UINT64_MAX;
constexpr uint64_t kStopId = UINT64_MAX - 1;

}  // namespace

struct Upstream::Connection {
  enum class State : uint8_t { kHeader, kExchange };

  int fd;
  std::unique_ptr<Stream> stream;
  State state = State::kHeader;
  bool ready = false;  // Is in ready_.
  bool responding = false;
  // Nothing follows what lies in the socket: it is to be read to its end.
  bool ending = false;
  bool send_blocked = false;
  HeaderBytes header;
  size_t header_len = 0;
  BodyChecker checker;
  BodySender sender;
};

Upstream::Upstream(engine::FileDescriptor listener, TlsEndpoint* tls,
                   std::optional<uint64_t> corrupt_at)
    : listener_(std::move(listener)), tls_(tls), corrupt_at_(corrupt_at) {
  PCHECK(poller_.Add(listener_.get(), kListenerId));
}

Upstream::~Upstream() = default;

void Upstream::Run(int stop) {
  PCHECK(poller_.Add(stop, kStopId));
  std::vector<int> turn;
  for (;;) {
    const bool busy = accept_more_ || !ready_.empty();
    for (const epoll_event& event : poller_.Wait(busy ? 0 : -1)) {
      if (event.data.u64 == kStopId) return;
      if (event.data.u64 == kListenerId) {
        accept_more_ = true;
      } else {
        Drive(connections_[event.data.u64].get(), event.events);
      }
    }
    std::swap(turn, ready_);
    for (const int fd : turn) {
      Connection* const connection = connections_[static_cast<size_t>(fd)].get();
      // It may have been closed since, and its number be a new connection's.
      if (connection == nullptr || !connection->ready) continue;
      connection->ready = false;
      Drive(connection, EPOLLIN);
    }
    turn.clear();
    if (accept_more_) Accept();
  }
}

void Upstream::Accept() {
  for (int i = 0; i < kAcceptsMax; ++i) {
    engine::FileDescriptor fd(
        accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      PCHECK(errno == EAGAIN) << "accept4";
      accept_more_ = false;
      return;
    }
    ++totals_.connections;
    const int number = fd.get();
    const size_t index = static_cast<size_t>(number);
    if (connections_.size() <= index) connections_.resize(2 * index + 1);
    connections_[index] = std::make_unique<Connection>();
    connections_[index]->fd = number;
    connections_[index]->stream =
        tls_ != nullptr ? tls_->Wrap(std::move(fd)) : std::make_unique<PlainStream>(std::move(fd));
    PCHECK(poller_.Add(number, index));
  }
}

void Upstream::Drive(Connection* connection, uint32_t events) {
  if ((events & EPOLLOUT) != 0) connection->send_blocked = false;
  // A short read takes everything but the end, of which no other event tells.
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection->ending = true;
  if ((events & EPOLLIN) != 0 || connection->ending) {
    if (!Receive(connection)) return Close(connection);
  }
  if (!Send(connection)) Close(connection);
}

void Upstream::GoOnLater(Connection* connection) {
  if (connection->ready) return;
  connection->ready = true;
  ready_.push_back(connection->fd);
}

bool Upstream::Receive(Connection* connection) {
  for (int i = 0; i < kCallsMax; ++i) {
    bool good = true;
    const Progress progress = connection->stream->Receive(
        [&](std::span<const uint8_t> bytes) { return good = Take(connection, bytes); });
    if (!good) return false;
    if (progress == Progress::kBlocked && !connection->ending) return true;
    if (progress == Progress::kEnded || progress == Progress::kFailed) {
      // Between exchanges a connection may end as it likes. TLS that fails has no errno.
      const bool amid =
          connection->state == Connection::State::kExchange || connection->header_len > 0;
      if (amid || (progress == Progress::kFailed && errno == 0)) ++totals_.errors;
      return false;
    }
  }
  GoOnLater(connection);
  return true;
}

bool Upstream::Take(Connection* connection, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (connection->state == Connection::State::kHeader) {
      const size_t len = std::min(bytes.size(), kRequestHeaderBytes - connection->header_len);
      std::copy_n(bytes.begin(), len, connection->header.begin() + connection->header_len);
      connection->header_len += len;
      bytes = bytes.subspan(len);
      if (connection->header_len < kRequestHeaderBytes) return true;
      if (!BeginExchange(connection)) return false;
      continue;
    }
    const size_t len =
        static_cast<size_t>(std::min<uint64_t>(bytes.size(), connection->checker.bytes_left()));
    if (len == 0) {
      ++totals_.errors;
      return false;
    }
    totals_.request_bytes += len;
    if (connection->checker.Take(bytes.first(len)) == BodyChecker::Verdict::kWrongByte) {
      ++totals_.mismatches;
      return false;
    }
    bytes = bytes.subspan(len);
    if (connection->checker.done()) connection->responding = true;
    // A response that went out at once may be done before its request: then the next header, or the
    // end, may come right behind that.
    EndExchangeIfDone(connection);
  }
  return true;
}

bool Upstream::BeginExchange(Connection* connection) {
  const std::optional<RequestHeader> request = Decode(connection->header);
  if (!request.has_value()) {
    ++totals_.errors;
    return false;
  }
  connection->header_len = 0;
  connection->state = Connection::State::kExchange;
  connection->checker.Begin(request->request_bytes);
  connection->sender.Begin(request->response_bytes, corrupt_at_);
  connection->responding = connection->checker.done() || (request->flags & kRespondAtOnce) != 0;
  return true;
}

void Upstream::EndExchangeIfDone(Connection* connection) {
  if (connection->state != Connection::State::kExchange || !connection->checker.done() ||
      !connection->sender.done()) {
    return;
  }
  connection->state = Connection::State::kHeader;
  connection->responding = false;
  ++totals_.exchanges;
}

bool Upstream::Send(Connection* connection) {
  Stream& stream = *connection->stream;
  const auto has_body = [&] { return connection->responding && !connection->sender.done(); };
  for (int i = 0; !connection->send_blocked && (has_body() || stream.has_unsent()); ++i) {
    if (i == kCallsMax) {
      GoOnLater(connection);
      break;
    }
    size_t taken = 0;
    const Progress progress =
        stream.Send(has_body() ? connection->sender.Next() : Outgoing{}, &taken);
    connection->sender.Advance(taken);
    totals_.response_bytes += taken;
    if (progress == Progress::kFailed) {
      ++totals_.errors;
      return false;
    }
    connection->send_blocked = progress == Progress::kBlocked;
  }
  EndExchangeIfDone(connection);
  return true;
}

void Upstream::Close(Connection* connection) {
  connection->stream->End();
  connections_[static_cast<size_t>(connection->fd)].reset();
}

engine::FileDescriptor ListenOnLoopback(uint16_t* port) {
  engine::FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address = {.sin_family = AF_INET,
                         .sin_port = htons(*port),
                         .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t address_len = sizeof(address);
  sockaddr* const generic_address = reinterpret_cast<sockaddr*>(&address);
  const int on = 1;
  // Accepted sockets inherit TCP_NODELAY.
  if (!fd.valid() || setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
      bind(fd.get(), generic_address, address_len) != 0 || listen(fd.get(), kBacklog) != 0 ||
      getsockname(fd.get(), generic_address, &address_len) != 0) {
    return {};
  }
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace sluice::bench
