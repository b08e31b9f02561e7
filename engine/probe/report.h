// What a probe has found out: plain data, before it is put into words.
#ifndef SLUICE_ENGINE_PROBE_REPORT_H_
#define SLUICE_ENGINE_PROBE_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/probe/tls_connection.h"
#include "tls/settings.h"

namespace sluice::engine {

// Over several connections; none: count is 0.
struct Times {
  int count = 0;
  int64_t min_us = 0;
  int64_t median_us = 0;
};

// Sorts `times_us`.
Times Summarize(std::vector<int64_t> times_us);

// A series of connections with one set of versions.
struct SeriesReport {
  // What was offered. The first series of a peer offers all that the settings allow.
  tls::Version min_version = tls::Version::kTls12;
  tls::Version max_version = tls::Version::kTls13;
  // The first connection. If it has failed there were no others; if the settings leave nothing to
  // offer with these versions there was not even that, and its `error` says so.
  ConnectionFacts first;
  // Of all connections of the series.
  int num_failed = 0;
  std::string first_error;  // Of the first that failed.
  bool ok() const { return num_failed == 0; }

  // The connections behind it, which had a ticket to offer if one had come.
  int num_further = 0;
  int num_resumed = 0;
  // In the latest resumed connection; empty: none was resumed.
  std::optional<int> num_tickets_resumed;
  // Whether the upstream takes the same ticket a second time; empty: not even once, or none came.
  std::optional<bool> ticket_usable_twice;

  Times tcp;
  Times tls_full;
  Times tls_resumed;
};

struct PeerReport {
  std::string name;     // As the configuration or the command line has it.
  std::string address;  // What was connected to.
  SeriesReport configured;
  // One for each other version that the settings allow, newest first.
  std::vector<SeriesReport> others;

  bool ok() const { return configured.ok(); }
};

struct ProbeReport {
  std::string address;  // As it was asked for.
  std::string origin;   // Whose settings were used.
  tls::Settings settings;
  std::string server_name;  // What is sent as SNI; empty: nothing.
  std::vector<PeerReport> peers;

  bool ok() const;
};

// Whether the upstream is of use, how much of the traffic will resume, and why: a few sentences for
// the operator.
std::string SummaryInWords(const PeerReport& peer, const tls::Settings& settings);

// What became of verification: "off", "ok" or "failed".
const char* VerificationResult(const SeriesReport& series, const tls::Settings& settings);

// Certificates of the chain between leaf and root, as proxy_ssl_verify_depth counts.
int NumIntermediates(const SeriesReport& series);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_REPORT_H_
