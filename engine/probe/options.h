// What `sluice --probe` is told on its command line.
#ifndef SLUICE_ENGINE_PROBE_OPTIONS_H_
#define SLUICE_ENGINE_PROBE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tls/settings.h"

namespace sluice::engine {

// More connections tell nothing new and begin to be a load.
inline constexpr int kProbeConnectionsMax = 1000;

struct ProtocolRange {
  tls::Version min;
  tls::Version max;
};

struct ProbeOptions {
  bool help = false;  // --help; nothing else counts then.
  // HOST:PORT or unix:PATH. With a configuration also what stands in it: where a server block
  // listens, the name of an upstream group, one of its servers.
  std::string address;
  // -c, as elsewhere relative to the prefix. Empty: no configuration, the options below decide.
  std::string config_file;
  std::string prefix;  // -p; ends with a slash.
  // --server: where the server block listens whose settings are used.
  std::string server;

  // What is given here takes the place of what the server block says.
  std::optional<std::string> ca;
  std::optional<std::string> crl;
  std::optional<std::string> name;
  std::optional<bool> verify;
  std::optional<int> verify_depth;
  std::optional<bool> send_server_name;
  std::optional<std::string> certificate;  // Always with certificate_key.
  std::optional<std::string> certificate_key;
  std::optional<std::string> password_file;
  std::optional<ProtocolRange> protocols;
  std::optional<std::string> ciphers;
  std::optional<std::string> groups;
  std::optional<std::vector<std::string>> alpn;

  // For each step: connecting, the handshake, the end.
  int64_t timeout_ms = 10'000;
  // How long nothing must come after a TLS 1.3 handshake until all its tickets are thought to be
  // there. Four round trips if that is more.
  int64_t ticket_wait_ms = 250;
  // Sent after each handshake; some upstreams give their tickets with their first answer.
  std::string send;
  // How many connections follow each other as clients of sluice would cause them, for each TLS
  // version; at least 2.
  int num_connections = 5;
  bool json = false;
};

// `arguments` begin with "--probe". Values stand behind "=" or are the next argument.
absl::StatusOr<ProbeOptions> ParseProbeArguments(std::span<const char* const> arguments);

// What `sluice --probe --help` shows.
std::string ProbeHelpText();

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_OPTIONS_H_
