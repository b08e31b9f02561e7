#include "engine/probe/report.h"

#include <string>

#include "engine/probe/report_json.h"
#include "engine/probe/report_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace sluice::engine {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int64_t kNowS = 1'750'000'000;
constexpr int64_t kDayS = 86'400;

// An upstream that does everything right, and settings that say so.
ProbeReport GoodReport() {
  ProbeReport report{.address = "backend", .origin = "server block at sluice.conf:12"};
  report.settings.verify = true;
  report.settings.trusted_certificate.path = "/etc/ca.pem";
  report.settings.name = "backend";
  report.settings.alpn = {"h2"};
  report.server_name = "backend";
  PeerReport& peer =
      report.peers.emplace_back(PeerReport{.name = "backend:443", .address = "192.0.2.1:443"});
  SeriesReport& series = peer.configured;
  series.first.version = tls::Version::kTls13;
  series.first.cipher = "TLS_AES_128_GCM_SHA256";
  series.first.group = "X25519";
  series.first.signature_algorithm = "ecdsa_secp256r1_sha256";
  series.first.alpn = "h2";
  series.first.num_tickets = 2;
  series.first.ticket_lifetime_s = 7200;
  series.first.close = CloseAnswer::kCloseNotify;
  series.first.chain = {{.parsed = true,
                         .subject = "CN=backend",
                         .issuer = "CN=ca",
                         .alternative_names = {"DNS:backend"},
                         .not_before_s = kNowS - kDayS,
                         .not_after_s = kNowS + 30 * kDayS,
                         .key = "ECDSA P-256",
                         .key_bits = 256,
                         .signature_algorithm = "ecdsa-with-SHA256"}};
  series.num_further = 4;
  series.num_resumed = 4;
  series.num_tickets_resumed = 1;
  series.ticket_usable_twice = true;
  series.tcp = Summarize({300, 100, 200});
  series.tls_full = Summarize({5000});
  series.tls_resumed = Summarize({1000, 1200, 1100, 1300});
  return report;
}

std::string Words(const ProbeReport& report) {
  return SummaryInWords(report.peers[0], report.settings);
}

TEST(TimesTest, GiveTheLeastAndTheOneInTheMiddle) {
  const Times times = Summarize({300, 100, 200});
  EXPECT_EQ(times.count, 3);
  EXPECT_EQ(times.min_us, 100);
  EXPECT_EQ(times.median_us, 200);
  EXPECT_EQ(Summarize({}).count, 0);
}

TEST(SummaryInWordsTest, AllOfIt) {
  EXPECT_THAT(Words(GoodReport()),
              AllOf(HasSubstr("every connection after the first"), HasSubstr("brings 1 ticket")));
}

TEST(SummaryInWordsTest, OfAnUpstreamThatCannotBeUsed) {
  ProbeReport report = GoodReport();
  SeriesReport& series = report.peers[0].configured;
  series.first.error = series.first_error = "connect() failed";
  series.num_failed = 1;
  EXPECT_THAT(Words(report), HasSubstr("cannot use this upstream"));
  EXPECT_FALSE(report.ok());
}

TEST(SummaryInWordsTest, OfOneThatFailsNowAndThen) {
  ProbeReport report = GoodReport();
  report.peers[0].configured.num_failed = 1;
  report.peers[0].configured.first_error = "reset";
  EXPECT_THAT(Words(report),
              HasSubstr("the first connection was fine, but some later ones failed (1)"));
  EXPECT_THAT(ReportText(report, kNowS), HasSubstr("  FAILED         1 connection: reset\n"));
  EXPECT_FALSE(report.ok());
}

TEST(SummaryInWordsTest, WhenItIsTurnedOffHere) {
  ProbeReport report = GoodReport();
  report.settings.session_reuse = false;
  EXPECT_THAT(Words(report), HasSubstr("proxy_ssl_session_reuse is off"));
}

TEST(SummaryInWordsTest, WhenNoTicketsCome) {
  ProbeReport report = GoodReport();
  SeriesReport& series = report.peers[0].configured;
  series.first.num_tickets = 0;
  EXPECT_THAT(Words(report), HasSubstr("gives no tickets"));
  series.first.version = tls::Version::kTls12;
  EXPECT_THAT(Words(report), HasSubstr("gives no session"));
}

TEST(SummaryInWordsTest, WhenTicketsAreNotTakenBack) {
  ProbeReport report = GoodReport();
  SeriesReport& series = report.peers[0].configured;
  series.num_resumed = 0;
  series.num_tickets_resumed.reset();
  series.ticket_usable_twice.reset();
  EXPECT_THAT(Words(report),
              AllOf(HasSubstr("does not take them back"), HasSubstr("neither a session cache"),
                    HasSubstr("several servers")));
}

