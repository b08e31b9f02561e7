#include "engine/syslog.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/host_name.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

// Blanks, not zeros, in front of the day (RFC 3164 4.1.2). sluice sets no locale: months are
// English.
std::string TimeText(time_t time) {
  tm local;
  localtime_r(&time, &local);
  char text[sizeof("Jan 01 00:00:00")];
  strftime(text, sizeof(text), "%b %e %H:%M:%S", &local);
  return text;
}

void AppendWithoutControls(std::string_view message, std::string& out) {
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      absl::StrAppendFormat(&out, "\\x%02X", byte);
    } else {
      out += c;
    }
  }
}

// Whether a send that failed with `error` says nothing against the socket.
bool SocketIsGood(int error) { return error == ENOBUFS || error == ENOMEM || error == EMSGSIZE; }

}  // namespace

Syslog::Syslog(config::SyslogTarget target) : target_(std::move(target)) { Reopen(); }

void Syslog::Send(config::LogLevel severity, time_t time, std::string_view message) {
  std::string datagram = absl::StrCat("<", target_.facility * 8 + static_cast<int>(severity), ">",
                                      TimeText(time), " ");
  if (target_.has_hostname) absl::StrAppend(&datagram, HostName(), " ");
  absl::StrAppend(&datagram, target_.tag, ": ");
  AppendWithoutControls(message, datagram);
  // Behind what waits already.
  const Outcome outcome = waits() ? Outcome::kNoRoom : TrySend(datagram);
  if (outcome == Outcome::kSent) return;
  const size_t bytes = sizeof(datagram) + datagram.size();
  if (outcome == Outcome::kNoRoom && waiting_bytes_ + bytes <= kWaitingBytesMax) {
    waiting_bytes_ += bytes;
    waiting_.push_back(std::move(datagram));
    return;
  }
  if (outcome == Outcome::kNoRoom) TellSlow();
  ++num_lost_;
}

void Syslog::SendWaiting() {
  while (waits()) {
    const std::string& datagram = waiting_.front();
    const Outcome outcome = TrySend(datagram);
    if (outcome == Outcome::kNoRoom) return;
    if (outcome == Outcome::kLost) ++num_lost_;
    waiting_bytes_ -= sizeof(datagram) + datagram.size();
    waiting_.pop_front();
  }
}

void Syslog::DropWaiting() {
  if (!waits()) return;
  TellSlow();
  num_lost_ += waiting_.size();
  waiting_.clear();
  waiting_bytes_ = 0;
}

void Syslog::TellSlow() {
  problem_ = absl::StrCat("syslog server ", target_.address.text, " reads too slowly");
}

Syslog::Outcome Syslog::TrySend(std::string_view datagram, bool again) {
  if (!socket_.valid() && !Open()) return Outcome::kLost;
  if (send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) {
    return Outcome::kSent;
  }
  const int error = errno;
  if (error == EAGAIN) return Outcome::kNoRoom;
  problem_ = SystemErrorText(absl::StrCat("send() to syslog server ", target_.address.text), error);
  if (again || SocketIsGood(error)) return Outcome::kLost;
  socket_ = FileDescriptor();
  // With UDP this is the fate of a message before, about which ICMP has told.
  if (error == ECONNREFUSED && target_.address.family() != AF_UNIX) ++num_lost_;
  return TrySend(datagram, /*again=*/true);
}

bool Syslog::Open() {
  FileDescriptor fd(
      socket(target_.address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, /*protocol=*/0));
  if (!fd.valid()) {
    problem_ =
        SystemErrorText(absl::StrCat("socket() for syslog server ", target_.address.text), errno);
    return false;
  }
  if (connect(fd.get(), target_.address.sockaddr_ptr(), target_.address.storage_len) != 0) {
    problem_ =
        SystemErrorText(absl::StrCat("connect() to syslog server ", target_.address.text), errno);
    return false;
  }
  socket_ = std::move(fd);
  return true;
}

void Syslog::Reopen() {
  socket_ = FileDescriptor();
  // The next message tries again.
  (void)Open();
}

std::string Syslog::TakeReport(int64_t now_ms) {
  if (num_lost_ == 0) return "";
  report_ms_ = now_ms + kReportIntervalMs;
  return absl::StrCat(problem_, ": ", std::exchange(num_lost_, 0), " log messages lost");
}

}  // namespace sluice::engine
