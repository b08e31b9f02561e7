#include "tls/aes_gcm_vaes.h"

#include <intel-ipsec-mb.h>
#include <openssl/mem.h>

#include <cstring>

#include "absl/log/check.h"

// The library tells these only to itself (lib/include/gcm.h): what is public chooses among them
// through a table of everything that it has, and needs all of it linked.
extern "C" {
void aes_keyexp_128_enc_avx2(const void* key, void* expanded_keys);
void aes_keyexp_256_enc_avx2(const void* key, void* expanded_keys);
void aes_gcm_precomp_128_vaes_avx512(gcm_key_data* key);
void aes_gcm_precomp_256_vaes_avx512(gcm_key_data* key);

using Decrypt = void(const gcm_key_data* key, gcm_context_data* context, uint8_t* output,
                     const uint8_t* input, uint64_t input_bytes, const uint8_t* nonce,
                     const uint8_t* additional_data, uint64_t additional_data_bytes, uint8_t* tag,
                     uint64_t tag_bytes);
Decrypt aes_gcm_dec_128_vaes_avx512;
Decrypt aes_gcm_dec_256_vaes_avx512;

using Begin = void(const gcm_key_data* key, gcm_context_data* context, const uint8_t* nonce,
                   const uint8_t* additional_data, uint64_t additional_data_bytes);
using Encrypt = void(const gcm_key_data* key, gcm_context_data* context, uint8_t* output,
                     const uint8_t* input, uint64_t input_bytes);
using End = void(const gcm_key_data* key, gcm_context_data* context, uint8_t* tag,
                 uint64_t tag_bytes);
Begin aes_gcm_init_128_vaes_avx512;
Begin aes_gcm_init_256_vaes_avx512;
Encrypt aes_gcm_enc_128_update_vaes_avx512;
Encrypt aes_gcm_enc_256_update_vaes_avx512;
End aes_gcm_enc_128_finalize_vaes_avx512;
End aes_gcm_enc_256_finalize_vaes_avx512;
}

namespace sluice::tls {

bool AesGcmVaes::Available() {
  static const bool available =
      __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vaes") &&
      __builtin_cpu_supports("vpclmulqdq");
  return available;
}

AesGcmVaes::AesGcmVaes(std::span<const uint8_t> key) : key_bytes_(key.size()) {
  static_assert(sizeof(gcm_key_data) <= kExpandedKeyBytes);
  static_assert(alignof(gcm_key_data) <= 64);
  CHECK(Available());
  CHECK(key.size() == 16 || key.size() == 32) << key.size();
  auto* expanded = new (expanded_key_) gcm_key_data;
  if (is_256()) {
    aes_keyexp_256_enc_avx2(key.data(), expanded->expanded_keys);
    aes_gcm_precomp_256_vaes_avx512(expanded);
  } else {
    aes_keyexp_128_enc_avx2(key.data(), expanded->expanded_keys);
    aes_gcm_precomp_128_vaes_avx512(expanded);
  }
}

AesGcmVaes::~AesGcmVaes() { OPENSSL_cleanse(expanded_key_, sizeof(expanded_key_)); }

bool AesGcmVaes::Open(const Nonce& nonce, std::span<const uint8_t> additional_data,
                      std::span<const uint8_t> sealed, uint8_t* output) const {
  if (sealed.size() < kTagBytes) return false;
  const size_t num_bytes = sealed.size() - kTagBytes;
  // Where input and output are the same memory, the tag still stands behind both.
  const uint8_t* const tag = sealed.data() + num_bytes;
  const auto* key = reinterpret_cast<const gcm_key_data*>(expanded_key_);
  gcm_context_data context;
  uint8_t computed_tag[kTagBytes];
  (is_256() ? aes_gcm_dec_256_vaes_avx512 : aes_gcm_dec_128_vaes_avx512)(
      key, &context, output, sealed.data(), num_bytes, nonce.data(), additional_data.data(),
      additional_data.size(), computed_tag, kTagBytes);
  OPENSSL_cleanse(&context, sizeof(context));
  if (CRYPTO_memcmp(computed_tag, tag, kTagBytes) == 0) return true;
  std::memset(output, 0, num_bytes);
  return false;
}

void AesGcmVaes::Seal(const Nonce& nonce, std::span<const uint8_t> additional_data,
                      std::span<const uint8_t> plaintext, std::span<const uint8_t> trailer,
                      uint8_t* output) const {
  const auto* key = reinterpret_cast<const gcm_key_data*>(expanded_key_);
  gcm_context_data context;
  (is_256() ? aes_gcm_init_256_vaes_avx512 : aes_gcm_init_128_vaes_avx512)(
      key, &context, nonce.data(), additional_data.data(), additional_data.size());
  Encrypt* const encrypt =
      is_256() ? aes_gcm_enc_256_update_vaes_avx512 : aes_gcm_enc_128_update_vaes_avx512;
  for (const std::span<const uint8_t> part : {plaintext, trailer}) {
    if (part.empty()) continue;
    encrypt(key, &context, output, part.data(), part.size());
    output += part.size();
  }
  (is_256() ? aes_gcm_enc_256_finalize_vaes_avx512 : aes_gcm_enc_128_finalize_vaes_avx512)(
      key, &context, output, kTagBytes);
  OPENSSL_cleanse(&context, sizeof(context));
}

}  // namespace sluice::tls
