// Every bound of the configuration language, its unit and its reason.
//
// No input may make the compiler crash, hang or eat the machine; what would is one located error.
#ifndef SLUICE_CONFIG_LIMITS_H_
#define SLUICE_CONFIG_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace sluice::config {

// One configuration, certificate, key, CA, CRL or password file. The CA bundle of a distribution is
// 0.2 MiB; a CRL of a large public CA is a few MiB.
inline constexpr size_t kFileBytesMax = size_t{16} << 20;

// One word. nginx's bound is its read buffer, 4096 bytes; a longer one is a missing quote. It also
// bounds what is looked at again when the lexer recovers from that.
inline constexpr size_t kWordBytesMax = 4096;

// Blocks within blocks. nginx's own contexts need 3. Bounds the recursion of the parser.
inline constexpr int kBlockDepthMax = 32;

// Files that include files. Bounds the recursion of include.
inline constexpr int kIncludeDepthMax = 32;

// Directives, counted after `include` is done, so that includes that double each other end.
// 10,000 servers of 40 lines are less than half of it.
inline constexpr int kDirectivesMax = 1'000'000;

// Problems kept, and problems shown. Beyond, only their number is told.
inline constexpr int kDiagnosticsKeptMax = 1000;
inline constexpr int kDiagnosticsShownMax = 100;

// Listening addresses: every port of one address. Each costs a descriptor for each shard.
inline constexpr int kListenersMax = 65'536;

// Shards: as many as a cpu_set_t has CPUs (glibc's CPU_SETSIZE).
inline constexpr int kShardsMax = 1024;
inline constexpr int kCpusMax = 1024;

// Connections for each shard: 2^20. Slots are numbered with 32 bits and given out at start.
inline constexpr int kWorkerConnectionsMax = 1 << 20;

// proxy_buffer_size: the most one direction of one connection may hold.
inline constexpr int64_t kBufferBytesMax = int64_t{64} << 20;

// proxy_buffer_size: what one direction may always hold, whatever is given. A TLS record with its
// overhead has to fit.
inline constexpr int64_t kBufferBytesMin = int64_t{32} << 10;

// Times. nginx on a 64-bit machine takes any that fits 63 bits; what is longer than this is a slip
// of the unit, and so much fits a clock in nanoseconds.
inline constexpr int64_t kDurationMsMax = int64_t{10} * 365 * 24 * 60 * 60 * 1000;

// proxy_ssl_session_cache: what the sessions of one peer may take. A session with the upstream's
// chain is 2 to 5 KiB: the least is a dozen of them, the most a quarter of a million. With many
// shards the least is more, because each has room for three, whatever is given
// (tls::TicketCache::kShareBytesMin).
inline constexpr int64_t kSessionCacheBytesMin = int64_t{64} << 10;
inline constexpr int64_t kSessionCacheBytesMax = int64_t{1} << 30;

// Weight of a peer: configurations stay below 1000.
inline constexpr int kWeightMax = 65'535;

// hash ... consistent: all weights of a group together. Each unit is 160 points of 8 bytes on a
// ring: 80 MiB at most, and as much again while it is sorted.
inline constexpr int kHashRingWeightMax = 65'536;

// zone: the least that nginx takes, 8 pages.
inline constexpr int64_t kZoneBytesMin = 8 * 4096;

// TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (Linux, include/net/tcp.h: MAX_TCP_KEEP*).
inline constexpr int kKeepaliveSecondsMax = 32'767;
inline constexpr int kKeepaliveProbesMax = 127;

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_LIMITS_H_
