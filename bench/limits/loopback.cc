#include "bench/limits/loopback.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "absl/log/check.h"

namespace sluice::bench {

using engine::FileDescriptor;

FileDescriptor Listen() {
  FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(listener.valid());
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  CHECK_EQ(listen(listener.get(), 512), 0);
  return listener;
}

sockaddr_in LocalAddress(int fd) {
  sockaddr_in address;
  socklen_t address_len = sizeof(address);
  CHECK_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &address_len), 0);
  return address;
}

FileDescriptor ConnectTo(const sockaddr_in& address) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(fd.valid());
  CHECK_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  SetNoDelay(fd.get());
  return fd;
}

void SetNoDelay(int fd) {
  const int on = 1;
  CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

void SetNonBlocking(int fd) { CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0); }

}  // namespace sluice::bench
