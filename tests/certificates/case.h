// One row of the certificate matrix: what a server presents, what the client demands, and what
// must come of it.
#ifndef SLUICE_TESTS_CERTIFICATES_CASE_H_
#define SLUICE_TESTS_CERTIFICATES_CASE_H_

#include <string>
#include <vector>

#include "tools/certificate_maker.h"

namespace sluice::testing {

// What a server presents: any chain with any key, also one that does not belong to it.
struct Presented {
  std::vector<std::string> chain;  // DER, leaf first.
  std::string key_pem;
};

// The proxy_ssl_* directives of the server block in front of it.
struct Demands {
  std::string trusted_pem;  // proxy_ssl_trusted_certificate
  std::string crl_pem;      // proxy_ssl_crl; empty: not set.
  std::string name = "backend.test";
  int depth = 1;
  bool legacy = false;
};

struct Case {
  std::string name;
  Presented presented;
  Demands demands;
  // Part of the [error] line that must tell why the server is refused. Empty: it must be accepted.
  std::string reason;
  // The same in TLS 1.3; empty: no difference.
  std::string reason_tls13;
  // nginx can be made to present it: it matches its key, can be parsed, and is strong enough for
  // OpenSSL to load.
  bool fit_for_nginx = true;
};

// The three parts of the matrix. Every `demands` also trusts StandIn(), and has its CRL if it has
// any.
std::vector<Case> BadChains();  // Time, trust, constraints, purpose, strength, revocation, form.
std::vector<Case> BadNames();
std::vector<Case> GoodCases();

// A CA of its own that no case is about: what a server presents when it must be accepted by the
// same block that refuses the case's chain.
const tools::Certificate& StandIn();
Presented GoodFor(const Demands& demands);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_CERTIFICATES_CASE_H_
