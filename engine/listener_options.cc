#include "engine/listener_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

// Sets options one after another; after the first failure it does nothing more.
class OptionSetter {
 public:
  explicit OptionSetter(int fd) : fd_(fd) {}

  void Set(int level, int option, int value, const char* name) {
    if (!status_.ok() || setsockopt(fd_, level, option, &value, sizeof(value)) == 0) return;
    status_ = SystemError(absl::StrCat("setsockopt(", name, ", ", value, ")"), errno);
  }

  absl::Status status() const { return status_; }

 private:
  const int fd_;
  absl::Status status_;
};

void SetKeepalive(OptionSetter& options, const config::Keepalive& keepalive) {
  if (keepalive.mode == config::Keepalive::Mode::kSystem) return;
  const bool on = keepalive.mode == config::Keepalive::Mode::kOn;
  options.Set(SOL_SOCKET, SO_KEEPALIVE, on, "SO_KEEPALIVE");
  if (keepalive.idle_s > 0) {
    options.Set(IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle_s, "TCP_KEEPIDLE");
  }
  if (keepalive.interval_s > 0) {
    options.Set(IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval_s, "TCP_KEEPINTVL");
  }
  if (keepalive.num_probes > 0) {
    options.Set(IPPROTO_TCP, TCP_KEEPCNT, keepalive.num_probes, "TCP_KEEPCNT");
  }
}

}  // namespace

absl::Status SetListenerOptions(int fd, const config::Listener& listener,
                                const config::Server& server) {
  OptionSetter options(fd);
  if (listener.rcvbuf_bytes > 0) {
    options.Set(SOL_SOCKET, SO_RCVBUF, listener.rcvbuf_bytes, "SO_RCVBUF");
  }
  if (listener.sndbuf_bytes > 0) {
    options.Set(SOL_SOCKET, SO_SNDBUF, listener.sndbuf_bytes, "SO_SNDBUF");
  }
  if (listener.address.family() == AF_UNIX) return options.status();

  options.Set(SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (listener.address.family() == AF_INET6) {
    options.Set(IPPROTO_IPV6, IPV6_V6ONLY, listener.ipv6only, "IPV6_V6ONLY");
  }
  SetKeepalive(options, listener.keepalive);
  options.Set(IPPROTO_TCP, TCP_NODELAY, server.tcp_nodelay, "TCP_NODELAY");
  if (listener.fastopen_queue > 0) {
    options.Set(IPPROTO_TCP, TCP_FASTOPEN, listener.fastopen_queue, "TCP_FASTOPEN");
  }
  // Seconds the kernel waits for the client's first bytes before it hands over the connection; as
  // nginx, the least there is.
  if (listener.deferred) options.Set(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT");
  return options.status();
}

absl::Status UpdateListenerOptions(int fd, const config::Listener& before,
                                   const config::Server& server_before, const config::Listener& now,
                                   const config::Server& server_now) {
  OptionSetter options(fd);
  if (now.rcvbuf_bytes != before.rcvbuf_bytes && now.rcvbuf_bytes > 0) {
    options.Set(SOL_SOCKET, SO_RCVBUF, now.rcvbuf_bytes, "SO_RCVBUF");
  }
  if (now.sndbuf_bytes != before.sndbuf_bytes && now.sndbuf_bytes > 0) {
    options.Set(SOL_SOCKET, SO_SNDBUF, now.sndbuf_bytes, "SO_SNDBUF");
  }
  if (now.address.family() != AF_UNIX) {
    if (now.keepalive != before.keepalive) SetKeepalive(options, now.keepalive);
    if (server_now.tcp_nodelay != server_before.tcp_nodelay) {
      options.Set(IPPROTO_TCP, TCP_NODELAY, server_now.tcp_nodelay, "TCP_NODELAY");
    }
    if (now.fastopen_queue != before.fastopen_queue) {
      options.Set(IPPROTO_TCP, TCP_FASTOPEN, now.fastopen_queue, "TCP_FASTOPEN");
    }
    if (now.deferred != before.deferred) {
      options.Set(IPPROTO_TCP, TCP_DEFER_ACCEPT, now.deferred, "TCP_DEFER_ACCEPT");
    }
  }
  if (!options.status().ok()) return options.status();
  // Of a socket that listens this only changes how many may wait.
  if (now.backlog != before.backlog && listen(fd, now.backlog) != 0) {
    return SystemError(absl::StrCat("listen(backlog ", now.backlog, ")"), errno);
  }
  return absl::OkStatus();
}

std::vector<std::string> OptionsThatNeedARestart(const config::Listener& before,
                                                 const config::Listener& now) {
  std::vector<std::string> options;
  if (before.address.family() == AF_INET6 && now.ipv6only != before.ipv6only) {
    options.push_back("ipv6only");
  }
  // Nothing brings the system's own sizing back once there was another.
  if (now.rcvbuf_bytes == 0 && before.rcvbuf_bytes > 0) options.push_back("rcvbuf");
  if (now.sndbuf_bytes == 0 && before.sndbuf_bytes > 0) options.push_back("sndbuf");
  const config::Keepalive& a = before.keepalive;
  const config::Keepalive& b = now.keepalive;
  if ((b.mode == config::Keepalive::Mode::kSystem && a.mode != b.mode) ||
      (b.idle_s == 0 && a.idle_s > 0) || (b.interval_s == 0 && a.interval_s > 0) ||
      (b.num_probes == 0 && a.num_probes > 0)) {
    options.push_back("so_keepalive");
  }
  return options;
}

}  // namespace sluice::engine
