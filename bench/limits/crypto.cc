#include "bench/limits/crypto.h"

#include <openssl/aead.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/ecdh.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tls/aes_gcm_vaes.h"

namespace sluice::bench {
namespace {

constexpr size_t kRecordBytes = 16 * 1024;
constexpr uint8_t kRecordHeader[] = {23, 3, 3, 0x40, 0x11};

bssl::UniquePtr<EC_KEY> MakeP256Key() {
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  CHECK_EQ(EC_KEY_generate_key(key.get()), 1);
  return key;
}

bssl::UniquePtr<RSA> MakeRsaKey() {
  bssl::UniquePtr<RSA> key(RSA_new());
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  CHECK_EQ(BN_set_word(exponent.get(), RSA_F4), 1);
  CHECK_EQ(RSA_generate_key_ex(key.get(), 2048, exponent.get(), nullptr), 1);
  return key;
}

void MeasureAead(const char* name, const EVP_AEAD* aead, size_t bytes, double seconds,
                 Figures* figures) {
  const std::vector<uint8_t> key(EVP_AEAD_key_length(aead), 'k');
  const std::vector<uint8_t> nonce(EVP_AEAD_nonce_length(aead), 'n');
  std::vector<uint8_t> plaintext(bytes, 'p');
  std::vector<uint8_t> sealed(bytes + EVP_AEAD_max_overhead(aead));
  bssl::ScopedEVP_AEAD_CTX context;
  CHECK_EQ(EVP_AEAD_CTX_init(context.get(), aead, key.data(), key.size(),
                             EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr),
           1);
  const auto add = [&](const char* direction, const std::function<void()>& operation) {
    figures->push_back({absl::StrCat(name, "_", direction, "_", bytes, "_gb_per_s"),
                        static_cast<double>(bytes) / NsPerCall(seconds, operation)});
  };
  add("seal", [&] {
    size_t num_sealed;
    CHECK_EQ(EVP_AEAD_CTX_seal(context.get(), sealed.data(), &num_sealed, sealed.size(),
                               nonce.data(), nonce.size(), plaintext.data(), plaintext.size(),
                               kRecordHeader, sizeof(kRecordHeader)),
             1);
  });
  add("open", [&] {
    size_t num_opened;
    CHECK_EQ(EVP_AEAD_CTX_open(context.get(), plaintext.data(), &num_opened, plaintext.size(),
                               nonce.data(), nonce.size(), sealed.data(), sealed.size(),
                               kRecordHeader, sizeof(kRecordHeader)),
             1);
  });
}

// What sluice uses for long records where the CPU has it.
void MeasureVaes(double seconds, Figures* figures) {
  if (!tls::AesGcmVaes::Available()) return;
  const tls::AesGcmVaes cipher(std::vector<uint8_t>(16, 'k'));
  const tls::AesGcmVaes::Nonce nonce = {};
  std::vector<uint8_t> plaintext(kRecordBytes, 'p');
  std::vector<uint8_t> sealed(kRecordBytes + tls::AesGcmVaes::kTagBytes);
  figures->push_back({absl::StrCat("aes_128_gcm_vaes_seal_", kRecordBytes, "_gb_per_s"),
                      kRecordBytes / NsPerCall(seconds, [&] {
                        cipher.Seal(nonce, kRecordHeader, plaintext, {}, sealed.data());
                      })});
  figures->push_back({absl::StrCat("aes_128_gcm_vaes_open_", kRecordBytes, "_gb_per_s"),
                      kRecordBytes / NsPerCall(seconds, [&] {
                        CHECK(cipher.Open(nonce, kRecordHeader, sealed, plaintext.data()));
                      })});
}

}  // namespace

Figures MeasureAeads(double seconds) {
  Figures figures;
  MeasureVaes(seconds, &figures);
  for (const size_t bytes : {kRecordBytes, size_t{1024}}) {
    MeasureAead("aes_128_gcm", EVP_aead_aes_128_gcm(), bytes, seconds, &figures);
    MeasureAead("aes_256_gcm", EVP_aead_aes_256_gcm(), bytes, seconds, &figures);
    MeasureAead("chacha20_poly1305", EVP_aead_chacha20_poly1305(), bytes, seconds, &figures);
  }
  return figures;
}

Figures MeasurePrimitives(double seconds) {
  Figures figures;
  const auto add = [&](const char* name, const std::function<void()>& operation) {
    figures.push_back({absl::StrCat(name, "_us"), NsPerCall(seconds, operation) / 1000});
  };

  uint8_t peer_public[X25519_PUBLIC_VALUE_LEN], our_public[X25519_PUBLIC_VALUE_LEN];
  uint8_t our_private[X25519_PRIVATE_KEY_LEN], shared[X25519_SHARED_KEY_LEN];
  X25519_keypair(peer_public, our_private);
  add("x25519_keygen", [&] { X25519_keypair(our_public, our_private); });
  add("x25519_derive", [&] { CHECK_EQ(X25519(shared, our_private, peer_public), 1); });

  const bssl::UniquePtr<EC_KEY> p256_key = MakeP256Key();
  const bssl::UniquePtr<EC_KEY> p256_peer_key = MakeP256Key();
  add("p256_keygen", [] { MakeP256Key(); });
  add("p256_derive", [&] {
    CHECK_EQ(ECDH_compute_key(shared, sizeof(shared), EC_KEY_get0_public_key(p256_peer_key.get()),
                              p256_key.get(), nullptr),
             static_cast<int>(sizeof(shared)));
  });

  const std::vector<uint8_t> record(kRecordBytes, 'r');
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(record.data(), record.size(), digest);

  std::vector<uint8_t> signature(ECDSA_size(p256_key.get()));
  unsigned signature_len;
  const auto ecdsa_sign = [&] {
    CHECK_EQ(
        ECDSA_sign(0, digest, sizeof(digest), signature.data(), &signature_len, p256_key.get()), 1);
  };
  add("ecdsa_p256_sign", ecdsa_sign);
  add("ecdsa_p256_verify", [&] {
    CHECK_EQ(
        ECDSA_verify(0, digest, sizeof(digest), signature.data(), signature_len, p256_key.get()),
        1);
  });

  const bssl::UniquePtr<RSA> rsa_key = MakeRsaKey();
  signature.resize(RSA_size(rsa_key.get()));
  add("rsa_2048_sign", [&] {
    CHECK_EQ(RSA_sign(NID_sha256, digest, sizeof(digest), signature.data(), &signature_len,
                      rsa_key.get()),
             1);
  });
  add("rsa_2048_verify", [&] {
    CHECK_EQ(RSA_verify(NID_sha256, digest, sizeof(digest), signature.data(), signature_len,
                        rsa_key.get()),
             1);
  });

  add("sha256_16384", [&] { SHA256(record.data(), record.size(), digest); });
  return figures;
}

}  // namespace sluice::bench
