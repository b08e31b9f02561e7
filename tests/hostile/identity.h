// Who the hostile servers say they are: "backend", with a certificate that the proxy trusts. What
// they are refused for is never that.
#ifndef SLUICE_TESTS_HOSTILE_IDENTITY_H_
#define SLUICE_TESTS_HOSTILE_IDENTITY_H_

#include <string>
#include <string_view>

namespace sluice::testing {

// For proxy_ssl_trusted_certificate.
std::string TrustedCaPem();
// The server's certificate, DER.
std::string ServerCertificate();
// Its signature, ecdsa_secp256r1_sha256.
std::string SignAsServer(std::string_view bytes);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_IDENTITY_H_
