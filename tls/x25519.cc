// X25519 (RFC 7748) by lib25519 where the CPU has BMI2 and AVX2. BoringSSL's, in portable C, takes
// half as long again (bazel run --config=opt //tls:x25519_bench), and is the largest part of what
// resuming a TLS 1.3 session costs.
//
// BoringSSL has no hook for it. The linker (--wrap, see BUILD.bazel) makes of X25519 and
// X25519_keypair, whoever calls them, the functions below, and of BoringSSL's own ones the __real_
// ones. Shared libraries, as Bazel makes them for some tests, go on with BoringSSL's own.
#include <openssl/curve25519.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <cstring>

#include "lib25519.h"

extern "C" {

decltype(X25519) __real_X25519, __wrap_X25519;
decltype(X25519_keypair) __real_X25519_keypair, __wrap_X25519_keypair;
}

namespace {

bool CpuCan() {
  static const bool can = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx2");
  return can;
}

}  // namespace

int __wrap_X25519(uint8_t* shared_key, const uint8_t* private_key,
                  const uint8_t* peer_public_value) {
  if (!CpuCan()) return __real_X25519(shared_key, private_key, peer_public_value);
  alignas(8) uint8_t aligned[X25519_PUBLIC_VALUE_LEN];  // It is read by 8 bytes.
  std::memcpy(aligned, peer_public_value, sizeof(aligned));
  crypto_nP_montgomery25519(shared_key, private_key, aligned);
  // A peer's point of small order gives zeros, whatever the private key (RFC 7748 6.1).
  static constexpr uint8_t kZeros[X25519_SHARED_KEY_LEN] = {};
  return CRYPTO_memcmp(shared_key, kZeros, sizeof(kZeros)) != 0;
}

void __wrap_X25519_keypair(uint8_t* public_value, uint8_t* private_key) {
  if (!CpuCan()) return __real_X25519_keypair(public_value, private_key);
  RAND_bytes(private_key, X25519_PRIVATE_KEY_LEN);
  // Clamps a copy of it (RFC 7748 5), as everything does that is given a private key.
  crypto_nG_montgomery25519(public_value, private_key);
}
