#include "bench/load/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/load/pattern_table.h"

namespace sluice::bench {
namespace {

// A record's header, nonce and tag, and padding with CBC: see kRecordOverheadBytesMax in
// tls/session.h.
constexpr size_t kOverheadBytesMax = 128;
// For what is not application data: a handshake's flight, tickets.
constexpr size_t kSpareBytes = 16384;

uint16_t VersionNumber(const std::string& name) {
  if (name == "TLSv1") return TLS1_VERSION;
  if (name == "TLSv1.1") return TLS1_1_VERSION;
  if (name == "TLSv1.2") return TLS1_2_VERSION;
  if (name == "TLSv1.3") return TLS1_3_VERSION;
  return 0;
}

absl::Status WrongFlag(absl::string_view flag, absl::string_view value, absl::string_view remedy) {
  std::array<char, 256> reason = {};
  if (const uint32_t error = ERR_get_error(); error != 0) {
    ERR_error_string_n(error, reason.data(), reason.size());
  }
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", value, ": ", remedy,
                                                 reason[0] != 0 ? ": " : "", reason.data()));
}

}  // namespace

class TlsStream : public Stream {
 public:
  TlsStream(TlsEndpoint* endpoint, engine::FileDescriptor fd)
      : endpoint_(*endpoint), fd_(std::move(fd)), ssl_(SSL_new(endpoint->context_.get())) {
    CHECK(ssl_ != nullptr);
    BIO_up_ref(bio_.bio());
    BIO_up_ref(bio_.bio());
    SSL_set0_rbio(ssl_.get(), bio_.bio());
    SSL_set0_wbio(ssl_.get(), bio_.bio());
    if (endpoint->is_server_) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
      if (endpoint->session_ != nullptr) SSL_set_session(ssl_.get(), endpoint->session_.get());
    }
    SSL_set_shed_handshake_config(ssl_.get(), 1);
  }
  ~TlsStream() override {
    if (unsent_ != nullptr) endpoint_.ReturnBuffer(std::move(unsent_));
  }

  Progress Receive(Sink sink) override;
  Progress Send(const Outgoing& outgoing, size_t* taken) override;
  bool has_unsent() const override { return unsent_ != nullptr; }
  void End() override;

 private:
  // Lends `input` and the room behind what is unsent.
  void Lend(std::span<uint8_t> input);
  // Takes both back.
  void TakeBack();
  // Sends what is sealed, as far as the socket takes it.
  Progress Flush();

  TlsEndpoint& endpoint_;
  const engine::FileDescriptor fd_;
  tls::MemoryBio bio_;
  const bssl::UniquePtr<SSL> ssl_;
  bool begun_ = false;
  bool established_ = false;
  // Sealed bytes from unsent_begin_ to unsent_end_ of a borrowed buffer; null if there are none.
  std::unique_ptr<TlsEndpoint::Buffer> unsent_;
  size_t unsent_begin_ = 0;
  size_t unsent_end_ = 0;
};

void TlsStream::Lend(std::span<uint8_t> input) {
  if (unsent_ == nullptr) {
    unsent_ = endpoint_.BorrowBuffer();
    unsent_begin_ = unsent_end_ = 0;
  }
  bio_.Lend(input, std::span(*unsent_).subspan(unsent_end_));
}

void TlsStream::TakeBack() {
  unsent_end_ = unsent_->size() - bio_.output_left();
  bio_.TakeBack();
  if (unsent_begin_ == unsent_end_) endpoint_.ReturnBuffer(std::move(unsent_));
}

Progress TlsStream::Flush() {
  if (unsent_ == nullptr) return Progress::kMore;
  const ssize_t n =
      send(fd_.get(), unsent_->data() + unsent_begin_, unsent_end_ - unsent_begin_, MSG_NOSIGNAL);
  if (n < 0) {
    return errno == EAGAIN || errno == EINTR ? Progress::kBlocked : Progress::kFailed;
  }
  unsent_begin_ += static_cast<size_t>(n);
  if (unsent_begin_ < unsent_end_) return Progress::kBlocked;
  endpoint_.ReturnBuffer(std::move(unsent_));
  return Progress::kMore;
}

Progress TlsStream::Receive(Sink sink) {
  size_t received = 0;
  const Progress progress = ReceiveOnce(fd_.get(), endpoint_.ciphertext_, &received);
  if (received == 0) {
    // A health check may end before it has begun, but nothing may end amid a handshake.
    if (progress != Progress::kEnded || established_ || !begun_) return progress;
    errno = 0;
    return Progress::kFailed;
  }
  begun_ = true;
  // Whatever part of a record is left over lies in BoringSSL's own buffer afterwards.
  Lend(std::span(endpoint_.ciphertext_).first(received));
  Progress result = progress;
  for (;;) {
    const int n = SSL_read(ssl_.get(), endpoint_.plaintext_.data(),
                           static_cast<int>(endpoint_.plaintext_.size()));
    if (!established_ && !SSL_in_init(ssl_.get())) {
      established_ = true;
      ++endpoint_.num_handshakes_;
      if (SSL_session_reused(ssl_.get())) ++endpoint_.num_resumed_;
    }
    if (n > 0) {
      if (sink(std::span(endpoint_.plaintext_).first(static_cast<size_t>(n)))) continue;
      result = Progress::kMore;
      break;
    }
    const int error = SSL_get_error(ssl_.get(), n);
    if (error == SSL_ERROR_WANT_READ) break;
    ERR_clear_error();
    errno = 0;
    result = error == SSL_ERROR_ZERO_RETURN ? Progress::kEnded : Progress::kFailed;
    break;
  }
  TakeBack();
  // What remains is sent when the socket is writable again.
  const int saved_errno = errno;
  if (Flush() == Progress::kFailed && result != Progress::kFailed) return Progress::kFailed;
  errno = saved_errno;
  return result;
}

