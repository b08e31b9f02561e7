#include "tls/session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>
#include <string>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tls/error_queue.h"
#include "tls/failure_advice.h"
#include "tls/server_context.h"

namespace sluice::tls {
namespace {

// RFC 8446 5.2, 4.6.3: header 5, message 5, type 1, tag 16. BoringSSL holds the answer to a
// KeyUpdate back until the next write, and has at most one waiting.
constexpr size_t kKeyUpdateBytes = 27;

}  // namespace

class Session::Loan {
 public:
  Loan(MemoryBio* bio, Ciphertext* io) : bio_(bio), io_(io) { bio_->Lend(io->input, io->output); }
  ~Loan() {
    io_->consumed = io_->input.size() - bio_->input_left();
    io_->produced = io_->output.size() - bio_->output_left();
    bio_->TakeBack();
  }

 private:
  MemoryBio* const bio_;
  Ciphertext* const io_;
};

void Session::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

void Session::FreeSslSession::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

std::unique_ptr<Session> Session::Create(const Context& context, TicketPool* tickets, int shard) {
  return std::unique_ptr<Session>(new Session(context, tickets, shard));
}

Session::Session(const Context& context, TicketPool* tickets, int shard)
    : callback_state_{.verifier = context.verifier(),
                      .tickets = context.settings().session_reuse ? tickets : nullptr,
                      .shard = shard,
                      .key_log = context.key_log()},
      ssl_(SSL_new(context.ssl_ctx())),
      shortcut_(ssl_.get()) {
  Attach();
  SSL* ssl = ssl_.get();
  SSL_set_connect_state(ssl);
  // Old CAs issue RSA certificates for encipherment only, and every other client signs with them.
  SSL_set_enforce_rsa_key_usage(ssl,
                                context.settings().verify && !context.settings().verify_legacy);
  if (!context.server_name().empty()) {
    CHECK_EQ(SSL_set_tlsext_host_name(ssl, context.server_name().c_str()), 1);
  }
  if (callback_state_.tickets != nullptr) {
    offered_.reset(callback_state_.tickets->Take(shard));
    if (offered_ != nullptr) SSL_set_session(ssl, offered_.get());
  }
}

std::unique_ptr<Session> Session::Create(const ServerContext& context) {
  return std::unique_ptr<Session>(new Session(context));
}

Session::Session(const ServerContext& context)
    : callback_state_{.verifier = context.verifier(),
                      .key_log = context.key_log(),
                      .server = &context,
                      .tolerates_unknown_ca =
                          context.settings().verify_client == ClientVerification::kOptionalNoCa},
      ssl_(SSL_new(context.ssl_ctx())),
      shortcut_(ssl_.get()) {
  Attach();
  SSL_set_accept_state(ssl_.get());
}

void Session::Attach() {
  SSL* ssl = ssl_.get();
  CHECK(ssl != nullptr);
  AttachCallbackState(ssl, &callback_state_);
  BIO_up_ref(bio_.bio());
  BIO_up_ref(bio_.bio());
  SSL_set0_rbio(ssl, bio_.bio());
  SSL_set0_wbio(ssl, bio_.bio());
  // Frees 0.6 KB once the handshake is done; nothing is configured after that.
  SSL_set_shed_handshake_config(ssl, 1);
}

Session::~Session() = default;

Outcome Session::Handshake(Ciphertext& io) {
  const Loan loan(&bio_, &io);
  if (bio_.keeps_output()) return Outcome::kNeedOutput;
  if (state_ == State::kFailed) return Outcome::kFailed;
  if (state_ == State::kClosed) return Outcome::kClosed;
  if (state_ == State::kOpen) return Outcome::kDone;
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return Conclude("SSL_do_handshake", result);
  if (!ResumedClientIsAccepted()) {
    state_ = State::kFailed;
    return Tell(Outcome::kFailed);
  }
  // A server's tickets stay in BoringSSL until something else is written, which may be never, or a
  // close_notify that has room for no more.
  if (callback_state_.server != nullptr && SSL_write(ssl_.get(), "", 0) < 0) {
    return Conclude("SSL_write", -1);
  }
  state_ = State::kOpen;
  established_ = true;
  EndHandshake(/*completed=*/true);
  return Tell(Outcome::kDone);
}

Outcome Session::Open(Ciphertext& io, std::span<uint8_t> plaintext, size_t* opened) {
  *opened = 0;
  const Loan loan(&bio_, &io);
  if (bio_.keeps_output()) return Outcome::kNeedOutput;
  if (state_ == State::kFailed) return Outcome::kFailed;
  if (state_ == State::kClosed) {
    bio_.DropInput();
    return Outcome::kClosed;
  }
  DCHECK(state_ == State::kOpen);
  do {
    const std::span<uint8_t> room = plaintext.subspan(*opened);
    if (room.empty()) break;
    size_t num_opened;
    size_t consumed;
    switch (shortcut_.Open(bio_.input(), room, &num_opened, &consumed)) {
      case OpenedRecord::kData:
        *opened += num_opened;
        bio_.set_input(bio_.input().subspan(consumed));
        continue;
      case OpenedRecord::kIncomplete:
        return Tell(Outcome::kNeedInput);
      case OpenedRecord::kNotData: {
        const std::span<uint8_t> rest = bio_.input().subspan(consumed);
        bio_.set_input({});
        const int result = SSL_read(ssl_.get(), room.data(), 1);
        CHECK_LE(result, 0);
        bio_.set_input(rest);
        const bool dealt_with = SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
        if (!dealt_with || rest.empty()) return Conclude("SSL_read", result);
        continue;
      }
      case OpenedRecord::kUnable:
        break;
    }
    const size_t room_len = std::min<size_t>(room.size(), std::numeric_limits<int>::max());
    const int result = SSL_read(ssl_.get(), room.data(), static_cast<int>(room_len));
    if (result <= 0) return Conclude("SSL_read", result);
    *opened += static_cast<size_t>(result);
  } while (bio_.input_left() > 0 || SSL_pending(ssl_.get()) > 0);
  const bool more = bio_.input_left() > 0 || SSL_pending(ssl_.get()) > 0;
  return more ? Outcome::kNeedPlaintextRoom : Outcome::kNeedInput;
}

Outcome Session::Seal(Ciphertext& io, std::span<const uint8_t> plaintext, size_t* sealed) {
  *sealed = 0;
  const Loan loan(&bio_, &io);
  if (bio_.keeps_output()) return Outcome::kNeedOutput;
  if (state_ == State::kFailed) return Outcome::kFailed;
  DCHECK(state_ != State::kHandshaking && !close_notify_sent_);
  const size_t overhead = SSL_max_seal_overhead(ssl_.get()) + kKeyUpdateBytes;
  DCHECK_LE(overhead, kRecordOverheadBytesMax);
  while (*sealed < plaintext.size()) {
    const std::span<const uint8_t> rest = plaintext.subspan(*sealed);
    size_t record_len = std::min(rest.size(), kRecordPlaintextBytesMax);
    const size_t room_len = bio_.output_left();
    if (room_len < record_len + overhead) {
      // A short record costs its peer as much as a full one: it is better to wait, unless nothing
      // would move at all.
      if (*sealed > 0 || room_len <= overhead) return Outcome::kNeedOutput;
      record_len = room_len - overhead;
    }
    size_t produced;
    if (shortcut_.Seal(rest.first(record_len), bio_.output(), &produced)) {
      bio_.set_output(bio_.output().subspan(produced));
      *sealed += record_len;
      continue;
    }
    const int result = SSL_write(ssl_.get(), rest.data(), static_cast<int>(record_len));
    if (result <= 0) return Conclude("SSL_write", result);
    *sealed += static_cast<size_t>(result);
  }
  return Tell(Outcome::kDone);
}

Outcome Session::Shutdown(Ciphertext& io) {
  const Loan loan(&bio_, &io);
  if (bio_.keeps_output()) return Outcome::kNeedOutput;
  if (state_ == State::kFailed) return Outcome::kFailed;
  if (!close_notify_sent_) {
    close_notify_sent_ = true;
    // 0: sent, but the peer's has not come; the second call would wait for it.
    const int result = SSL_shutdown(ssl_.get());
    if (result < 0) return Conclude("SSL_shutdown", result);
  }
  return Tell(Outcome::kDone);
}

bool Session::awaits_ticket() const {
  const CallbackState& state = callback_state_;
  return state_ == State::kOpen && !close_notify_sent_ && state.tickets != nullptr &&
         state.num_tickets == 0 && state.tickets->expects_tickets() && version() >= Version::kTls13;
}

void Session::GiveUpOnTicket() { callback_state_.tickets->OnNoTicket(); }

void Session::ReturnTicket() {
  if (offered_ == nullptr) return;
  callback_state_.tickets->PutBack(callback_state_.shard, offered_.release());
}

Version Session::version() const { return static_cast<Version>(SSL_version(ssl_.get())); }

std::string_view Session::cipher() const {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  return cipher != nullptr ? SSL_CIPHER_get_name(cipher) : "";
}

std::string_view Session::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::string_view Session::group() const {
  const char* name = SSL_get_curve_name(SSL_get_curve_id(ssl_.get()));
  return name != nullptr ? name : "";
}

bool Session::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string_view Session::signature_algorithm() const {
  const uint16_t algorithm = SSL_get_peer_signature_algorithm(ssl_.get());
  const char* name = SSL_get_signature_algorithm_name(algorithm, /*include_curve=*/1);
  return name != nullptr && !resumed() ? name : "";
}

std::string_view Session::alpn() const {
  const uint8_t* name = nullptr;
  unsigned name_len = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &name_len);
  return {reinterpret_cast<const char*>(name), name_len};
}

