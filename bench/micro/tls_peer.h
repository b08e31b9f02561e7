// A TLS connection whose client side is measured, with its server beside it.
#ifndef SLUICE_BENCH_MICRO_TLS_PEER_H_
#define SLUICE_BENCH_MICRO_TLS_PEER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tls/settings.h"
#include "tls/testing/test_server.h"

namespace sluice::bench {

// A client that verifies, and the options of a server that it trusts, which speak `version` only.
tls::Settings ClientSettings(tls::Version version);
tls::TestServerOptions ServerOptions(tls::Version version);

// `count` times `bytes` of plaintext, sealed by `server`: records of up to 16 KiB, one after the
// other as they would come over the wire.
std::vector<std::vector<uint8_t>> SealedByServer(tls::TestServerConnection& server, size_t bytes,
                                                 size_t count);

// How many pieces of `bytes` a benchmark prepares at a time: as many as a core's cache holds.
size_t PiecesAtATime(size_t bytes);

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_MICRO_TLS_PEER_H_
