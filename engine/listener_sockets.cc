#include "engine/listener_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/kept_listeners.h"
#include "engine/listener_options.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

using config::Address;
using config::Listener;
using config::Server;

std::string UnixPath(const Address& address) {
  const char* path = reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
  return std::string(path, strnlen(path, sizeof(sockaddr_un::sun_path)));
}

absl::Status BindError(const Address& address, int error) {
  std::string text = SystemErrorText(absl::StrCat("bind() to ", address.text), error);
  if (error == EACCES && address.family() != AF_UNIX) {
    absl::StrAppend(&text, ": ports below 1024 need root or CAP_NET_BIND_SERVICE");
  }
  return absl::FailedPreconditionError(text);
}

absl::StatusOr<FileDescriptor> NewSocket(const Listener& listener, const Server& server) {
  FileDescriptor fd(socket(listener.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return SystemError(absl::StrCat("socket() ", listener.address.text), errno);
  const absl::Status status = SetListenerOptions(fd.get(), listener, server);
  if (!status.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(listener.address.text, ": ", status.message()));
  }
  return fd;
}

absl::Status Bind(int fd, const Address& address) {
  if (bind(fd, address.sockaddr_ptr(), address.storage_len) == 0) return absl::OkStatus();
  return BindError(address, errno);
}

absl::Status Listen(int fd, const Listener& listener) {
  if (listen(fd, listener.backlog) == 0) return absl::OkStatus();
  return SystemError(
      absl::StrCat("listen() to ", listener.address.text, ", backlog ", listener.backlog), errno);
}

// Whether the address is free: only without SO_REUSEPORT does bind tell.
absl::Status CheckFree(const Listener& listener, const Server& server) {
  const absl::StatusOr<FileDescriptor> fd = NewSocket(listener, server);
  return fd.ok() ? Bind(fd->get(), listener.address) : fd.status();
}

absl::StatusOr<FileDescriptor> OpenTcp(const Listener& listener, const Server& server) {
  absl::StatusOr<FileDescriptor> fd = NewSocket(listener, server);
  if (!fd.ok()) return fd;
  const int on = 1;
  if (setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return SystemError(absl::StrCat("setsockopt(SO_REUSEPORT) ", listener.address.text), errno);
  }
  absl::Status status = Bind(fd->get(), listener.address);
  if (status.ok()) status = Listen(fd->get(), listener);
  if (!status.ok()) return status;
  return fd;
}

// Whether one of `plan`'s sockets would make CheckFree of `address` fail.
bool IsInTheWay(const config::Plan& plan, const Address& address) {
  return std::any_of(plan.listeners.begin(), plan.listeners.end(), [&](const Listener& listener) {
    return listener.address.family() != AF_UNIX &&
           config::PortText(listener.address) == config::PortText(address) &&
           (config::IsWildcard(listener.address) || config::IsWildcard(address));
  });
}

// A socket file that a process left behind when it was killed.
bool IsStale(const Address& address) {
  struct stat file;
  if (lstat(UnixPath(address).c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return fd.valid() && connect(fd.get(), address.sockaddr_ptr(), address.storage_len) != 0 &&
         errno == ECONNREFUSED;
}

absl::StatusOr<FileDescriptor> OpenUnix(const Listener& listener, const Server& server,
                                        Logger& logger) {
  absl::StatusOr<FileDescriptor> fd = NewSocket(listener, server);
  if (!fd.ok()) return fd;
  const std::string path = UnixPath(listener.address);
  if (IsStale(listener.address) && unlink(path.c_str()) == 0) {
    logger.Log(config::LogLevel::kNotice,
               absl::StrCat("removed \"", path, "\": nobody listened on it"));
  }
  if (absl::Status status = Bind(fd->get(), listener.address); !status.ok()) return status;
  // As nginx: who may connect is decided by the folder's permissions.
  absl::Status status = absl::OkStatus();
  if (chmod(path.c_str(), 0666) != 0) {
    status = SystemError(absl::StrCat("chmod() \"", path, "\""), errno);
  }
  if (status.ok()) status = Listen(fd->get(), listener);
  if (!status.ok()) {
    unlink(path.c_str());
    return status;
  }
  return fd;
}

absl::StatusOr<std::vector<FileDescriptor>> OpenForShards(const Listener& listener,
                                                          const Server& server, int num_shards,
                                                          Logger& logger) {
  std::vector<FileDescriptor> sockets;
  for (int shard = 0; shard < num_shards; ++shard) {
    absl::StatusOr<FileDescriptor> fd;
    if (listener.address.family() != AF_UNIX) {
      fd = OpenTcp(listener, server);
    } else if (shard == 0) {
      fd = OpenUnix(listener, server, logger);
    } else {
      fd = FileDescriptor(fcntl(sockets[0].get(), F_DUPFD_CLOEXEC, 0));
      if (!fd->valid()) fd = SystemError(absl::StrCat("fcntl() ", listener.address.text), errno);
    }
    if (!fd.ok()) return fd.status();
    sockets.push_back(*std::move(fd));
  }
  return sockets;
}

}  // namespace

void ListenerSockets::RemoveFiles() {
  Discard();
  for (const std::string& path : std::exchange(unix_paths_, {})) unlink(path.c_str());
}

void ListenerSockets::Discard() {
  sockets_by_shard_.clear();
  for (const std::string& path : std::exchange(new_unix_paths_, {})) unlink(path.c_str());
}

void ListenerSockets::RemoveFilesExcept(const config::Plan& plan) {
  std::vector<std::string> listened;
  for (const Listener& listener : plan.listeners) {
    if (listener.address.family() == AF_UNIX) listened.push_back(UnixPath(listener.address));
  }
  std::erase_if(unix_paths_, [&](const std::string& path) {
    if (std::find(listened.begin(), listened.end(), path) != listened.end()) return false;
    unlink(path.c_str());
    return true;
  });
}

std::vector<std::string> ListenerSockets::Open(const config::Plan& plan, Logger& logger,
                                               const config::Plan* before) {
  std::vector<int> kept(plan.listeners.size(), config::kNoIndex);
  if (before != nullptr) kept = KeptListeners(*before, plan);
  std::vector<std::string> problems;
  std::vector<size_t> usable;  // Indices of listeners.
  // All of them before the first is opened: our own sockets would be in the way.
  for (size_t i = 0; i < plan.listeners.size(); ++i) {
    const Listener& listener = plan.listeners[i];
    if (kept[i] != config::kNoIndex) continue;
    absl::Status status = absl::OkStatus();
    if (listener.address.family() != AF_UNIX &&
        (before == nullptr || !IsInTheWay(*before, listener.address))) {
      status = CheckFree(listener, plan.servers[listener.server]);
    }
    if (status.ok()) {
      usable.push_back(i);
    } else {
      problems.emplace_back(status.message());
    }
  }
  sockets_by_shard_.resize(plan.process.num_shards);
  for (auto& sockets : sockets_by_shard_) sockets.resize(plan.listeners.size());
  for (const size_t i : usable) {
    const Listener& listener = plan.listeners[i];
    absl::StatusOr<std::vector<FileDescriptor>> sockets =
        OpenForShards(listener, plan.servers[listener.server], plan.process.num_shards, logger);
    if (!sockets.ok()) {
      problems.emplace_back(sockets.status().message());
      continue;
    }
    if (listener.address.family() == AF_UNIX) {
      new_unix_paths_.push_back(UnixPath(listener.address));
    }
    for (int shard = 0; shard < plan.process.num_shards; ++shard) {
      sockets_by_shard_[shard][i] = std::move((*sockets)[shard]);
    }
  }
  if (!problems.empty()) Discard();
  return problems;
}

std::vector<FileDescriptor> ListenerSockets::Take(int shard) {
  // They are in use from here on.
  unix_paths_.insert(unix_paths_.end(), new_unix_paths_.begin(), new_unix_paths_.end());
  new_unix_paths_.clear();
  return std::exchange(sockets_by_shard_[shard], {});
}

}  // namespace sluice::engine
