#include "engine/probe/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sluice::engine {
namespace {

constexpr std::string_view kEachFull = "every connection pays for a full handshake";

std::string Percent(int part, int whole) { return absl::StrCat(100 * part / whole, " %"); }

std::string SomeResume(const SeriesReport& series) {
  return absl::StrCat("sluice will resume some connections: ", series.num_resumed, " of ",
                      series.num_further, " (", Percent(series.num_resumed, series.num_further),
                      ") were here. Do several servers stand behind this address, each with ticket "
                      "keys of its own?");
}

// Resumed handshakes bring no ticket, and none is used twice: those of a full one are all there is.
std::string AsFarAsTicketsGo(const SeriesReport& series) {
  const int num_tickets = series.first.num_tickets;
  return absl::StrCat(
      "sluice will resume about ", num_tickets, " of ", num_tickets + 1, " connections (",
      Percent(num_tickets, num_tickets + 1), "): a full handshake brings ", num_tickets,
      ", a resumed one none, and ",
      series.ticket_usable_twice.value_or(false)
          ? "proxy_ssl_session_tickets is single_use. With \"reuse\" it would resume "
            "all, for this upstream takes a ticket twice."
          : "the upstream takes none twice. Make it send a ticket in resumed "
            "handshakes too.");
}

std::string ResumptionInWords(const SeriesReport& series, const tls::Settings& settings) {
  if (!settings.session_reuse) {
    return absl::StrCat("sluice will not resume: proxy_ssl_session_reuse is off; ", kEachFull, ".");
  }
  const bool is_tls13 = series.first.version >= tls::Version::kTls13;
  if (series.first.num_tickets == 0) {
    return is_tls13 ? absl::StrCat("sluice will not resume: the upstream gives no tickets, and ",
                                   kEachFull,
                                   ". Turn them on there. (One that gives them only with its first "
                                   "answer can be told from this by --send.)")
                    : absl::StrCat("sluice will not resume: the upstream gives no session, and ",
                                   kEachFull, ". Turn tickets or a session cache on there.");
  }
  if (series.num_resumed == 0) {
    return absl::StrCat(
        "sluice will not resume: the upstream gives tickets but does not take them back, and ",
        kEachFull,
        ". Has it neither a session cache nor ticket keys (nginx: ssl_session_cache, "
        "ssl_session_tickets), or do several servers stand behind this address, each with keys of "
        "its own?");
  }
  const int num_tickets_resumed = series.num_tickets_resumed.value_or(0);
  const bool may_use_twice =
      settings.ticket_use == tls::TicketUse::kReuse && series.ticket_usable_twice.value_or(false);
  if (is_tls13 && num_tickets_resumed == 0 && !may_use_twice) return AsFarAsTicketsGo(series);
  if (series.num_resumed < series.num_further) return SomeResume(series);
  if (!is_tls13) {
    return "sluice will resume every connection after the first: a session of this version serves "
           "any number of them.";
  }
  if (num_tickets_resumed == 0) {
    return "sluice will resume every connection after the first, but by using tickets again: a "
           "resumed handshake brings none. An observer can link connections that share one.";
  }
  return absl::StrCat(
      "sluice will resume every connection after the first: each resumed one brings ",
      num_tickets_resumed, num_tickets_resumed == 1 ? " ticket" : " tickets",
      " for the next, so none need be used twice.");
}

}  // namespace

Times Summarize(std::vector<int64_t> times_us) {
  if (times_us.empty()) return {};
  std::sort(times_us.begin(), times_us.end());
  return {.count = static_cast<int>(times_us.size()),
          .min_us = times_us.front(),
          .median_us = times_us[times_us.size() / 2]};
}

bool ProbeReport::ok() const {
  return std::all_of(peers.begin(), peers.end(), [](const PeerReport& peer) { return peer.ok(); });
}

std::string SummaryInWords(const PeerReport& peer, const tls::Settings& settings) {
  const SeriesReport& series = peer.configured;
  if (!series.first.ok()) return "sluice cannot use this upstream as configured.";
  if (!series.ok()) {
    return absl::StrCat(
        "sluice cannot rely on this upstream: the first connection was fine, but "
        "some later ones failed (",
        series.num_failed, ").");
  }
  const std::string resumption = ResumptionInWords(series, settings);
  if (!series.first.closed_without_a_word()) return resumption;
  return absl::StrCat(
      "The upstream closes as soon as the handshake is done, without a word: it "
      "seems to be of no use; is what stands behind it down? Else, ",
      resumption);
}

const char* VerificationResult(const SeriesReport& series, const tls::Settings& settings) {
  if (!settings.verify) return "off";
  const tls::FailureKind kind = series.first.failure.kind;
  const bool failed =
      kind == tls::FailureKind::kCertificateUntrusted || kind == tls::FailureKind::kNameMismatch;
  if (failed) return "failed";
  return series.first.ok() || series.first.step == ProbeStep::kAfterHandshake ? "ok"
                                                                              : "not reached";
}

int NumIntermediates(const SeriesReport& series) {
  const auto& chain = series.first.chain;
  if (chain.empty()) return 0;
  return static_cast<int>(
      std::count_if(chain.begin() + 1, chain.end(),
                    [](const tls::CertificateFacts& facts) { return !facts.self_issued; }));
}

}  // namespace sluice::engine
