// The keys that a server's session tickets are sealed with (RFC 5077 4).
#ifndef SLUICE_TLS_TICKET_KEYS_H_
#define SLUICE_TLS_TICKET_KEYS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tls/settings.h"

struct evp_cipher_ctx_st;  // BoringSSL's EVP_CIPHER_CTX.
struct hmac_ctx_st;        // BoringSSL's HMAC_CTX.

namespace sluice::tls {

// Shared by all shards, so that a client may come back to any of them. Every thread may use it.
class TicketKeys {
 public:
  // Random keys. A ticket is written with a key for `lifetime_s` at most after the key was made,
  // and read for as long again.
  static std::shared_ptr<TicketKeys> Random(int64_t lifetime_s);

  // `files`, one at least: 48 bytes are a name, an HMAC-SHA-256 and an AES-128-CBC key of 16 bytes
  // each; 80 bytes a name of 16, an HMAC and an AES-256-CBC key of 32 (nginx:
  // ssl_session_ticket_key). The first one is written with. Null if one has another length; then
  // `*problems` says which.
  static std::shared_ptr<TicketKeys> FromFiles(const std::vector<File>& files,
                                               std::vector<Problem>* problems);

  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The two halves of BoringSSL's ticket callback (SSL_CTX_set_tlsext_ticket_key_cb), with its
  // results: 1, or -1 for a failure. `now_s`: on a clock that never goes back.
  int Seal(uint8_t* name, uint8_t* iv, evp_cipher_ctx_st* cipher, hmac_ctx_st* hmac, int64_t now_s);
  // 0: no such key. 2: good, and to be replaced by a ticket under the present key.
  int Open(const uint8_t* name, const uint8_t* iv, evp_cipher_ctx_st* cipher, hmac_ctx_st* hmac,
           int64_t now_s);

 private:
  struct Key;

  TicketKeys(std::vector<Key> keys, std::optional<int64_t> lifetime_s);

  // Random keys: makes a new first key where the present one is too old, and drops what is older
  // than twice the lifetime.
  void Rotate(int64_t now_s) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::optional<int64_t> lifetime_s_;  // None: the keys stay.
  absl::Mutex mutex_;
  std::vector<Key> keys_ ABSL_GUARDED_BY(mutex_);  // The first one is written with.
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TICKET_KEYS_H_
