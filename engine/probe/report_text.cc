#include "engine/probe/report_text.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace sluice::engine {
namespace {

constexpr int64_t kDayS = 86'400;
constexpr size_t kLineBytesMax = 90;

std::string Quoted(std::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text), "\"");
}

std::string Count(int64_t count, std::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

void Row(std::string_view label, std::string_view value, std::string& text) {
  absl::StrAppendFormat(&text, "  %-14s %s\n", label, value);
}

void ChainRow(std::string_view number, std::string_view label, std::string_view value,
              std::string& text) {
  absl::StrAppendFormat(&text, "    %2s  %-8s %s\n", number, label, value);
}

// "2 h", "90 s": the largest unit that leaves nothing.
std::string LifetimeText(uint32_t seconds) {
  if (seconds == 0) return "lifetime not told";
  if (seconds % 3600 == 0) return absl::StrCat("lifetime ", seconds / 3600, " h");
  if (seconds % 60 == 0) return absl::StrCat("lifetime ", seconds / 60, " min");
  return absl::StrCat("lifetime ", seconds, " s");
}

std::string TimeText(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%SZ", absl::FromUnixSeconds(seconds),
                          absl::UTCTimeZone());
}

std::string ValidityText(const tls::CertificateFacts& facts, int64_t now_s) {
  std::string left;
  if (now_s > facts.not_after_s) {
    left = absl::StrCat("EXPIRED ", Count((now_s - facts.not_after_s) / kDayS, "day"), " ago");
  } else if (now_s < facts.not_before_s) {
    left = "NOT VALID YET";
  } else {
    left = absl::StrCat(Count((facts.not_after_s - now_s) / kDayS, "day"), " left");
  }
  return absl::StrCat(TimeText(facts.not_before_s), " to ", TimeText(facts.not_after_s), " (", left,
                      ")");
}

std::string TimesText(const Times& times) {
  if (times.count == 0) return "-";
  if (times.count == 1) return absl::StrFormat("%.2f ms", times.min_us / 1000.0);
  return absl::StrFormat("min %.2f ms, median %.2f ms (%d connections)", times.min_us / 1000.0,
                         times.median_us / 1000.0, times.count);
}

std::string NegotiatedText(const ConnectionFacts& facts) {
  std::vector<std::string_view> parts = {facts.cipher};
  if (!facts.group.empty()) parts.push_back(facts.group);
  if (!facts.signature_algorithm.empty()) parts.push_back(facts.signature_algorithm);
  return absl::StrJoin(parts, ", ");
}

std::string AlpnText(const ConnectionFacts& facts, const tls::Settings& settings) {
  if (settings.alpn.empty()) return "not offered";
  if (!facts.alpn.empty()) return facts.alpn;
  return absl::StrCat("none chosen of ", absl::CHexEscape(absl::StrJoin(settings.alpn, ", ")));
}

std::string VerificationText(const SeriesReport& series, const tls::Settings& settings) {
  const std::string_view result = VerificationResult(series, settings);
  if (result == "off") return "off: sluice accepts any certificate here";
  if (result == "ok") {
    return absl::StrCat("ok: trusted by ", Quoted(settings.trusted_certificate.path), ", good for ",
                        Quoted(settings.name));
  }
  if (result == "failed") return "FAILED, see above";
  return "not reached";
}

std::string ClientCertificateText(const ConnectionFacts& facts, const tls::Settings& settings) {
  if (!facts.certificate_requested) return "the upstream asks for none";
  return absl::StrCat("the upstream asks for a client certificate; ",
                      facts.certificate_sent
                          ? absl::StrCat("sent ", Quoted(settings.certificate.path))
                          : "none sent");
}

std::string TicketsText(const SeriesReport& series, const tls::Settings& settings) {
  if (!settings.session_reuse) return "not asked for (proxy_ssl_session_reuse off)";
  const ConnectionFacts& first = series.first;
  if (first.version < tls::Version::kTls13) {
    return first.num_tickets == 0
               ? "no session to resume"
               : absl::StrCat("one session, ", LifetimeText(first.ticket_lifetime_s));
  }
  if (first.num_tickets == 0) return "none";
  std::string text = absl::StrCat(first.num_tickets, " after a full handshake");
  if (series.num_tickets_resumed.has_value()) {
    absl::StrAppend(&text, ", ", *series.num_tickets_resumed, " after a resumed one");
  }
  return absl::StrCat(text, ", ", LifetimeText(first.ticket_lifetime_s));
}

std::string TwiceText(const SeriesReport& series) {
  if (!series.ticket_usable_twice.has_value()) return "not known";
  return *series.ticket_usable_twice ? "the upstream takes it again" : "the upstream refuses it";
}

std::string CloseText(const ConnectionFacts& facts) {
  if (facts.closed_first) {
    std::string text = facts.close == CloseAnswer::kCloseNotify
                           ? "it closes first, with close_notify"
                           : "it closes first, WITHOUT close_notify: proxy_ssl_strict_close on "
                             "would reset the client";
    if (facts.num_answer_bytes == 0) {
      absl::StrAppend(&text, "; it said nothing: is what stands behind it down?");
    }
    return text;
  }
  switch (facts.close) {
    case CloseAnswer::kNone:
      return "not seen";
    case CloseAnswer::kCloseNotify:
      return "it answers close_notify with close_notify";
    case CloseAnswer::kFinOnly:
      return "it answers close_notify with FIN alone";
    case CloseAnswer::kReset:
      return "it answers close_notify with RST";
    case CloseAnswer::kStaysOpen:
      return "it does not close when sluice does";
  }
  return "not seen";
}

