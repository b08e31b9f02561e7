// A file of TLS secrets (proxy_ssl_key_log, ssl_key_log), in the format that Wireshark reads: NSS
// key logs, draft-ietf-tls-keylogfile. Who has it can decrypt the traffic.
#ifndef SLUICE_TLS_KEY_LOG_H_
#define SLUICE_TLS_KEY_LOG_H_

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tls/peer_role.h"

namespace sluice::tls {

// Safe for every thread.
class KeyLog {
 public:
  // Opens `path`, which is a regular file or not there, for appending. A new file is readable by
  // its owner only. `peer`: with whom the connections are, for messages.
  static absl::StatusOr<std::unique_ptr<KeyLog>> Open(const std::string& path,
                                                      PeerRole peer = PeerRole::kUpstream);
  ~KeyLog();
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  // Opens the file by its name again: a line is in the one or in the other. Where that fails the
  // file stays as it is.
  absl::Status Reopen();

  // Appends one line; `line` comes without its newline. Blocks for as long as the file system
  // does. A line that cannot be written is lost: it is worth less than the connection.
  void Write(std::string_view line);

  // What the first line that was lost was lost by; OK if none was, or if this has told it before.
  absl::Status TakeError();

 private:
  KeyLog(int fd, const std::string& path, PeerRole peer) : path_(path), peer_(peer), fd_(fd) {}

  static constexpr int kTold = -1;

  const std::string path_;
  const PeerRole peer_;
  const int fd_;
  std::atomic<int> error_ = 0;  // errno of the first failure, kTold once it has been told.
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_KEY_LOG_H_