std::vector<std::string_view> Session::peer_chain() const {
  std::vector<std::string_view> chain;
  const STACK_OF(CRYPTO_BUFFER)* buffers = SSL_get0_peer_certificates(ssl_.get());
  if (buffers == nullptr) return chain;
  for (const CRYPTO_BUFFER* buffer : buffers) {
    chain.emplace_back(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(buffer)),
                       CRYPTO_BUFFER_len(buffer));
  }
  return chain;
}

std::string_view Session::peer_certificate() const {
  const STACK_OF(CRYPTO_BUFFER)* buffers = SSL_get0_peer_certificates(ssl_.get());
  if (buffers == nullptr || sk_CRYPTO_BUFFER_num(buffers) == 0) return "";
  const CRYPTO_BUFFER* first = sk_CRYPTO_BUFFER_value(buffers, 0);
  return {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(first)), CRYPTO_BUFFER_len(first)};
}

std::string_view Session::id() const {
  unsigned id_len = 0;
  const uint8_t* id = SSL_SESSION_get_id(SSL_get_session(ssl_.get()), &id_len);
  return {reinterpret_cast<const char*>(id), id_len};
}

Outcome Session::Conclude(const char* function, int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Tell(Outcome::kNeedInput);
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kNeedOutput;
    case SSL_ERROR_ZERO_RETURN:
      if (state_ == State::kHandshaking) EndHandshake(/*completed=*/false);
      state_ = State::kClosed;
      bio_.DropInput();
      return Tell(Outcome::kClosed);
    default:
      break;
  }
  if (state_ == State::kHandshaking) EndHandshake(/*completed=*/false);
  state_ = State::kFailed;
  const QueuedErrors errors = DrainErrorQueue();
  Failure& failure = callback_state_.failure;
  // A refused certificate has been told already, and better.
  if (failure.kind == FailureKind::kNone) {
    failure.kind = errors.alert_received ? FailureKind::kAlertReceived : FailureKind::kProtocol;
    failure.alert = errors.alert;
    failure.text = absl::StrCat(function, "() failed (SSL:", errors.text, ")");
    if (callback_state_.server != nullptr && errors.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE") {
      failure.kind = FailureKind::kCertificateUntrusted;
      failure.text = "client sent no required SSL certificate";
    }
    const std::string_view advice =
        callback_state_.server != nullptr
            ? ClientFailureAdvice(failure)
            : FailureAdvice(failure, certificate_requested() && !certificate_sent());
    if (!advice.empty()) absl::StrAppend(&failure.text, ": ", advice);
  }
  return Tell(Outcome::kFailed);
}

Outcome Session::Tell(Outcome outcome) const {
  return bio_.keeps_output() ? Outcome::kNeedOutput : outcome;
}

// BoringSSL verifies on resumption only as a client.
bool Session::ResumedClientIsAccepted() {
  if (callback_state_.server == nullptr || callback_state_.verifier == nullptr || !resumed() ||
      peer_chain().empty()) {
    return true;
  }
  uint8_t alert = 0;
  if (PeerIsAccepted(ssl_.get(), &alert)) return true;
  SSL_send_fatal_alert(ssl_.get(), alert);
  ERR_clear_error();
  return false;
}

// A session that the upstream no longer takes, or that a handshake fails with, would otherwise be
// offered again and again.
void Session::EndHandshake(bool completed) {
  if (offered_ == nullptr) return;
  if (!completed || !resumed()) callback_state_.tickets->Forget(offered_.get());
  offered_.reset();
}

}  // namespace sluice::tls
