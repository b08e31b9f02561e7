// What is set on a listening socket, and for which parameter of `listen`.
#ifndef SLUICE_ENGINE_LISTENER_OPTIONS_H_
#define SLUICE_ENGINE_LISTENER_OPTIONS_H_

#include "absl/status/status.h"
#include "config/plan.h"

namespace sluice::engine {

// Everything that `listen` asks for, and what connections accepted from `fd` inherit (keepalive,
// buffer sizes, tcp_nodelay of `server`). Before bind(2).
absl::Status SetListenerOptions(int fd, const config::Listener& listener,
                                const config::Server& server);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LISTENER_OPTIONS_H_
