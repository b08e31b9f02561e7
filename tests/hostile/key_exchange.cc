#include "tests/hostile/key_exchange.h"

#include <openssl/curve25519.h>
#include <openssl/rand.h>

namespace sluice::testing {
namespace {

uint8_t* Data(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }

}  // namespace

std::string ServerRandom() {
  std::string random(kRandomBytes, '\0');
  RAND_bytes(Data(random), random.size());
  return random;
}

KeyExchange::KeyExchange()
    : public_key_(X25519_PUBLIC_VALUE_LEN, '\0'), private_key_(X25519_PRIVATE_KEY_LEN, '\0') {
  X25519_keypair(Data(public_key_), Data(private_key_));
}

std::string KeyExchange::SharedSecret(std::string_view peer_public_key) const {
  std::string secret(X25519_SHARED_KEY_LEN, '\0');
  if (peer_public_key.size() == X25519_PUBLIC_VALUE_LEN) {
    X25519(Data(secret), reinterpret_cast<const uint8_t*>(private_key_.data()),
           reinterpret_cast<const uint8_t*>(peer_public_key.data()));
  }
  return secret;
}

}  // namespace sluice::testing
