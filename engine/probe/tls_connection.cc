#include "engine/probe/tls_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/file_descriptor.h"
#include "engine/probe/advice.h"
#include "engine/system_error.h"
#include "engine/upstream_socket.h"
#include "tls/session.h"

namespace sluice::engine {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using tls::Outcome;

// Two records: any step can go on.
constexpr size_t kBufferBytes = 2 * tls::kRecordWireBytesMax;
// An upstream that talks on without being asked is not listened to for ever.
constexpr int64_t kUnaskedBytesMax = 1024 * 1024;
// What is shown of an upstream that does not speak TLS.
constexpr size_t kGreetingBytesMax = 40;
// A ticket comes within one round trip, and connecting has taken one; the rest is for the upstream.
constexpr int kTicketWaitRoundTrips = 4;

// Fits poll's int; the deadline is looked at again then.
constexpr int64_t kPollMsMax = 1'000'000;

// Types of records: change_cipher_spec to application_data (RFC 8446 5.1).
bool LooksLikeTls(std::string_view bytes) {
  return bytes.empty() || (bytes[0] >= 20 && bytes[0] <= 23);
}

std::string Ms(int64_t ms) { return absl::StrCat(ms, " ms"); }

class TlsConnection {
 public:
  explicit TlsConnection(const ConnectionRequest& request)
      : request_(request), input_room_(kBufferBytes), output_(kBufferBytes) {}

  ConnectionFacts Run() {
    if (Connect() && Handshake()) {
      TakeFacts();
      if (TakeTickets()) Close();
      facts_.num_tickets = session_->num_tickets();
      facts_.ticket_lifetime_s = session_->ticket_lifetime_s();
    } else if (session_ != nullptr) {
      TakeCertificates();
    }
    return std::move(facts_);
  }

 private:
  enum class Io : uint8_t { kOk, kEnd, kReset, kTimeout };

  bool Fail(ProbeStep step, std::string error) {
    facts_.step = step;
    facts_.error = std::move(error);
    return false;
  }

  void SetDeadline(int64_t ms) { deadline_ = Clock::now() + milliseconds(ms); }

  // Whether `events` came before the deadline.
  bool Wait(int events) {
    for (;;) {
      const auto left = duration_cast<milliseconds>(deadline_ - Clock::now());
      if (left.count() < 0) return false;
      // Rounded up: poll must not return just before the deadline.
      const int64_t left_ms = std::min<int64_t>(left.count() + 1, kPollMsMax);
      pollfd waited = {.fd = socket_.get(), .events = static_cast<short>(events)};
      if (poll(&waited, 1, static_cast<int>(left_ms)) > 0) return true;
    }
  }

  bool Connect() {
    const std::string connect_call = absl::StrCat("connect() to ", request_.address.text);
    SetDeadline(request_.timeout_ms);
    const Clock::time_point start = Clock::now();
    const char* failed_call = nullptr;
    // There is no client whose address a variable could be.
    const std::optional<config::ProxyBind>& bind = request_.server.bind;
    const bool binds = bind.has_value() && bind->value.constant();
    socket_ = OpenUpstreamSocket(request_.server, request_.address,
                                 binds ? &bind->address : nullptr, &failed_call);
    if (!socket_.valid()) return Fail(ProbeStep::kConnect, SystemErrorText(failed_call, errno));
    int error = 0;
    if (connect(socket_.get(), request_.address.sockaddr_ptr(), request_.address.storage_len) < 0) {
      error = errno;
    }
    if (error == EINPROGRESS) {
      if (!Wait(POLLOUT)) {
        return Fail(ProbeStep::kConnect,
                    absl::StrCat(connect_call, " timed out after ", Ms(request_.timeout_ms),
                                 ": is the address right, and does a firewall drop the packets?"));
      }
      socklen_t error_len = sizeof(error);
      getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &error_len);
    }
    if (error != 0) {
      return Fail(ProbeStep::kConnect,
                  absl::StrCat(SystemErrorText(connect_call, error), ConnectAdvice(error)));
    }
    facts_.connect_us = duration_cast<microseconds>(Clock::now() - start).count();
    return true;
  }

  // What one more call of a step is given, and what becomes of its use.
  template <typename Step>
  Outcome Run(Step step) {
    tls::Ciphertext io{.input = input(), .output = output_};
    const Outcome outcome = step(io);
    input_start_ += io.consumed;
    Send({output_.data(), io.produced});
    return outcome;
  }

