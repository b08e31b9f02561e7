// The records of one direction of a TLS connection, opened and sealed with AesGcmVaes.
#ifndef SLUICE_TLS_RECORD_CIPHER_H_
#define SLUICE_TLS_RECORD_CIPHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tls/aes_gcm_vaes.h"

struct ssl_st;  // BoringSSL's SSL.

namespace sluice::tls {

class RecordCipher {
 public:
  enum class Direction : uint8_t { kOpen, kSeal };

  // With the keys that `ssl`, whose handshake is done, has in `direction` now. Null where it
  // has not agreed on AES-GCM, or where this CPU has nothing faster than BoringSSL. Null also for
  // the first record that is sealed in TLS 1.3: what BoringSSL seals first, it takes for the first.
  static std::unique_ptr<RecordCipher> Create(const ssl_st* ssl, Direction direction);
  // Clears the keys.
  ~RecordCipher();

  // Whether `ssl` still has the keys that this was made of: a KeyUpdate (RFC 8446 4.6.3) gives it
  // others.
  bool IsCurrent(const ssl_st* ssl) const;

  // Opens the whole `record` into `output`, which has room for its body less a tag and does not
  // overlap it. Returns the number of bytes of application data that it holds. 0: none, or it is
  // not authentic, or not as it should be; BoringSSL then has to look at it.
  size_t Open(uint64_t sequence, std::span<const uint8_t> record, uint8_t* output) const;
  // Seals `plaintext`, of 1 to 16384 bytes, as one record of application data into `output`, which
  // has room for it, and does not overlap. Returns the length of the record.
  size_t Seal(uint64_t sequence, std::span<const uint8_t> plaintext, uint8_t* output) const;
  // By how much a record is longer than its plaintext.
  size_t overhead_bytes() const;

 private:
  static constexpr size_t kSecretBytesMax = 64;
  struct Keys;

  RecordCipher(const Keys& keys, Direction direction, bool is_tls13);

  AesGcmVaes::Nonce NonceFor(uint64_t sequence) const;

  const Direction direction_;
  const bool is_tls13_;
  // TLS 1.3: what the keys were derived from (RFC 8446 7.1).
  uint8_t secret_[kSecretBytesMax];
  size_t secret_bytes_;
  // TLS 1.3: what the sequence number is mixed with (RFC 8446 5.3). TLS 1.2: its first four bytes
  // stand in front of the eight that a record brings (RFC 5288 3).
  AesGcmVaes::Nonce iv_;
  AesGcmVaes aead_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_RECORD_CIPHER_H_
