// A root, an intermediate, a server and a client certificate that tests of TLS share: making them
// takes longer than most tests.
#ifndef SLUICE_TLS_TESTING_TEST_IDENTITIES_H_
#define SLUICE_TLS_TESTING_TEST_IDENTITIES_H_

#include <string>

#include "tls/settings.h"
#include "tls/testing/test_server.h"
#include "tools/certificate_maker.h"

namespace sluice::tls {

struct TestIdentities {
  tools::Certificate root;
  tools::Certificate intermediate;  // Issued by root.
  tools::Certificate server;        // Issued by root, for "backend.test" and 127.0.0.1.
  tools::Certificate client;        // Issued by root, "client".
};
const TestIdentities& Identities();

// `contents` as if it came from a file called `name`.
File FileOf(std::string name, std::string contents);

// A server that presents `certificate` with its chain.
TestServerOptions ServerOptions(const tools::Certificate& certificate);

// A client that trusts `ca` for "backend.test".
Settings VerifyingSettings(const tools::Certificate& ca);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TESTING_TEST_IDENTITIES_H_
