// TCP sockets on 127.0.0.1. Everything here aborts when the kernel refuses.
#ifndef SLUICE_BENCH_LIMITS_LOOPBACK_H_
#define SLUICE_BENCH_LIMITS_LOOPBACK_H_

#include <netinet/in.h>

#include "engine/file_descriptor.h"

namespace sluice::bench {

// Listens on a free port.
engine::FileDescriptor Listen();
// Where `fd` is bound to.
sockaddr_in LocalAddress(int fd);
// Connects, blocking, without Nagle's algorithm.
engine::FileDescriptor ConnectTo(const sockaddr_in& address);
void SetNoDelay(int fd);
void SetNonBlocking(int fd);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LIMITS_LOOPBACK_H_
