#include "engine/probe/prober.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/probe/tls_connection.h"
#include "tls/context.h"
#include "tls/ticket_pool.h"

namespace sluice::engine {
namespace {

// An upstream that does not close within this time does not mean to.
constexpr int64_t kCloseWaitMsMax = 2000;
constexpr int kNumShards = 1;
// For a ticket or two of any size.
constexpr int64_t kPoolBytes = 1024 * 1024;

// The connections of one series.
class Series {
 public:
  Series(const ProbeTarget& target, const config::Peer& peer, const ProbeOptions& options,
         const tls::Context& context)
      : target_(target),
        peer_(peer),
        options_(options),
        context_(context),
        close_wait_ms_(std::min(options.timeout_ms, kCloseWaitMsMax)) {
    report_.min_version = context.settings().min_version;
    report_.max_version = context.settings().max_version;
  }

  SeriesReport Run() {
    tls::TicketPool pool(kNumShards, target_.settings.ticket_use,
                         target_.settings.session_cache_bytes);
    report_.first = Connect(&pool, options_.ticket_wait_ms);
    if (report_.first.ok()) {
      report_.num_further = options_.num_connections - 1;
      for (int i = 0; i < report_.num_further; ++i) ConnectFurther(&pool);
      // Full handshakes to compare those with: the very first one of an upstream is slower.
      for (int i = 0; i < report_.num_further; ++i) Connect(nullptr, 0);
      if (report_.num_resumed > 0) report_.ticket_usable_twice = UsableTwice();
    }
    report_.tcp = Summarize(std::move(tcp_us_));
    report_.tls_full = Summarize(std::move(full_us_));
    report_.tls_resumed = Summarize(std::move(resumed_us_));
    return std::move(report_);
  }

 private:
  ConnectionFacts Connect(tls::TicketPool* pool, int64_t ticket_wait_ms) {
    ConnectionFacts facts = ProbeOnce({.server = target_.server,
                                       .address = peer_.address,
                                       .context = context_,
                                       .tickets = pool,
                                       .timeout_ms = options_.timeout_ms,
                                       .first_bytes = options_.send,
                                       .ticket_wait_ms = ticket_wait_ms,
                                       .close_wait_ms = close_wait_ms_});
    if (facts.ok()) {
      tcp_us_.push_back(facts.connect_us);
      (facts.resumed ? resumed_us_ : full_us_).push_back(facts.handshake_us);
    } else if (report_.num_failed++ == 0) {
      report_.first_error = facts.error;
    }
    // Once is enough to know.
    if (facts.close == CloseAnswer::kStaysOpen) close_wait_ms_ = 0;
    return facts;
  }

  void ConnectFurther(tls::TicketPool* pool) {
    const ConnectionFacts facts = Connect(pool, options_.ticket_wait_ms);
    if (!facts.ok() || !facts.resumed) return;
    ++report_.num_resumed;
    report_.num_tickets_resumed = facts.num_tickets;
  }

  // Gives the same ticket to two connections, whichever a pool would choose: each has a pool that
  // holds nothing else.
  std::optional<bool> UsableTwice() {
    tls::TicketPool fresh(kNumShards, tls::TicketUse::kReuse, kPoolBytes);
    if (!Connect(&fresh, options_.ticket_wait_ms).ok()) return std::nullopt;
    tls::TicketPool single(kNumShards, tls::TicketUse::kReuse, kPoolBytes);
    tls::TicketPool again(kNumShards, tls::TicketUse::kReuse, kPoolBytes);
    // A pool that holds one ticket hands it out as often as it is asked.
    if (!Move(fresh, single) || !Move(single, again)) return std::nullopt;
    const auto first = Connect(&again, 0);
    if (!first.ok() || !first.resumed) return std::nullopt;
    const auto second = Connect(&single, 0);
    return second.ok() && second.resumed;
  }

  // False: there was none.
  static bool Move(tls::TicketPool& from, tls::TicketPool& to) {
    ssl_session_st* session = from.Take(/*shard=*/0);
    if (session == nullptr) return false;
    to.Put(/*shard=*/0, session);
    return true;
  }

  const ProbeTarget& target_;
  const config::Peer& peer_;
  const ProbeOptions& options_;
  const tls::Context& context_;
  int64_t close_wait_ms_;
  SeriesReport report_;
  std::vector<int64_t> tcp_us_;
  std::vector<int64_t> full_us_;
  std::vector<int64_t> resumed_us_;
};

// Why `settings` cannot be used. Without a configuration there are options where tls/ speaks of
// directives.
absl::Status Unusable(const absl::Status& status, const ProbeOptions& options) {
  if (!options.config_file.empty()) return status;
  return absl::Status(
      status.code(),
      absl::StrReplaceAll(status.message(), {{"add \"proxy_ssl_name NAME;\"",
                                              "add --name NAME, or --no-verify and --no-sni"},
                                             {"proxy_ssl_password_file", "--password-file"},
                                             {"proxy_ssl_protocols", "--protocols"},
                                             {"proxy_ssl_trusted_certificate", "--ca"},
                                             {"proxy_ssl_crl", "--crl"}}));
}

// Whether another version could bring another result.
bool OthersMatter(const SeriesReport& configured) {
  const ConnectionFacts& first = configured.first;
  return first.ok() || (first.step == ProbeStep::kHandshake &&
                        (first.failure.kind == tls::FailureKind::kProtocol ||
                         first.failure.kind == tls::FailureKind::kAlertReceived));
}

SeriesReport ProbeVersion(tls::Version version, const ProbeTarget& target, const config::Peer& peer,
                          const ProbeOptions& options) {
  tls::Settings pinned = target.settings;
  pinned.min_version = pinned.max_version = version;
  const auto context = tls::Context::Create(pinned);
  if (context.ok()) return Series(target, peer, options, **context).Run();
  // The cipher list leaves nothing to it.
  SeriesReport report{.min_version = version, .max_version = version};
  report.first.error = absl::StrCat("not offered: ", Unusable(context.status(), options).message());
  report.first_error = report.first.error;
  report.num_failed = 1;
  return report;
}

}  // namespace

absl::StatusOr<ProbeReport> Probe(const ProbeTarget& target, const ProbeOptions& options) {
  const tls::Settings& settings = target.settings;
  const auto context = tls::Context::Create(settings);
  if (!context.ok()) return Unusable(context.status(), options);
  ProbeReport report{.address = options.address,
                     .origin = target.origin,
                     .settings = settings,
                     .server_name = (*context)->server_name()};
  for (const config::Peer& peer : target.peers) {
    PeerReport& peer_report = report.peers.emplace_back(
        PeerReport{.name = peer.name,
                   .address = peer.address.text,
                   .configured = Series(target, peer, options, **context).Run()});
    const SeriesReport& configured = peer_report.configured;
    if (settings.min_version == settings.max_version || !OthersMatter(configured)) continue;
    for (const tls::Version version :
         {tls::Version::kTls13, tls::Version::kTls12, tls::Version::kTls11, tls::Version::kTls10}) {
      if (version < settings.min_version || version > settings.max_version) continue;
      if (configured.first.ok() && configured.first.version == version) continue;
      peer_report.others.push_back(ProbeVersion(version, target, peer, options));
    }
  }
  return report;
}

}  // namespace sluice::engine
