// The key derivations of TLS 1.2 and 1.3, all with SHA-256.
#ifndef SLUICE_TESTS_HOSTILE_KEY_SCHEDULE_H_
#define SLUICE_TESTS_HOSTILE_KEY_SCHEDULE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::testing {

inline constexpr size_t kSha256Bytes = 32;

std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);

// RFC 5869 2.2.
std::string HkdfExtract(std::string_view salt, std::string_view secret);
// RFC 8446 7.1.
std::string HkdfExpandLabel(std::string_view secret, std::string_view label,
                            std::string_view context, size_t size);

// RFC 5246 5: `size` bytes of PRF(secret, label, seed).
std::string Prf12(std::string_view secret, std::string_view label, std::string_view seed,
                  size_t size);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_KEY_SCHEDULE_H_
