// TLS servers in memory for simulated upstreams, and what a client needs to talk to them. Made once
// for the process: keys take longer than whole simulations.
#ifndef SLUICE_TESTS_SIM_TLS_PEERS_H_
#define SLUICE_TESTS_SIM_TLS_PEERS_H_

#include <memory>

#include "tests/sim/sim_peer.h"
#include "tls/settings.h"
#include "tls/testing/test_server.h"

namespace sluice::sim {

// The server side of a connection to an upstream with this fate.
std::unique_ptr<tls::TestServerConnection> AcceptTls(Fate fate, tls::Version version);

// A client that verifies the good server, and presents the certificate it demands.
const tls::Settings& ClientSettings();

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_TLS_PEERS_H_
