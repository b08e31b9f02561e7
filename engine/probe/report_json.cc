#include "engine/probe/report_json.h"

#include <optional>

#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace sluice::engine {
namespace {

// Keeps the fields in the order they are written in.
using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr int kIndent = 2;

Json OrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json();
}

std::string TimeText(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds),
                          absl::UTCTimeZone());
}

Json TimesJson(const Times& times) {
  if (times.count == 0) return Json();
  return {{"count", times.count}, {"min", times.min_us}, {"median", times.median_us}};
}

Json CertificateJson(const tls::CertificateFacts& facts) {
  if (!facts.parsed) return Json();
  return {{"subject", facts.subject},
          {"issuer", facts.issuer},
          {"names", facts.alternative_names},
          {"not_before", TimeText(facts.not_before_s)},
          {"not_after", TimeText(facts.not_after_s)},
          {"key", facts.key},
          {"key_bits", facts.key_bits},
          {"signature_algorithm", facts.signature_algorithm},
          {"self_issued", facts.self_issued}};
}

Json SeriesJson(const SeriesReport& series, const tls::Settings& settings) {
  const ConnectionFacts& first = series.first;
  const bool negotiated = !first.cipher.empty();
  Json chain = Json::array();
  for (const tls::CertificateFacts& facts : first.chain) chain.push_back(CertificateJson(facts));
  const bool tried = first.ok();
  const bool told = first.num_tickets > 0 && first.ticket_lifetime_s > 0;
  return {
      {"offered", {tls::VersionName(series.min_version), tls::VersionName(series.max_version)}},
      {"ok", series.ok()},
      {"error", OrNull(series.first_error)},
      {"version", negotiated ? Json(tls::VersionName(first.version)) : Json()},
      {"cipher", OrNull(first.cipher)},
      {"group", OrNull(first.group)},
      {"signature_algorithm", OrNull(first.signature_algorithm)},
      {"alpn", OrNull(first.alpn)},
      {"client_certificate",
       negotiated || first.certificate_requested
           ? Json({{"requested", first.certificate_requested}, {"sent", first.certificate_sent}})
           : Json()},
      {"verification", VerificationResult(series, settings)},
      {"num_intermediates", NumIntermediates(series)},
      {"chain", std::move(chain)},
      {"tickets",
       {{"full", tried ? Json(first.num_tickets) : Json()},
        {"resumed", OrNull(series.num_tickets_resumed)},
        {"lifetime_s", told ? Json(first.ticket_lifetime_s) : Json()},
        {"usable_twice", OrNull(series.ticket_usable_twice)}}},
      {"further_connections", {{"count", series.num_further}, {"resumed", series.num_resumed}}},
      {"failed_connections", series.num_failed},
      {"times_us",
       {{"tcp", TimesJson(series.tcp)},
        {"tls_full", TimesJson(series.tls_full)},
        {"tls_resumed", TimesJson(series.tls_resumed)}}},
      {"close", CloseAnswerName(first.close)},
      {"closed_first", first.closed_first},
      {"answer_bytes", first.num_answer_bytes},
  };
}

Json PeerJson(const PeerReport& peer, const tls::Settings& settings) {
  Json others = Json::array();
  for (const SeriesReport& other : peer.others) others.push_back(SeriesJson(other, settings));
  return {{"name", peer.name},
          {"address", peer.address},
          {"ok", peer.ok()},
          {"summary", SummaryInWords(peer, settings)},
          {"configured", SeriesJson(peer.configured, settings)},
          {"other_versions", std::move(others)}};
}

}  // namespace

std::string ReportJson(const ProbeReport& report) {
  const tls::Settings& settings = report.settings;
  Json peers = Json::array();
  for (const PeerReport& peer : report.peers) peers.push_back(PeerJson(peer, settings));
  const Json json = {
      {"format", kFormatVersion},
      {"address", report.address},
      {"origin", report.origin},
      {"settings",
       {{"versions",
         {tls::VersionName(settings.min_version), tls::VersionName(settings.max_version)}},
        {"verify", settings.verify},
        {"verify_depth", settings.verify_depth},
        {"trusted_certificate", OrNull(settings.trusted_certificate.path)},
        {"name", OrNull(settings.name)},
        {"sni", OrNull(report.server_name)},
        {"client_certificate", OrNull(settings.certificate.path)},
        {"session_reuse", settings.session_reuse},
        {"session_tickets", tls::TicketUseName(settings.ticket_use)}}},
      {"ok", report.ok()},
      {"upstreams", std::move(peers)},
  };
  // Names and paths of the operator's may be in any encoding.
  return json.dump(kIndent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::engine