  // A connection that takes no more may still have something to say, an alert above all: what
  // fails here shows when reading.
  void Send(std::span<const uint8_t> bytes) {
    while (!bytes.empty() && Wait(POLLOUT)) {
      const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR && errno != EAGAIN) return;
      if (sent > 0) bytes = bytes.subspan(static_cast<size_t>(sent));
    }
  }

  std::span<uint8_t> input() {
    return {input_room_.data() + input_start_, input_end_ - input_start_};
  }

  // Waits for more input, behind what has not been used.
  Io Receive() {
    std::copy(input_room_.begin() + input_start_, input_room_.begin() + input_end_,
              input_room_.begin());
    input_end_ -= input_start_;
    input_start_ = 0;
    for (;;) {
      if (!Wait(POLLIN)) return Io::kTimeout;
      const ssize_t received =
          recv(socket_.get(), input_room_.data() + input_end_, input_room_.size() - input_end_, 0);
      if (received == 0) return Io::kEnd;
      if (received > 0) {
        num_received_ += received;
        input_end_ += static_cast<size_t>(received);
        if (greeting_.empty()) {
          greeting_ = std::string(reinterpret_cast<const char*>(input_room_.data()),
                                  std::min(input_end_, kGreetingBytesMax));
        }
        return Io::kOk;
      }
      if (errno != EINTR && errno != EAGAIN) return Io::kReset;
    }
  }

  bool Handshake() {
    SetDeadline(request_.timeout_ms);
    const Clock::time_point start = Clock::now();
    session_ = tls::Session::Create(request_.context, request_.tickets, /*shard=*/0);
    for (;;) {
      switch (Run([this](tls::Ciphertext& io) { return session_->Handshake(io); })) {
        case Outcome::kDone:
          facts_.handshake_us = duration_cast<microseconds>(Clock::now() - start).count();
          return true;
        case Outcome::kNeedInput:
          if (const Io io = Receive(); io != Io::kOk) return FailHandshake(io);
          break;
        case Outcome::kNeedOutput:
        case Outcome::kNeedPlaintextRoom:
          // The whole output is free again. A peer that takes nothing must not make this spin.
          if (Clock::now() >= deadline_) return FailHandshake(Io::kTimeout);
          break;
        case Outcome::kClosed:
          return FailHandshake(Io::kEnd);
        case Outcome::kFailed:
          return FailTls(ProbeStep::kHandshake);
      }
    }
  }

  bool FailHandshake(Io io) {
    const std::string_view place = request_.address.text;
    if (!LooksLikeTls(greeting_)) return FailTls(ProbeStep::kHandshake);
    const bool silent = num_received_ == 0;
    const char* const rest = silent ? "at the TLS handshake: is it a TLS port? A plaintext service "
                                      "does this too"
                                    : "in the middle of the TLS handshake";
    std::string error;
    switch (io) {
      case Io::kTimeout:
        error = silent ? absl::StrCat(place, " did not answer within ", Ms(request_.timeout_ms),
                                      " ", rest)
                       : absl::StrCat(place,
                                      " began to answer, but did not finish the TLS "
                                      "handshake within ",
                                      Ms(request_.timeout_ms));
        break;
      case Io::kReset:
        error = absl::StrCat(place, " reset the connection ", rest);
        break;
      default:
        error = absl::StrCat(place, " closed the connection ", rest);
        break;
    }
    return Fail(ProbeStep::kHandshake, std::move(error));
  }

  bool FailTls(ProbeStep step) {
    if (!LooksLikeTls(greeting_)) {
      return Fail(step, absl::StrCat(request_.address.text, " does not speak TLS; it says \"",
                                     absl::CHexEscape(greeting_),
                                     "\": is this its plaintext port, or does it want STARTTLS?"));
    }
    facts_.failure = session_->failure();
    return Fail(step, absl::StrCat(request_.address.text, ": ", facts_.failure.text,
                                   TlsAdvice(facts_.failure)));
  }

  void TakeFacts() {
    facts_.version = session_->version();
    facts_.cipher = session_->cipher();
    facts_.group = session_->group();
    facts_.signature_algorithm = session_->signature_algorithm();
    facts_.alpn = absl::CHexEscape(session_->alpn());
    facts_.resumed = session_->resumed();
    TakeCertificates();
  }

  void TakeCertificates() {
    facts_.certificate_requested = session_->certificate_requested();
    facts_.certificate_sent = session_->certificate_sent();
    for (const std::string_view der : session_->peer_chain()) {
      facts_.chain.push_back(tls::ReadCertificateFacts(der));
    }
  }

  // Opens what comes, and throws it away, until nothing comes for `quiet_ms` (kTimeout) or the
  // upstream ends the stream or the session: then `*outcome` says whether in order.
  Io ReadUntilQuiet(int64_t quiet_ms, Outcome* outcome) {
    const Clock::time_point end = Clock::now() + milliseconds(request_.timeout_ms);
    const int64_t num_received_before = num_received_;
    std::array<uint8_t, tls::kRecordPlaintextBytesMax> plaintext;
    for (;;) {
      SetDeadline(request_.timeout_ms);
      size_t opened = 0;
      *outcome = Run([&](tls::Ciphertext& io) { return session_->Open(io, plaintext, &opened); });
      facts_.num_answer_bytes += static_cast<int64_t>(opened);
      if (*outcome == Outcome::kClosed || *outcome == Outcome::kFailed) return Io::kEnd;
      if (num_received_ - num_received_before > kUnaskedBytesMax) return Io::kTimeout;
      if (*outcome != Outcome::kNeedInput) continue;
      deadline_ = std::min(end, Clock::now() + milliseconds(quiet_ms));
      if (const Io io = Receive(); io != Io::kOk) return io;
    }
  }

  void SendFirstBytes() {
    const auto* bytes = reinterpret_cast<const uint8_t*>(request_.first_bytes.data());
    std::span<const uint8_t> left(bytes, request_.first_bytes.size());
    SetDeadline(request_.timeout_ms);
    while (!left.empty() && Clock::now() < deadline_) {
      size_t sealed = 0;
      Run([&](tls::Ciphertext& io) { return session_->Seal(io, left, &sealed); });
      left = left.subspan(sealed);
    }
  }

  // An upstream that gives up on us after the handshake, in words for the operator.
  bool FailRefused(const char* what) {
    const char* why = "is what stands behind it down?";
    if (facts_.certificate_sent) {
      why =
          "it asked for a client certificate, and may not like the one sent; or is what stands "
          "behind it down?";
    } else if (facts_.certificate_requested) {
      why =
          "it asked for a client certificate and got none, set proxy_ssl_certificate and "
          "proxy_ssl_certificate_key";
    }
    return Fail(ProbeStep::kAfterHandshake, absl::StrCat(request_.address.text, " ", what,
                                                         " right after the handshake: ", why));
  }

  // TLS 1.3: tickets follow the handshake, and so does the word of an upstream that does not like
  // our certificate. One that asked for a certificate may also close instead, with any version.
  bool TakeTickets() {
    if (request_.ticket_wait_ms == 0) return true;
    if (facts_.version < tls::Version::kTls13 && request_.first_bytes.empty() &&
        !facts_.certificate_requested) {
      return true;
    }
    const int64_t round_trips_ms = kTicketWaitRoundTrips * facts_.connect_us / 1000;
    SendFirstBytes();
    Outcome outcome;
    const Io io = ReadUntilQuiet(std::max(request_.ticket_wait_ms, round_trips_ms), &outcome);
    if (outcome == Outcome::kFailed) return FailTls(ProbeStep::kAfterHandshake);
    if (io == Io::kReset) return FailRefused("reset the connection");
    facts_.closed_first = io == Io::kEnd;
    if (facts_.closed_without_a_word() && facts_.certificate_requested) {
      facts_.close = CloseAnswerAt(outcome);
      return FailRefused("closed the connection");
    }
    return true;
  }

  // For a stream that has ended.
  static CloseAnswer CloseAnswerAt(Outcome outcome) {
    return outcome == Outcome::kClosed ? CloseAnswer::kCloseNotify : CloseAnswer::kFinOnly;
  }

  void Close() {
    SetDeadline(request_.timeout_ms);
    while (Run([this](tls::Ciphertext& io) { return session_->Shutdown(io); }) ==
               Outcome::kNeedOutput &&
           Clock::now() < deadline_) {
    }
    shutdown(socket_.get(), SHUT_WR);
    if (request_.close_wait_ms == 0) return;
    Outcome outcome;
    switch (ReadUntilQuiet(request_.close_wait_ms, &outcome)) {
      case Io::kTimeout:
        facts_.close = CloseAnswer::kStaysOpen;
        break;
      case Io::kReset:
        facts_.close = CloseAnswer::kReset;
        break;
      default:
        facts_.close = CloseAnswerAt(outcome);
        break;
    }
    // TLS 1.3, and nothing was waited for above: the upstream's refusal shows only here.
    if (outcome == Outcome::kFailed) FailTls(ProbeStep::kAfterHandshake);
  }

  const ConnectionRequest& request_;
  ConnectionFacts facts_;
  FileDescriptor socket_;
  Clock::time_point deadline_;
  std::unique_ptr<tls::Session> session_;
  // What has arrived and is not used stands from input_start_ to input_end_.
  std::vector<uint8_t> input_room_;
  size_t input_start_ = 0;
  size_t input_end_ = 0;
  std::vector<uint8_t> output_;
  int64_t num_received_ = 0;
  std::string greeting_;  // The first bytes that came.
};

}  // namespace

const char* CloseAnswerName(CloseAnswer answer) {
  switch (answer) {
    case CloseAnswer::kNone:
      return "none";
    case CloseAnswer::kCloseNotify:
      return "close_notify";
    case CloseAnswer::kFinOnly:
      return "fin";
    case CloseAnswer::kReset:
      return "reset";
    case CloseAnswer::kStaysOpen:
      return "stays_open";
  }
  return "none";
}

bool ConnectionFacts::version_refused() const {
  // RFC 8446 6.2: protocol_version. A server that answers with another version is BoringSSL's
  // error.
  constexpr uint8_t kProtocolVersion = 70;
  return (failure.kind == tls::FailureKind::kAlertReceived && failure.alert == kProtocolVersion) ||
         (failure.kind == tls::FailureKind::kProtocol &&
          absl::StrContains(failure.text, "UNSUPPORTED_PROTOCOL"));
}

ConnectionFacts ProbeOnce(const ConnectionRequest& request) { return TlsConnection(request).Run(); }

}  // namespace sluice::engine
