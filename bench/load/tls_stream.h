// TLS for either end, at little cost: many records are sealed into one buffer and sent at once,
// and many are received at once and opened one by one.
#ifndef SLUICE_BENCH_LOAD_TLS_STREAM_H_
#define SLUICE_BENCH_LOAD_TLS_STREAM_H_

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/load/stream.h"
#include "engine/file_descriptor.h"
#include "tls/memory_bio.h"

namespace sluice::bench {

struct TlsOptions {
  // PEM files, of a server.
  std::string certificate;
  std::string key;
  // "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3".
  std::string min_version = "TLSv1.2";
  std::string max_version = "TLSv1.3";
  // OpenSSL's names, for TLS 1.2 and older. Empty: BoringSSL's choice.
  std::string ciphers;
  // The most plaintext that is sealed in one record, 1 to 16384.
  size_t record_bytes = 16384;
  // Of a client: offers the newest session. A server always hands out tickets.
  bool session_reuse = true;
};

// What all connections of one end share. One thread.
class TlsEndpoint {
 public:
  // The error names the flag, its value and the remedy.
  static absl::StatusOr<std::unique_ptr<TlsEndpoint>> Server(const TlsOptions& options);
  // Does not look at certificates: it is for measuring.
  static absl::StatusOr<std::unique_ptr<TlsEndpoint>> Client(const TlsOptions& options);

  // Must not outlive this. A client's handshake begins with the first Send.
  std::unique_ptr<Stream> Wrap(engine::FileDescriptor fd);

  uint64_t num_handshakes() const { return num_handshakes_; }
  // Of those.
  uint64_t num_resumed() const { return num_resumed_; }

 private:
  friend class TlsStream;
  // Sealed records. Has room for kIoBytes of plaintext.
  using Buffer = std::vector<uint8_t>;

  TlsEndpoint(bool is_server, size_t record_bytes)
      : is_server_(is_server), record_bytes_(record_bytes) {}
  static absl::StatusOr<std::unique_ptr<TlsEndpoint>> Make(bool is_server,
                                                           const TlsOptions& options);

  // A connection holds a buffer only while the socket does not take what is in it.
  std::unique_ptr<Buffer> BorrowBuffer();
  void ReturnBuffer(std::unique_ptr<Buffer> buffer) { free_buffers_.push_back(std::move(buffer)); }

  const bool is_server_;
  const size_t record_bytes_;
  bssl::UniquePtr<SSL_CTX> context_;
  // A client's newest.
  bssl::UniquePtr<SSL_SESSION> session_;
  std::vector<std::unique_ptr<Buffer>> free_buffers_;
  // For what is received, and what is opened of it.
  std::array<uint8_t, kIoBytes> ciphertext_;
  std::array<uint8_t, 16384> plaintext_;
  uint64_t num_handshakes_ = 0;
  uint64_t num_resumed_ = 0;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_TLS_STREAM_H_
