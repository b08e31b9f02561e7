// The X25519 that is linked in, beside BoringSSL's own.
#include <openssl/curve25519.h>

#include <cstdint>

#include "absl/log/check.h"
#include "benchmark/benchmark.h"

extern "C" {
decltype(X25519) __real_X25519;
decltype(X25519_keypair) __real_X25519_keypair;
}

namespace {

void KeyPair(benchmark::State& state, decltype(X25519_keypair)* make) {
  uint8_t public_value[X25519_PUBLIC_VALUE_LEN];
  uint8_t private_key[X25519_PRIVATE_KEY_LEN];
  for (auto _ : state) {
    make(public_value, private_key);
    benchmark::DoNotOptimize(public_value);
  }
}
BENCHMARK_CAPTURE(KeyPair, linked_in, &X25519_keypair);
BENCHMARK_CAPTURE(KeyPair, boringssl, &__real_X25519_keypair);

void SharedSecret(benchmark::State& state, decltype(X25519)* derive) {
  uint8_t peer_public_value[X25519_PUBLIC_VALUE_LEN];
  uint8_t private_key[X25519_PRIVATE_KEY_LEN];
  X25519_keypair(peer_public_value, private_key);
  uint8_t shared_key[X25519_SHARED_KEY_LEN];
  for (auto _ : state) CHECK_EQ(derive(shared_key, private_key, peer_public_value), 1);
}
BENCHMARK_CAPTURE(SharedSecret, linked_in, &X25519);
BENCHMARK_CAPTURE(SharedSecret, boringssl, &__real_X25519);

}  // namespace
