#include "engine/upstream_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace sluice::engine {
namespace {

bool SetOption(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

bool SetTransparent(int fd, int family) {
  return family == AF_INET6 ? SetOption(fd, SOL_IPV6, IPV6_TRANSPARENT)
                            : SetOption(fd, SOL_IP, IP_TRANSPARENT);
}

}  // namespace

FileDescriptor OpenUpstreamSocket(const config::Server& server, const config::Address& address,
                                  const config::Address* local, const char** failed_call) {
  // io_uring waits on a non-blocking socket as on any other; connect(2) on a unix one does not.
  FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto failed = [&](const char* call) {
    const int error = errno;
    *failed_call = call;
    socket = FileDescriptor();
    errno = error;
    return FileDescriptor();
  };
  if (!socket.valid()) return failed("socket()");
  const int fd = socket.get();
  const bool is_ip = address.family() == AF_INET || address.family() == AF_INET6;
  if (server.socket_keepalive && !SetOption(fd, SOL_SOCKET, SO_KEEPALIVE)) {
    return failed("setsockopt(SO_KEEPALIVE)");
  }
  if (is_ip && server.tcp_nodelay && !SetOption(fd, SOL_TCP, TCP_NODELAY)) {
    return failed("setsockopt(TCP_NODELAY)");
  }
  // nginx: proxy_bind is for peers of its own address family.
  if (local != nullptr && local->family() == address.family()) {
    // The port is chosen when connecting, when the whole 4-tuple is known: one local port serves
    // many upstreams (ip(7), IP_BIND_ADDRESS_NO_PORT).
    SetOption(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT);
    if (server.bind->transparent && !SetTransparent(fd, address.family())) {
      return failed("setsockopt(IP_TRANSPARENT)");
    }
    if (::bind(fd, local->sockaddr_ptr(), local->storage_len) != 0) {
      return failed("bind()");
    }
  }
  return socket;
}

}  // namespace sluice::engine