TEST(SummaryInWordsTest, OfOneThatClosesWithoutAWord) {
  ProbeReport report = GoodReport();
  report.peers[0].configured.first.closed_first = true;
  EXPECT_THAT(Words(report),
              AllOf(StartsWith("The upstream closes as soon as the handshake is done"),
                    HasSubstr("every connection after the first")));
  report.peers[0].configured.first.num_answer_bytes = 1;
  EXPECT_THAT(Words(report), StartsWith("sluice will resume"));
}

TEST(SummaryInWordsTest, WhenSomeServersBehindTheAddressDoNotShareKeys) {
  ProbeReport report = GoodReport();
  report.peers[0].configured.num_resumed = 2;
  EXPECT_THAT(Words(report), AllOf(HasSubstr("2 of 4 (50 %)"), HasSubstr("Do several servers")));
}

TEST(SummaryInWordsTest, WhenResumedHandshakesBringNoTicket) {
  ProbeReport report = GoodReport();
  SeriesReport& series = report.peers[0].configured;
  series.num_tickets_resumed = 0;
  EXPECT_THAT(Words(report), HasSubstr("by using tickets again"));
  report.settings.ticket_use = tls::TicketUse::kSingleUse;
  EXPECT_THAT(Words(report), AllOf(HasSubstr("about 2 of 3 connections (66 %)"),
                                   HasSubstr("proxy_ssl_session_tickets is single_use")));
  series.ticket_usable_twice = false;
  EXPECT_THAT(Words(report), HasSubstr("the upstream takes none twice"));
}

TEST(SummaryInWordsTest, OfTls12) {
  ProbeReport report = GoodReport();
  SeriesReport& series = report.peers[0].configured;
  series.first.version = tls::Version::kTls12;
  series.num_tickets_resumed = 0;
  EXPECT_THAT(Words(report), HasSubstr("serves any number"));
  series.num_resumed = 1;
  EXPECT_THAT(Words(report), HasSubstr("1 of 4 (25 %)"));
}

