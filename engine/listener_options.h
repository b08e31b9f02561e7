// What is set on a listening socket, and for which parameter of `listen`.
#ifndef SLUICE_ENGINE_LISTENER_OPTIONS_H_
#define SLUICE_ENGINE_LISTENER_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "config/plan.h"

namespace sluice::engine {

// Everything that `listen` asks for, and what connections accepted from `fd` inherit (keepalive,
// buffer sizes, tcp_nodelay of `server`). Before bind(2).
absl::Status SetListenerOptions(int fd, const config::Listener& listener,
                                const config::Server& server);

// Brings `fd`, which listens with what `before` asked for, to what `now` asks for: of the same
// address. What is not equal is set; connections accepted from here on have it. What only a new
// socket can have stays (OptionsThatNeedARestart).
absl::Status UpdateListenerOptions(int fd, const config::Listener& before,
                                   const config::Server& server_before, const config::Listener& now,
                                   const config::Server& server_now);

// Parameters of `listen` that differ and cannot be changed while a socket listens: "rcvbuf", ...
std::vector<std::string> OptionsThatNeedARestart(const config::Listener& before,
                                                 const config::Listener& now);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LISTENER_OPTIONS_H_
