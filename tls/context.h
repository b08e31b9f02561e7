// Settings turned into what BoringSSL runs: one SSL_CTX.
//
// A Context is immutable once made. Each shard has its own for each profile, so that reference
// counts and certificate stores are never shared between cores.
#ifndef SLUICE_TLS_CONTEXT_H_
#define SLUICE_TLS_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tls/fingerprint.h"
#include "tls/settings.h"

struct ssl_ctx_st;  // BoringSSL's SSL_CTX.

namespace sluice::tls {

class KeyLog;
class Verifier;

// Everything that is wrong with what `settings` hold, fatal or not, without connecting: unparsable
// PEM, key that does not match its certificate, wrong password, cipher string that leaves nothing,
// CA file without a certificate. What CheckCombination finds is not repeated. No fatal one from
// either: Context::Create will succeed.
std::vector<Problem> CheckSettings(const Settings& settings);

// The cipher suites that a session with `settings` offers, in its order of preference, with TLS
// 1.3's first. Empty if the cipher list is refused.
std::vector<std::string> EffectiveCiphers(const Settings& settings);

class Context {
 public:
  // Fails with the first fatal problem of CheckCombination and CheckSettings. `key_log`: what
  // settings.key_log_path names, opened; outlives the context. Null: secrets are written nowhere.
  static absl::StatusOr<std::unique_ptr<Context>> Create(const Settings& settings,
                                                         KeyLog* key_log = nullptr);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Settings& settings() const { return settings_; }
  ssl_ctx_st* ssl_ctx() const { return ssl_ctx_.get(); }

  // Checks upstreams' certificates. Null: settings().verify is off.
  const Verifier* verifier() const { return verifier_.get(); }
  KeyLog* key_log() const { return key_log_; }
  // What goes into the ClientHello as SNI. Empty: nothing.
  const std::string& server_name() const { return server_name_; }

 private:
  struct FreeSslCtx {
    void operator()(ssl_ctx_st* ssl_ctx) const;
  };

  explicit Context(const Settings& settings);

  // Sets up all of it and appends what is wrong. Usable if nothing fatal was appended.
  void Build(std::vector<Problem>* problems);
  void BuildVerification(std::vector<Problem>* problems);

  // Builds one only to see what is wrong with it.
  friend std::vector<Problem> CheckSettings(const Settings& settings);

  const Settings settings_;
  std::unique_ptr<ssl_ctx_st, FreeSslCtx> ssl_ctx_;
  std::unique_ptr<const Verifier> verifier_;
  std::string server_name_;
  KeyLog* key_log_ = nullptr;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CONTEXT_H_