Progress TlsStream::Send(const Outgoing& outgoing, size_t* taken) {
  *taken = 0;
  const size_t bytes_max = static_cast<size_t>(std::min<uint64_t>(outgoing.size(), kIoBytes));
  // Sealing on while bytes wait would only fill memory.
  if (unsent_ != nullptr || bytes_max == 0) return Flush();
  Lend({});
  if (!established_) {
    // A client's first flight; Receive does the rest.
    SSL_do_handshake(ssl_.get());
    TakeBack();
    return Flush() == Progress::kFailed ? Progress::kFailed : Progress::kBlocked;
  }
  while (*taken < bytes_max) {
    std::span<const uint8_t> record;
    if (*taken < outgoing.head.size()) {
      record = outgoing.head.subspan(*taken);
    } else {
      record = PatternAt(outgoing.body_position + *taken - outgoing.head.size());
    }
    const size_t record_len =
        std::min({record.size(), endpoint_.record_bytes_, bytes_max - *taken});
    if (bio_.output_left() < record_len + kOverheadBytesMax) break;
    if (SSL_write(ssl_.get(), record.data(), static_cast<int>(record_len)) !=
        static_cast<int>(record_len)) {
      ERR_clear_error();
      TakeBack();
      errno = 0;
      return Progress::kFailed;
    }
    *taken += record_len;
  }
  TakeBack();
  return Flush();
}

void TlsStream::End() {
  if (!established_) return;
  Lend({});
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  TakeBack();
  Flush();
}

absl::StatusOr<std::unique_ptr<TlsEndpoint>> TlsEndpoint::Make(bool is_server,
                                                               const TlsOptions& options) {
  if (options.record_bytes < 1 || options.record_bytes > kPatternPieceBytesMin) {
    return WrongFlag("record_bytes", absl::StrCat(options.record_bytes), "give 1 to 16384");
  }
  auto endpoint = std::unique_ptr<TlsEndpoint>(new TlsEndpoint(is_server, options.record_bytes));
  endpoint->context_.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* const context = endpoint->context_.get();
  CHECK(context != nullptr);
  constexpr absl::string_view kVersions = "give TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3";
  const uint16_t min_version = VersionNumber(options.min_version);
  const uint16_t max_version = VersionNumber(options.max_version);
  if (min_version == 0) return WrongFlag("tls_min_version", options.min_version, kVersions);
  if (max_version == 0) return WrongFlag("tls_max_version", options.max_version, kVersions);
  if (min_version > max_version) {
    return WrongFlag("tls_min_version", options.min_version,
                     absl::StrCat("give at most --tls_max_version, ", options.max_version));
  }
  SSL_CTX_set_min_proto_version(context, min_version);
  SSL_CTX_set_max_proto_version(context, max_version);
  if (!options.ciphers.empty() &&
      SSL_CTX_set_strict_cipher_list(context, options.ciphers.c_str()) != 1) {
    return WrongFlag("tls_ciphers", options.ciphers, "give OpenSSL's names with colons between");
  }
  return endpoint;
}

absl::StatusOr<std::unique_ptr<TlsEndpoint>> TlsEndpoint::Server(const TlsOptions& options) {
  absl::StatusOr<std::unique_ptr<TlsEndpoint>> endpoint = Make(/*is_server=*/true, options);
  if (!endpoint.ok()) return endpoint;
  SSL_CTX* const context = (*endpoint)->context_.get();
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1) {
    return WrongFlag("tls_certificate", options.certificate, "give a PEM file with a certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return WrongFlag("tls_key", options.key, "give a PEM file with the certificate's key");
  }
  return endpoint;
}

absl::StatusOr<std::unique_ptr<TlsEndpoint>> TlsEndpoint::Client(const TlsOptions& options) {
  absl::StatusOr<std::unique_ptr<TlsEndpoint>> endpoint = Make(/*is_server=*/false, options);
  if (!endpoint.ok() || !options.session_reuse) return endpoint;
  SSL_CTX* const context = (*endpoint)->context_.get();
  SSL_CTX_set_app_data(context, endpoint->get());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    auto* const owner = static_cast<TlsEndpoint*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    owner->session_.reset(session);
    return 1;
  });
  return endpoint;
}

std::unique_ptr<Stream> TlsEndpoint::Wrap(engine::FileDescriptor fd) {
  return std::make_unique<TlsStream>(this, std::move(fd));
}

std::unique_ptr<TlsEndpoint::Buffer> TlsEndpoint::BorrowBuffer() {
  if (free_buffers_.empty()) {
    // Small records are as many as fit.
    return std::make_unique<Buffer>(
        kIoBytes + kIoBytes / kPatternPieceBytesMin * kOverheadBytesMax + kSpareBytes);
  }
  std::unique_ptr<Buffer> buffer = std::move(free_buffers_.back());
  free_buffers_.pop_back();
  return buffer;
}

}  // namespace sluice::bench
