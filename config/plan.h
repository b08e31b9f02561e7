// The compiled configuration: what the engine runs.
//
// Immutable plain data. Every inherited value and every default is resolved, names have become
// indices, host names have become addresses, files have become their contents. The engine keeps
// what changes while running (round-robin position, failure counts, session tickets) elsewhere.
#ifndef SLUICE_CONFIG_PLAN_H_
#define SLUICE_CONFIG_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/cidr.h"
#include "config/server_names.h"
#include "config/template.h"
#include "config/variable.h"
#include "tls/server_settings.h"
#include "tls/settings.h"

namespace sluice::config {

inline constexpr int kNoIndex = -1;

// nginx's error_log levels, most severe first.
enum class LogLevel : uint8_t { kEmerg, kAlert, kCrit, kError, kWarn, kNotice, kInfo, kDebug };

inline constexpr LogLevel kLogLevels[] = {LogLevel::kEmerg, LogLevel::kAlert, LogLevel::kCrit,
                                          LogLevel::kError, LogLevel::kWarn,  LogLevel::kNotice,
                                          LogLevel::kInfo,  LogLevel::kDebug};

// Lower-case name as in error_log ("emerg" ... "debug").
const char* LogLevelName(LogLevel level);
// The level of that name; none if there is no such level.
std::optional<LogLevel> ParseLogLevel(std::string_view name);

// A syslog server, and how a log presents itself to it.
struct SyslogTarget {
  Address address;                      // UDP, or a datagram socket in the file system.
  int facility = 23;                    // RFC 3164 4.1.1: 0 (kern) to 23 (local7).
  LogLevel severity = LogLevel::kInfo;  // Of lines of access logs; messages have their own.
  std::string tag = "sluice";
  bool has_hostname = true;  // Whether messages tell our host name.

  bool operator==(const SyslogTarget&) const = default;
};

struct ErrorLog {
  std::string file;  // Absolute path, or "stderr"; empty where `syslog` is given.
  LogLevel level = LogLevel::kError;
  std::optional<SyslogTarget> syslog;
};

// How log_format writes what is in a variable.
enum class LogEscape : uint8_t {
  kDefault,  // "\xXX" for control characters, quotes, backslashes and what is above 126.
  kJson,     // As a JSON string has it.
  kNone,
};

struct LogFormat {
  std::string name;
  LogEscape escape = LogEscape::kDefault;
  Template text;
};

struct AccessLog {
  Template path;  // Absolute; empty where `syslog` is given.
  std::optional<SyslogTarget> syslog;
  int format = kNoIndex;
  // Not logged where this comes to "" or "0".
  std::optional<Template> condition;
  int64_t buffer_bytes = 0;  // 0: each line is written as soon as it can be.
  int64_t flush_ms = 0;      // How long a line may stay in the buffer; 0: no bound.
  int gzip_level = 0;        // 1 to 9; 0: not compressed.
};

// open_log_file_cache: for logs that are named with variables.
struct LogFileCache {
  int max = 0;  // 0: off, each line opens its file.
  int64_t inactive_ms = 10'000;
  int min_uses = 1;
  int64_t valid_ms = 60'000;
};

// `set`: gives a variable its value, when a client has been accepted.
struct SetVariable {
  int variable = kNoIndex;  // Index into Plan::variables.
  Template value;
};

// The main and events contexts.
struct Process {
  bool daemon = true;
  std::string user;   // Empty: stay who we are.
  std::string group;  // Empty: the user's own group.
  std::string pid_file;
  std::vector<ErrorLog> error_logs;
  int num_shards = 1;  // worker_processes; auto is resolved to the number of usable CPUs.
  // worker_cpu_affinity: CPUs for shard i are shard_cpus[i % size()]; empty: not pinned.
  std::vector<std::vector<int>> shard_cpus;
  int64_t nofile_limit = 0;  // worker_rlimit_nofile; 0: unchanged.
  int worker_connections =
      512;  // Per shard, client and upstream connections together, as nginx counts.
  // worker_shutdown_timeout: how long connections may go on once sluice accepts no more for this
  // plan. 0: until they end.
  int64_t shutdown_timeout_ms = 0;
};

// so_keepalive of listen. Zero fields keep the system's setting.
struct Keepalive {
  enum class Mode : uint8_t { kSystem, kOn, kOff };
  Mode mode = Mode::kSystem;
  int idle_s = 0;
  int interval_s = 0;
  int num_probes = 0;

