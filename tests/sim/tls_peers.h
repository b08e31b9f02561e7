// TLS servers in memory for simulated upstreams and clients for simulated clients, and what it
// takes to talk to them. Made once for the process: keys take longer than whole simulations.
#ifndef SLUICE_TESTS_SIM_TLS_PEERS_H_
#define SLUICE_TESTS_SIM_TLS_PEERS_H_

#include <memory>

#include "tests/sim/sim_peer.h"
#include "tls/server_settings.h"
#include "tls/settings.h"
#include "tls/testing/test_connection.h"

namespace sluice::sim {

// The server side of a connection to an upstream with this fate.
std::unique_ptr<tls::TestConnection> AcceptTls(Fate fate, tls::Version version);

// The client side of a connection of a client with this fate, which offers to resume `offered`.
std::unique_ptr<tls::TestConnection> ConnectTls(Fate fate, tls::Version version,
                                                SSL_SESSION* offered);

// A client that verifies the good server, and presents the certificate it demands.
const tls::Settings& ClientSettings();

// A server for those clients.
tls::ServerSettings ServerSettings(bool verify_client);
// The name that they ask for.
inline constexpr const char* kServerName = "sluice.test";

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_TLS_PEERS_H_
