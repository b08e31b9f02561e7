#include "tls/record_cipher.h"

#include <openssl/hkdf.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "src/ssl/internal.h"

namespace sluice::tls {
namespace {

constexpr size_t kHeaderBytes = SSL3_RT_HEADER_LENGTH;
constexpr size_t kTagBytes = AesGcmVaes::kTagBytes;
// TLS 1.2: what a record brings of its nonce (RFC 5288 3).
constexpr size_t kExplicitNonceBytes = 8;
constexpr size_t kFixedNonceBytes = AesGcmVaes::kNonceBytes - kExplicitNonceBytes;

void StoreBigEndian16(uint8_t* to, size_t value) {
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}

void StoreBigEndian64(uint8_t* to, uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) to[i] = static_cast<uint8_t>(value);
}

// Of a record of application data (RFC 8446 5.1; both versions say 1.2).
void WriteHeader(size_t body_bytes, uint8_t* to) {
  to[0] = SSL3_RT_APPLICATION_DATA;
  StoreBigEndian16(to + 1, TLS1_2_VERSION);
  StoreBigEndian16(to + 3, body_bytes);
}

// RFC 5246 6.2.3.3.
using AdditionalData12 = std::array<uint8_t, 13>;
AdditionalData12 MakeAdditionalData12(uint64_t sequence, size_t plaintext_bytes) {
  AdditionalData12 data;
  StoreBigEndian64(data.data(), sequence);
  WriteHeader(plaintext_bytes, data.data() + 8);
  return data;
}

std::span<const uint8_t> TrafficSecret(const SSL* ssl, RecordCipher::Direction direction) {
  const bssl::SSL3_STATE& state = *ssl->s3;
  if (direction == RecordCipher::Direction::kSeal) {
    return {state.write_traffic_secret, state.write_traffic_secret_len};
  }
  return {state.read_traffic_secret, state.read_traffic_secret_len};
}

// HKDF-Expand-Label with an empty context (RFC 8446 7.1).
bool ExpandLabel(std::span<const uint8_t> secret, const EVP_MD* digest, std::string_view label,
                 std::span<uint8_t> key) {
  const std::string_view prefix = "tls13 ";
  std::vector<uint8_t> info(2);
  StoreBigEndian16(info.data(), key.size());
  info.push_back(static_cast<uint8_t>(prefix.size() + label.size()));
  info.insert(info.end(), prefix.begin(), prefix.end());
  info.insert(info.end(), label.begin(), label.end());
  info.push_back(0);
  return HKDF_expand(key.data(), key.size(), digest, secret.data(), secret.size(), info.data(),
                     info.size()) == 1;
}

}  // namespace

struct RecordCipher::Keys {
  Keys() = default;
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  ~Keys() { OPENSSL_cleanse(this, sizeof(*this)); }

  bool Derive13(const SSL* ssl, Direction direction) {
    secret = TrafficSecret(ssl, direction);
    const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl);
    const EVP_MD* const digest = EVP_get_digestbynid(SSL_CIPHER_get_prf_nid(cipher));
    return digest != nullptr && !secret.empty() && secret.size() <= kSecretBytesMax &&
           ExpandLabel(secret, digest, "key", {key, key_bytes}) &&
           ExpandLabel(secret, digest, "iv", iv);
  }

  // RFC 5246 6.3: the client's key and the server's, then their nonces; there are no MAC keys.
  bool Derive12(const SSL* ssl, Direction direction) {
    uint8_t block[2 * sizeof(key) + 2 * kFixedNonceBytes];
    const size_t block_bytes = 2 * key_bytes + 2 * kFixedNonceBytes;
    if (SSL_get_key_block_len(ssl) != block_bytes ||
        SSL_generate_key_block(ssl, block, block_bytes) != 1) {
      return false;
    }
    const bool of_client = (direction == Direction::kSeal) != (SSL_is_server(ssl) == 1);
    const size_t party = of_client ? 0 : 1;
    std::memcpy(key, block + party * key_bytes, key_bytes);
    std::memcpy(iv.data(), block + 2 * key_bytes + party * kFixedNonceBytes, kFixedNonceBytes);
    OPENSSL_cleanse(block, sizeof(block));
    return true;
  }

  std::span<const uint8_t> secret;
  uint8_t key[32];
  size_t key_bytes = 0;
  AesGcmVaes::Nonce iv = {};
};