void AppendChain(const SeriesReport& series, const tls::Settings& settings, int64_t now_s,
                 std::string& text) {
  const auto& chain = series.first.chain;
  if (chain.empty()) return;
  Row("chain",
      absl::StrCat(Count(static_cast<int64_t>(chain.size()), "certificate"), ", ",
                   Count(NumIntermediates(series), "intermediate"), " (proxy_ssl_verify_depth ",
                   settings.verify_depth, ")"),
      text);
  for (size_t i = 0; i < chain.size(); ++i) {
    const tls::CertificateFacts& facts = chain[i];
    if (!facts.parsed) {
      ChainRow(absl::StrCat(i), "", "cannot be parsed", text);
      continue;
    }
    ChainRow(absl::StrCat(i), "subject", facts.subject.empty() ? "(empty)" : facts.subject, text);
    ChainRow("", "issuer", facts.self_issued ? "itself" : facts.issuer, text);
    if (!facts.alternative_names.empty()) {
      ChainRow("", "names", absl::StrJoin(facts.alternative_names, ", "), text);
    }
    ChainRow("", "valid", ValidityText(facts, now_s), text);
    ChainRow("", "key",
             absl::StrCat(facts.key, ", ", facts.key_bits, " bits, signed with ",
                          facts.signature_algorithm),
             text);
  }
}

void AppendSeries(const SeriesReport& series, const tls::Settings& settings, std::string& text) {
  Row("tickets", TicketsText(series, settings), text);
  if (series.first.num_tickets > 0) Row("  used twice", TwiceText(series), text);
  Row("resumed",
      absl::StrCat(series.num_resumed, " of ", Count(series.num_further, "further connection")),
      text);
  if (!series.ok()) {
    Row("FAILED", absl::StrCat(Count(series.num_failed, "connection"), ": ", series.first_error),
        text);
  }
  Row("TCP", TimesText(series.tcp), text);
  Row("TLS, full", TimesText(series.tls_full), text);
  Row("TLS, resumed", TimesText(series.tls_resumed), text);
  Row("close", CloseText(series.first), text);
}

// `words` in lines of their own, indented.
void AppendWrapped(std::string_view words, std::string& text) {
  while (words.size() > kLineBytesMax) {
    const size_t space = words.rfind(' ', kLineBytesMax);
    if (space == words.npos) break;
    absl::StrAppend(&text, "  ", words.substr(0, space), "\n");
    words.remove_prefix(space + 1);
  }
  absl::StrAppend(&text, "  ", words, "\n");
}

void AppendPeer(const PeerReport& peer, const tls::Settings& settings, int64_t now_s,
                std::string& text) {
  absl::StrAppend(&text, "\n", absl::CHexEscape(peer.name));
  if (peer.name != peer.address) absl::StrAppend(&text, " (", peer.address, ")");
  text += "\n";

  const SeriesReport& configured = peer.configured;
  const ConnectionFacts& first = configured.first;
  if (!first.ok()) Row("ERROR", first.error, text);
  if (!first.cipher.empty()) {
    Row(tls::VersionName(first.version), NegotiatedText(first), text);
    Row("ALPN", AlpnText(first, settings), text);
  }
  if (!first.cipher.empty() || first.certificate_requested) {
    Row("client cert", ClientCertificateText(first, settings), text);
  }
  if (first.step != ProbeStep::kConnect || first.ok()) {
    Row("verification", VerificationText(configured, settings), text);
  }
  AppendChain(configured, settings, now_s, text);
  if (first.ok()) AppendSeries(configured, settings, text);

  for (const SeriesReport& other : peer.others) {
    text += "\n";
    const char* const version = tls::VersionName(other.max_version);
    if (!other.first.ok()) {
      Row(version, other.first.version_refused() ? "not spoken" : other.first.error, text);
      continue;
    }
    Row(version, NegotiatedText(other.first), text);
    AppendSeries(other, settings, text);
  }
  text += "\n";
  AppendWrapped(SummaryInWords(peer, settings), text);
}

}  // namespace

std::string ReportText(const ProbeReport& report, int64_t now_s) {
  const tls::Settings& settings = report.settings;
  std::string text = absl::StrCat("Probe of ", absl::CHexEscape(report.address),
                                  ", with the settings of ", absl::CHexEscape(report.origin), "\n");
  Row("offers",
      settings.min_version == settings.max_version
          ? tls::VersionName(settings.max_version)
          : absl::StrCat(tls::VersionName(settings.min_version), " to ",
                         tls::VersionName(settings.max_version)),
      text);
  Row("SNI", report.server_name.empty() ? "not sent" : Quoted(report.server_name), text);
  Row("verify",
      settings.verify ? absl::StrCat("on, for the name ", Quoted(settings.name), ", trusting ",
                                     Quoted(settings.trusted_certificate.path))
                      : "off",
      text);
  Row("client cert", settings.certificate.given() ? Quoted(settings.certificate.path) : "none",
      text);
  for (const PeerReport& peer : report.peers) AppendPeer(peer, settings, now_s, text);
  return text;
}

}  // namespace sluice::engine
