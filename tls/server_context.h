// ServerSettings turned into what BoringSSL runs: an SSL_CTX for each certificate.
//
// Immutable once made. Each shard has its own for each profile, as of Context.
#ifndef SLUICE_TLS_SERVER_CONTEXT_H_
#define SLUICE_TLS_SERVER_CONTEXT_H_

#include <openssl/base.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "tls/server_session_cache.h"
#include "tls/server_settings.h"
#include "tls/ticket_keys.h"
#include "tls/verify.h"

namespace sluice::tls {

class KeyLog;

// Everything that is wrong with what `settings` hold, fatal or not. What CheckServerCombination
// finds is not repeated. No fatal one from either: ServerContext::Create will succeed.
std::vector<Problem> CheckServerSettings(const ServerSettings& settings);

// What all shards' contexts of a profile share, so that clients can resume with any of them.
struct ServerResumption {
  std::shared_ptr<TicketKeys> ticket_keys;    // Null: no tickets.
  std::shared_ptr<SharedSessionCache> cache;  // Null: not SessionCacheKind::kShared.

  // What `settings` ask for, out of the process's `sessions`. The settings are good.
  static ServerResumption Of(const ServerSettings& settings, ServerSessionCache& sessions);
};

class ServerContext {
 public:
  // Fails with the first fatal problem of CheckServerCombination and CheckServerSettings.
  // `key_log`: what settings.key_log_path names, opened; outlives the context. Null: secrets are
  // written nowhere.
  static absl::StatusOr<std::unique_ptr<ServerContext>> Create(const ServerSettings& settings,
                                                               ServerResumption resumption,
                                                               KeyLog* key_log = nullptr);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  const ServerSettings& settings() const { return settings_; }
  // What every session begins with.
  SSL_CTX* ssl_ctx() const { return ssl_ctxs_.front().get(); }
  // The one to go on with: it has a certificate that the client of `hello` can verify. If none has,
  // the first.
  SSL_CTX* SelectFor(const SSL_CLIENT_HELLO& hello) const;

  // Checks clients' certificates. Null: none is asked for.
  const Verifier* verifier() const { return verifier_.get(); }
  const ServerResumption& resumption() const { return resumption_; }
  KeyLog* key_log() const { return key_log_; }

 private:
  explicit ServerContext(const ServerSettings& settings);

  // Sets up all of it and appends what is wrong. Usable if nothing fatal was appended.
  void Build(std::vector<Problem>* problems);
  // All of `ssl_ctx` but its certificate.
  void Apply(SSL_CTX* ssl_ctx, std::vector<Problem>* problems);
  void ApplyResumption(SSL_CTX* ssl_ctx);
  void BuildVerification(std::vector<Problem>* problems);

  friend std::vector<Problem> CheckServerSettings(const ServerSettings& settings);

  const ServerSettings settings_;
  ServerResumption resumption_;
  // By identity; one without a certificate if there is none.
  std::vector<bssl::UniquePtr<SSL_CTX>> ssl_ctxs_;
  std::unique_ptr<const Verifier> verifier_;
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> client_ca_names_;
  KeyLog* key_log_ = nullptr;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_SERVER_CONTEXT_H_
