// Settings turned into what BoringSSL runs: one SSL_CTX.
//
// A Context is immutable once made. Each shard has its own for each profile, so that reference
// counts and certificate stores are never shared between cores.
#ifndef SLUICE_TLS_CONTEXT_H_
#define SLUICE_TLS_CONTEXT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "tls/settings.h"

struct ssl_ctx_st;  // BoringSSL's SSL_CTX.

namespace sluice::tls {

// SHA-256 over everything in Settings that decides identity or trust. Two Settings with different
// fingerprints must never exchange a session.
using Fingerprint = std::array<uint8_t, 32>;

Fingerprint FingerprintOf(const Settings& settings);

// Everything that is wrong with `settings`, fatal or not, without connecting: unparsable PEM, key
// that does not match its certificate, wrong password, cipher string that leaves nothing, CA file
// without a certificate. Empty: Context::Create will succeed.
std::vector<Problem> CheckSettings(const Settings& settings);

class Context {
 public:
  // Fails with the first fatal problem of CheckSettings.
  static absl::StatusOr<std::unique_ptr<Context>> Create(const Settings& settings);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Settings& settings() const;
  ssl_ctx_st* ssl_ctx() const;

 private:
  Context();
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CONTEXT_H_