TEST(ReportTextTest, ShowsWhatIsThere) {
  const std::string text = ReportText(GoodReport(), kNowS);
  EXPECT_THAT(text, StartsWith("Probe of backend, with the settings of server block at "));
  for (const char* line :
       {"\nbackend:443 (192.0.2.1:443)\n",
        "  TLSv1.3        TLS_AES_128_GCM_SHA256, X25519, ecdsa_secp256r1_sha256\n",
        "  verify         on, for the name \"backend\", trusting \"/etc/ca.pem\"\n",
        "  ALPN           h2\n", "  client cert    the upstream asks for none\n",
        "  verification   ok: trusted by \"/etc/ca.pem\", good for \"backend\"\n",
        "     0  subject  CN=backend\n", "(30 days left)\n",
        "key      ECDSA P-256, 256 bits, signed with ecdsa-with-SHA256\n",
        "  tickets        2 after a full handshake, 1 after a resumed one, lifetime 2 h\n",
        "    used twice   the upstream takes it again\n",
        "  resumed        4 of 4 further connections\n",
        "  TCP            min 0.10 ms, median 0.20 ms (3 connections)\n",
        "  TLS, full      5.00 ms\n",
        "  close          it answers close_notify with close_notify\n",
        "\n  sluice will resume every connection after the first"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ReportTextTest, AFailedVerificationComesWithTheChain) {
  ProbeReport report = GoodReport();
  SeriesReport& series = report.peers[0].configured;
  series.first.error = series.first_error = "192.0.2.1:443: certificate has expired";
  series.num_failed = 1;
  series.first.step = ProbeStep::kHandshake;
  series.first.failure.kind = tls::FailureKind::kCertificateUntrusted;
  series.first.chain[0].not_after_s = kNowS - 3 * kDayS;
  const std::string text = ReportText(report, kNowS);
  EXPECT_THAT(text, HasSubstr("  ERROR          192.0.2.1:443: certificate has expired\n"));
  EXPECT_THAT(text, HasSubstr("  verification   FAILED, see above\n"));
  EXPECT_THAT(text, HasSubstr("(EXPIRED 3 days ago)"));
  EXPECT_THAT(text, Not(HasSubstr("tickets")));
}

TEST(ReportTextTest, AClientCertificateThatIsAskedForIsShownWithWhatWasSent) {
  ProbeReport report = GoodReport();
  ConnectionFacts& first = report.peers[0].configured.first;
  first.certificate_requested = true;
  EXPECT_THAT(ReportText(report, kNowS),
              HasSubstr("the upstream asks for a client certificate; none sent\n"));
  first.certificate_sent = true;
  report.settings.certificate.path = "/etc/client.pem";
  EXPECT_THAT(ReportText(report, kNowS),
              HasSubstr("asks for a client certificate; sent \"/etc/client.pem\"\n"));
  const json parsed = json::parse(ReportJson(report));
  EXPECT_EQ(parsed["upstreams"][0]["configured"]["client_certificate"],
            json({{"requested", true}, {"sent", true}}));
}

TEST(ReportTextTest, OtherVersionsFollow) {
  ProbeReport report = GoodReport();
  SeriesReport other = report.peers[0].configured;
  other.min_version = other.max_version = tls::Version::kTls12;
  other.first.version = tls::Version::kTls12;
  SeriesReport refused;
  refused.min_version = refused.max_version = tls::Version::kTls11;
  refused.first.error = "alert";
  refused.first.failure = {.kind = tls::FailureKind::kAlertReceived, .alert = 70};
  report.peers[0].others = {other, refused};
  const std::string text = ReportText(report, kNowS);
  EXPECT_THAT(text, HasSubstr("\n  TLSv1.2        TLS_AES_128_GCM_SHA256"));
  EXPECT_THAT(text, HasSubstr("\n  tickets        one session, lifetime 2 h\n"));
  EXPECT_THAT(text, HasSubstr("\n  TLSv1.1        not spoken\n"));
}

TEST(ReportTextTest, NothingThatCameFromOutsideReachesTheTerminalAsItIs) {
  ProbeReport report = GoodReport();
  report.address = "a\x1b[2J";
  report.origin = "b\n\x9b";
  report.settings.name = "c\r";
  report.settings.alpn = {"d\x07"};
  report.peers[0].configured.first.alpn.clear();
  report.peers[0].name = "e\x1b";
  for (const char c : ReportText(report, kNowS)) {
    EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
  }
}

TEST(ReportJsonTest, HoldsEveryFact) {
  const json parsed = json::parse(ReportJson(GoodReport()));
  EXPECT_EQ(parsed["format"], 1);
  EXPECT_EQ(parsed["ok"], true);
  EXPECT_EQ(parsed["settings"]["verify"], true);
  EXPECT_EQ(parsed["settings"]["sni"], "backend");
  EXPECT_EQ(parsed["settings"]["trusted_certificate"], "/etc/ca.pem");
  EXPECT_EQ(parsed["settings"]["session_tickets"], "reuse");
  const json& peer = parsed["upstreams"][0];
  EXPECT_EQ(peer["address"], "192.0.2.1:443");
  EXPECT_EQ(peer["other_versions"], json::array());
  const json& series = peer["configured"];
  EXPECT_EQ(series["version"], "TLSv1.3");
  EXPECT_EQ(series["cipher"], "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(series["error"], nullptr);
  EXPECT_EQ(series["verification"], "ok");
  EXPECT_EQ(series["chain"][0]["subject"], "CN=backend");
  EXPECT_EQ(series["chain"][0]["not_after"], "2025-07-15T15:06:40Z");
  EXPECT_EQ(series["tickets"]["full"], 2);
  EXPECT_EQ(series["tickets"]["resumed"], 1);
  EXPECT_EQ(series["tickets"]["lifetime_s"], 7200);
  EXPECT_EQ(series["tickets"]["usable_twice"], true);
  EXPECT_EQ(series["further_connections"]["resumed"], 4);
  EXPECT_EQ(series["times_us"]["tls_resumed"]["min"], 1000);
  EXPECT_EQ(series["close"], "close_notify");
}

TEST(ReportJsonTest, WhatIsNotKnownIsNull) {
  ProbeReport report{.address = "backend:443", .origin = "the command line"};
  PeerReport& peer =
      report.peers.emplace_back(PeerReport{.name = "backend:443", .address = "192.0.2.1:443"});
  SeriesReport& failed = peer.configured;
  failed.first.error = failed.first_error = "connect() to 192.0.2.1:443 failed";
  failed.num_failed = 1;
  const json parsed = json::parse(ReportJson(report));
  EXPECT_EQ(parsed["ok"], false);
  const json& series = parsed["upstreams"][0]["configured"];
  EXPECT_EQ(series["error"], "connect() to 192.0.2.1:443 failed");
  for (const char* field :
       {"version", "cipher", "group", "signature_algorithm", "alpn", "client_certificate"}) {
    EXPECT_EQ(series[field], nullptr) << field;
  }
  EXPECT_EQ(series["tickets"]["full"], nullptr);
  EXPECT_EQ(series["tickets"]["usable_twice"], nullptr);
  EXPECT_EQ(series["times_us"]["tcp"], nullptr);
}

TEST(ReportJsonTest, BytesOfAnyEncodingMakeValidJson) {
  ProbeReport report = GoodReport();
  report.address = "a\"\xff\x1b\n";
  const std::string text = ReportJson(report);
  EXPECT_TRUE(json::accept(text));
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
}

}  // namespace
}  // namespace sluice::engine
