#include "bench/micro/tls_peer.h"

#include <algorithm>
#include <string>

#include "tls/testing/test_identities.h"

namespace sluice::bench {

tls::Settings ClientSettings(tls::Version version) {
  tls::Settings settings = tls::VerifyingSettings(tls::Identities().root);
  settings.min_version = settings.max_version = version;
  return settings;
}

tls::TestServerOptions ServerOptions(tls::Version version) {
  tls::TestServerOptions options = tls::ServerOptions(tls::Identities().server);
  options.min_version = options.max_version = version;
  // AES-128-GCM in both versions, to be compared with the bare AEAD.
  options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  return options;
}

std::vector<std::vector<uint8_t>> SealedByServer(tls::TestServerConnection& server, size_t bytes,
                                                 size_t count) {
  const std::string plaintext(bytes, 'x');
  std::vector<std::vector<uint8_t>> sealed;
  for (size_t i = 0; i < count; ++i) sealed.push_back(server.Write(plaintext));
  return sealed;
}

size_t PiecesAtATime(size_t bytes) {
  return std::clamp(size_t{256} * 1024 / bytes, size_t{1}, size_t{256});
}

}  // namespace sluice::bench
