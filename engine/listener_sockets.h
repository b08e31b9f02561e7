// The listening sockets of a plan, one for each listener and shard.
//
// Each shard has its own socket for a TCP address (SO_REUSEPORT), so that shards share no accept
// queue. A unix socket there is only once: the shards' descriptors are duplicates of it.
#ifndef SLUICE_ENGINE_LISTENER_SOCKETS_H_
#define SLUICE_ENGINE_LISTENER_SOCKETS_H_

#include <string>
#include <vector>

#include "config/plan.h"
#include "engine/file_descriptor.h"
#include "engine/logger.h"

namespace sluice::engine {

class ListenerSockets {
 public:
  ListenerSockets() = default;
  ~ListenerSockets() { RemoveFiles(); }
  ListenerSockets(const ListenerSockets&) = delete;
  ListenerSockets& operator=(const ListenerSockets&) = delete;

  // Binds and listens on every address of `plan`, for its number of shards, but for those that
  // `before` has: their sockets are open already, and stay. Returns one line for each address that
  // failed; empty: all of them listen. When one fails none is left open.
  //
  // Where sockets of `before` are in the way of a test whether an address is free (a wildcard
  // beside an address with its port), that test is left out.
  //
  // An address on which another process listens fails, even where SO_REUSEPORT would let both have
  // it: two proxies would share the connections without anybody having asked for it. The file of a
  // unix socket that nobody listens on any more is removed, with a notice.
  std::vector<std::string> Open(const config::Plan& plan, Logger& logger,
                                const config::Plan* before = nullptr);

  // The sockets of one shard that the last Open has opened, in the order of Plan::listeners, for it
  // to own and to close; invalid for those of `before`. Once for each shard and Open.
  std::vector<FileDescriptor> Take(int shard);

  // Closes what the last Open has opened and nobody has taken, and removes its files.
  void Discard();
  // Removes the files of unix sockets that `plan` does not listen on.
  void RemoveFilesExcept(const config::Plan& plan);

  // Removes the files of the unix sockets, as far as the process still may.
  void RemoveFiles();

 private:
  std::vector<std::vector<FileDescriptor>> sockets_by_shard_;
  std::vector<std::string> unix_paths_;      // Of the sockets that we have made,
  std::vector<std::string> new_unix_paths_;  // and those of the last Open.
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LISTENER_SOCKETS_H_
