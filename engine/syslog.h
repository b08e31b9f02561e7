// One log's way to a syslog server: messages in the form that nginx sends (RFC 3164), each one
// datagram: "<190>Nov 27 08:30:00 host sluice: message".
//
// Nothing here blocks or fails: what the server has no room for waits, up to a bound; what cannot
// be sent is lost and counted, and whoever has the log says so elsewhere. A socket that has failed
// is replaced, so that a server that was started again gets the very next message.
#ifndef SLUICE_ENGINE_SYSLOG_H_
#define SLUICE_ENGINE_SYSLOG_H_

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>

#include "config/plan.h"
#include "engine/file_descriptor.h"

namespace sluice::engine {

// The control thread's.
class Syslog {
 public:
  // What is sent of a line of an error log: nginx makes them 2048 bytes long at most with their
  // line feed (NGX_MAX_ERROR_STR, src/core/ngx_log.h). Lines of access logs are sent whole.
  static constexpr size_t kErrorLineBytesMax = 2047;

  // What waits at most. A Unix socket takes 10 datagrams before they are read unless
  // net.unix.max_dgram_qlen says more, and access logs send the lines of 10 ms together. At 200
  // bytes it is 5,000 lines.
  static constexpr size_t kWaitingBytesMax = 1 << 20;

  // Opens the socket now, so that it is there when descriptors have run out or sluice is another
  // user. If that fails, the first message tries again.
  explicit Syslog(config::SyslogTarget target);
  Syslog(const Syslog&) = delete;
  Syslog& operator=(const Syslog&) = delete;

  const config::SyslogTarget& target() const { return target_; }

  // `message`: without line feed. Control characters in it, except for tabs, are sent as "\xNN".
  void Send(config::LogLevel severity, time_t time, std::string_view message);

  // Something waits until the server has room: then fd() is writable.
  bool waits() const { return !waiting_.empty(); }
  int fd() const { return socket_.get(); }
  // Sends what waits, as far as there is room.
  void SendWaiting();
  // What waits is lost.
  void DropWaiting();

  // Opens the socket anew: its address may lead to another server by now.
  void Reopen();

  // Messages were lost that TakeReport has not told of, and it told of none in the last second.
  // `now_ms`: monotonic.
  bool report_is_due(int64_t now_ms) const { return num_lost_ > 0 && now_ms >= report_ms_; }
  // How many messages were lost, and why the latest one was. Empty: none.
  std::string TakeReport(int64_t now_ms);

 private:
  static constexpr int64_t kReportIntervalMs = 1000;

  enum class Outcome : uint8_t {
    kSent,
    kNoRoom,  // Now; it may be sent later.
    kLost,    // problem_ says why.
  };

  // False: problem_ says why.
  bool Open();
  // `again`: this is the second try.
  Outcome TrySend(std::string_view datagram, bool again = false);
  // As what is lost for want of room has problem_ say.
  void TellSlow();

  const config::SyslogTarget target_;
  FileDescriptor socket_;
  std::deque<std::string> waiting_;
  size_t waiting_bytes_ = 0;
  uint64_t num_lost_ = 0;
  std::string problem_;
  int64_t report_ms_ = 0;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SYSLOG_H_
