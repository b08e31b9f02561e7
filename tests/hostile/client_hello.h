// What a server has to know of a ClientHello to answer it.
#ifndef SLUICE_TESTS_HOSTILE_CLIENT_HELLO_H_
#define SLUICE_TESTS_HOSTILE_CLIENT_HELLO_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::testing {

struct ClientHello {
  std::string message;  // Whole, for the transcript.
  std::string random;
  std::string session_id;
  std::map<uint16_t, std::string> extensions;  // Bodies by type.

  bool Has(uint16_t extension_type) const { return extensions.count(extension_type) > 0; }
  // The public key it offers for X25519; empty if none.
  std::string X25519Share() const;
};

// Empty: `message` is no ClientHello.
std::optional<ClientHello> ParseClientHello(std::string_view message);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_CLIENT_HELLO_H_