  bool operator==(const Keepalive&) const = default;
};

struct Listener {
  Address address;
  int server = kNoIndex;  // Index into Plan::servers; of several, the default one.
  // The servers that clients may ask for by name (SNI). Empty: there is only one.
  ServerNames names;
  int backlog = 511;
  int rcvbuf_bytes = 0;  // 0: the system's.
  int sndbuf_bytes = 0;  // 0: the system's.
  int fastopen_queue = 0;
  bool reuseport = false;  // Kept for the dump: sluice always gives each shard its own socket.
  bool ipv6only = true;
  bool deferred = false;
  bool ssl = false;             // Clients speak TLS.
  bool proxy_protocol = false;  // A PROXY header comes before everything else.
  // `address` stands for several, and it matters which one a client has connected to.
  bool tells_local_address = false;
  Keepalive keepalive;
};

struct ProxyBind {
  Address address;  // Port 0 unless the configuration gives one. Not set if `value` has variables.
  Template value;
  bool transparent = false;
};

// proxy_protocol and proxy_protocol_version: the PROXY header that upstreams are sent.
enum class SentProxyHeader : uint8_t { kNone, kVersion1, kVersion2 };

// proxy_ssl_certificate_cache: for certificates and keys that are named with variables.
struct CertificateCache {
  int max = 0;  // 0: off.
  int64_t inactive_ms = 10'000;
  int64_t valid_ms = 60'000;
};

// One `server` block of `stream`.
struct Server {
  std::string where;           // "file:line" of the block, for logs.
  int upstream = kNoIndex;     // Index into Plan::upstreams; kNoIndex: return_text is sent instead.
  int tls_profile = kNoIndex;  // Index into Plan::tls_profiles; kNoIndex: proxy_ssl off.
  // Index into Plan::client_tls_profiles; kNoIndex: it has no `listen ... ssl`.
  int client_tls_profile = kNoIndex;
  int64_t client_handshake_timeout_ms = 60'000;  // ssl_handshake_timeout.
  int64_t connect_timeout_ms = 60'000;
  int64_t timeout_ms = 600'000;
  int64_t buffer_bytes = 16'384;
  bool buffer_bytes_given = false;  // proxy_buffer_size stands in the file.
  bool next_upstream = true;
  int next_upstream_tries = 0;           // 0: no bound.
  int64_t next_upstream_timeout_ms = 0;  // 0: no bound.
  bool half_close = false;
  SentProxyHeader sent_proxy_header = SentProxyHeader::kNone;
  int64_t proxy_protocol_timeout_ms = 30'000;  // How long a PROXY header may take to come.
  // set_real_ip_from: whose PROXY header is believed.
  std::vector<Cidr> real_ip_from;
  bool splice = true;  // Bulk without TLS may be passed on by splice(2) (proxy_splice).
  // An upstream that ends without close_notify is passed on to the client as a reset
  // (proxy_ssl_strict_close).
  bool strict_close = false;
  CertificateCache certificate_cache;
  bool socket_keepalive = false;
  bool tcp_nodelay = true;
  std::optional<ProxyBind> bind;
  // The server's own, else those of `stream`, else Process::error_logs. Never empty.
  std::vector<ErrorLog> error_logs;
  std::vector<AccessLog> access_logs;
  LogFileCache log_file_cache;
  std::vector<SetVariable> sets;  // In the order of the file.
  Template return_text;           // What a client gets that no upstream is for.
};

// One address to connect to. A `server` line whose host has several addresses gives several peers.
struct Peer {
  Address address;
  std::string name;  // As written: "backend1.example.com:12345".
  int weight = 1;
  int max_fails = 1;  // 0: failures are not counted.
  int64_t fail_timeout_ms = 10'000;
  int max_conns = 0;  // 0: no bound.
  // How long its weight grows from nothing after it was taken out for its failures; 0: it does not.
  int64_t slow_start_ms = 0;
  bool backup = false;
  bool down = false;
};

// How a group chooses its peers.
struct Balance {
  enum class Method : uint8_t {
    kRoundRobin,
    kHash,
    kConsistentHash,
    kLeastConn,
    kLeastTime,
    kRandom,
    kRandomLeastConn,  // The better of two at random.
    kRandomLeastTime,  // Likewise.
  };
  // What least_time measures, from the choice of a peer on.
  enum class Time : uint8_t { kConnect, kFirstByte, kLastByte };

  Method method = Method::kRoundRobin;
  Template hash_key;           // kHash and kConsistentHash.
  Time time = Time::kConnect;  // kLeastTime and kRandomLeastTime.
  // kLeastTime: connections whose time is not known yet count by how old they are.
  bool inflight = false;

  // Whether nginx has `backup` and `slow_start` for this method: not for hash and random.
  bool takes_backup_and_slow_start() const {
    return method == Method::kRoundRobin || method == Method::kLeastConn ||
           method == Method::kLeastTime;
  }
};

// An `upstream` block, or the implicit group of a proxy_pass to an address.
struct Upstream {
  std::string name;  // As in proxy_pass: "backend" or "127.0.0.1:12345".
  bool implicit = false;
  std::vector<Peer> peers;  // In the order of the file, backups among them.
  Balance balance;
  // Of the memory that nginx's workers would share a group's state in, empty: none. Shards always
  // share it.
  std::string zone;
};

struct Plan {
  Process process;
  std::vector<Listener> listeners;
  std::vector<Server> servers;
  std::vector<Upstream> upstreams;
  std::vector<tls::Settings> tls_profiles;               // Equal settings are one profile.
  std::vector<tls::ServerSettings> client_tls_profiles;  // Likewise.
  std::vector<LogFormat> log_formats;
  // What the templates of the plan have in them.
  std::vector<Variable> variables;
  int num_set_slots = 0;  // Values of `set` that each connection has room for.
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_PLAN_H_
