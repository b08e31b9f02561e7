// Opens the socket that will be connected to an upstream.
#ifndef SLUICE_ENGINE_UPSTREAM_SOCKET_H_
#define SLUICE_ENGINE_UPSTREAM_SOCKET_H_

#include "config/plan.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

// A close-on-exec, non-blocking stream socket for `address` with the options of `server`:
// proxy_socket_keepalive, tcp_nodelay, and proxy_bind to `local`, where that is of the same family;
// null: not bound. Invalid on failure: errno tells the error and `*failed_call` the call, as in
// nginx's logs ("socket()").
FileDescriptor OpenUpstreamSocket(const config::Server& server, const config::Address& address,
                                  const config::Address* local, const char** failed_call);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_UPSTREAM_SOCKET_H_