std::unique_ptr<RecordCipher> RecordCipher::Create(const SSL* ssl, Direction direction) {
  if (!AesGcmVaes::Available()) return nullptr;
  Keys keys;
  switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
    case NID_aes_128_gcm:
      keys.key_bytes = 16;
      break;
    case NID_aes_256_gcm:
      keys.key_bytes = 32;
      break;
    default:
      return nullptr;
  }
  const bool is_tls13 = SSL_version(ssl) == TLS1_3_VERSION;
  // Its AEADs check that nonces count up, from the first one that they see (aead_aes_gcm_tls13).
  if (is_tls13 && direction == Direction::kSeal && ssl->s3->write_sequence == 0) return nullptr;
  if (!(is_tls13 ? keys.Derive13(ssl, direction) : keys.Derive12(ssl, direction))) return nullptr;
  return std::unique_ptr<RecordCipher>(new RecordCipher(keys, direction, is_tls13));
}

RecordCipher::RecordCipher(const Keys& keys, Direction direction, bool is_tls13)
    : direction_(direction),
      is_tls13_(is_tls13),
      secret_bytes_(keys.secret.size()),
      iv_(keys.iv),
      aead_({keys.key, keys.key_bytes}) {
  std::copy(keys.secret.begin(), keys.secret.end(), secret_);
}

RecordCipher::~RecordCipher() {
  OPENSSL_cleanse(secret_, sizeof(secret_));
  OPENSSL_cleanse(iv_.data(), iv_.size());
}

bool RecordCipher::IsCurrent(const SSL* ssl) const {
  if (!is_tls13_) return true;  // Nothing but a renegotiation, which is refused, would change them.
  const std::span<const uint8_t> secret = TrafficSecret(ssl, direction_);
  return secret.size() == secret_bytes_ &&
         CRYPTO_memcmp(secret.data(), secret_, secret_bytes_) == 0;
}

AesGcmVaes::Nonce RecordCipher::NonceFor(uint64_t sequence) const {
  AesGcmVaes::Nonce nonce = iv_;
  uint8_t bytes[8];
  StoreBigEndian64(bytes, sequence);
  for (size_t i = 0; i < sizeof(bytes); ++i) nonce[kFixedNonceBytes + i] ^= bytes[i];
  return nonce;
}

size_t RecordCipher::Open(uint64_t sequence, std::span<const uint8_t> record,
                          uint8_t* output) const {
  if (record.size() <= overhead_bytes()) return 0;
  // With TLS 1.3 padding included.
  const size_t plaintext_bytes = record.size() - overhead_bytes();
  uint8_t header[kHeaderBytes];
  WriteHeader(record.size() - kHeaderBytes, header);
  if (plaintext_bytes > SSL3_RT_MAX_PLAIN_LENGTH ||
      std::memcmp(record.data(), header, kHeaderBytes) != 0) {
    return 0;
  }
  const std::span<const uint8_t> body = record.subspan(kHeaderBytes);
  if (!is_tls13_) {
    AesGcmVaes::Nonce nonce = iv_;
    std::memcpy(nonce.data() + kFixedNonceBytes, body.data(), kExplicitNonceBytes);
    const bool opened = aead_.Open(nonce, MakeAdditionalData12(sequence, plaintext_bytes),
                                   body.subspan(kExplicitNonceBytes), output);
    return opened ? plaintext_bytes : 0;
  }
  if (!aead_.Open(NonceFor(sequence), header, body, output)) return 0;
  // The type stands behind the data, and zeros may stand behind it (RFC 8446 5.4).
  size_t type_at = plaintext_bytes;
  while (type_at > 0 && output[type_at] == 0) --type_at;
  return output[type_at] == SSL3_RT_APPLICATION_DATA ? type_at : 0;
}

size_t RecordCipher::Seal(uint64_t sequence, std::span<const uint8_t> plaintext,
                          uint8_t* output) const {
  const size_t record_bytes = plaintext.size() + overhead_bytes();
  WriteHeader(record_bytes - kHeaderBytes, output);
  uint8_t* body = output + kHeaderBytes;
  if (is_tls13_) {
    const uint8_t type = SSL3_RT_APPLICATION_DATA;
    aead_.Seal(NonceFor(sequence), {output, kHeaderBytes}, plaintext, {&type, 1}, body);
  } else {
    // The sequence number is what brings a nonce of its own to every record.
    const AesGcmVaes::Nonce nonce = NonceFor(sequence);
    body = std::copy(nonce.begin() + kFixedNonceBytes, nonce.end(), body);
    aead_.Seal(nonce, MakeAdditionalData12(sequence, plaintext.size()), plaintext, {}, body);
  }
  return record_bytes;
}

size_t RecordCipher::overhead_bytes() const {
  return kHeaderBytes + kTagBytes + (is_tls13_ ? 1 : kExplicitNonceBytes);
}

}  // namespace sluice::tls
