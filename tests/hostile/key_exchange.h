// X25519, the one key exchange of the hostile servers.
#ifndef SLUICE_TESTS_HOSTILE_KEY_EXCHANGE_H_
#define SLUICE_TESTS_HOSTILE_KEY_EXCHANGE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::testing {

inline constexpr size_t kRandomBytes = 32;

// A server's random: always new, and never one that says "downgraded" by accident.
std::string ServerRandom();

class KeyExchange {
 public:
  KeyExchange();

  const std::string& public_key() const { return public_key_; }
  // Zeros if `peer_public_key` is no key at all.
  std::string SharedSecret(std::string_view peer_public_key) const;

 private:
  std::string public_key_;
  std::string private_key_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_KEY_EXCHANGE_H_
