// The certificates of a small public key infrastructure, as files.
#ifndef SLUICE_TESTS_SUPPORT_PKI_H_
#define SLUICE_TESTS_SUPPORT_PKI_H_

#include <string>
#include <string_view>

#include "tests/support/temp_dir.h"

namespace sluice::testing {

// Two CAs that do not know each other, and what the first one signed:
//
//   ca.crt other_ca.crt   the CAs, for proxy_ssl_trusted_certificate
//   server.crt .key       for the name "backend"
//   expired.crt .key      the same, but of yesterday
//   revoked.crt .key      the same, but on the list
//   client.crt .key       for a client, subject CN=sluice
//   crl.pem               the first CA's list of revoked certificates
//   stranger.crt .key     for the name "backend", signed by the second CA
class Pki {
 public:
  Pki();

  // Absolute path of one of the files above.
  std::string File(std::string_view name) const { return dir_.File(name); }
  // nginx's directives for a server with this certificate ("server", "expired", ...).
  std::string NginxServer(std::string_view name) const;

 private:
  const TempDir dir_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_PKI_H_
