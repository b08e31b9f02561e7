// `sluice --probe` against TLS servers that others wrote, and against what is none: what it says of
// them must be so.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/pki.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_peers.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_server.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const Pki& SharedPki() {
  static const Pki* const pki = new Pki();
  return *pki;
}

// For what depends on tickets: long enough for a machine that is busy.
constexpr char kTicketWait[] = "--ticket-wait=1s";

// Runs `sluice --probe` with as few connections as there can be.
Finished RunProbe(const std::string& address, const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {"--probe", address, "--connections=2"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return RunSluice(arguments);
}

// The same with the CA and the name of SharedPki().
Finished RunTrustingProbe(const std::string& address, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {"--ca", SharedPki().File("ca.crt"), "--name=backend"});
  return RunProbe(address, options);
}

// Its report as JSON; null if it is none, and then the test has failed.
json TrustingReport(const std::string& address, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {kTicketWait, "--json"});
  const Finished finished = RunTrustingProbe(address, std::move(options));
  const json report = json::parse(finished.output, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(report.is_object()) << finished.output;
  if (!report.is_object()) return {{"upstreams", {{{"configured", {}}}}}};
  EXPECT_EQ(finished.exit_code, report["ok"] == true ? 0 : 1) << finished.output;
  return report;
}

json Configured(const json& report) { return report["upstreams"][0]["configured"]; }

std::vector<std::string> ServerArguments(std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"-cert", SharedPki().File("server.crt"), "-key",
                                        SharedPki().File("server.key")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// BoringSSL as a server, which sends tickets with its first answer only; every line is answered.
class BoringsslServer {
 public:
  // `single_use`: after a resumption all tickets given so far are worth nothing.
  explicit BoringsslServer(bool single_use)
      : tls_(tls::ServerOptions(tls::Identities().server)),
        single_use_(single_use),
        server_([this](Socket& socket) { Serve(socket); }) {}

  const std::string& address() const { return server_.address(); }

 private:
  void Serve(Socket& socket) {
    const auto connection = Locked([&] { return tls_.Accept(); });
    std::array<uint8_t, 16384> bytes;
    bool counted = false;
    for (;;) {
      const ssize_t num = TEMP_FAILURE_RETRY(recv(socket.fd(), bytes.data(), bytes.size(), 0));
      if (num <= 0) return;
      const std::vector<uint8_t> answer = Locked([&] {
        std::vector<uint8_t> output = connection->Feed({bytes.data(), static_cast<size_t>(num)});
        const auto append = [&](const std::vector<uint8_t>& more) {
          output.insert(output.end(), more.begin(), more.end());
        };
        if (!connection->handshake_done()) return output;
        if (single_use_ && connection->resumed() && !counted) tls_.ForgetTickets();
        counted = true;
        if (!connection->TakePlaintext().empty()) append(connection->Write("answer"));
        if (connection->close_notify_received()) append(connection->CloseNotify());
        return output;
      });
      socket.Send({reinterpret_cast<const char*>(answer.data()), answer.size()});
      if (Locked([&] { return connection->close_notify_received(); })) return;
    }
  }

  template <typename Function>
  std::invoke_result_t<Function> Locked(Function function) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return function();
  }

  std::mutex mutex_;
  tls::TestServer tls_;  // Under mutex_, and its connections.
  const bool single_use_;
  TcpServer server_;
};

TEST(ProbeTest, TellsWhatAnOpensslServerDoes) {
  const OpensslServer server(ServerArguments());
  const json report = TrustingReport(server.address());
  EXPECT_EQ(report["ok"], true);
  const json series = Configured(report);
  EXPECT_EQ(series["version"], "TLSv1.3");
  EXPECT_EQ(series["cipher"], "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(series["group"], "X25519");
  EXPECT_EQ(series["signature_algorithm"], "ecdsa_secp256r1_sha256");
  EXPECT_EQ(series["verification"], "ok");
  EXPECT_EQ(series["chain"][0]["names"], json({"DNS:backend"}));
  EXPECT_EQ(series["chain"][0]["issuer"], "CN=ca");
  EXPECT_EQ(series["tickets"],
            json({{"full", 2}, {"resumed", 1}, {"lifetime_s", 7200}, {"usable_twice", true}}));
  EXPECT_EQ(series["further_connections"], json({{"count", 1}, {"resumed", 1}}));
  EXPECT_EQ(series["failed_connections"], 0);
  // The first, one without a ticket, and one for the ticket that is used twice.
  EXPECT_EQ(series["times_us"]["tls_full"]["count"], 3);
  EXPECT_EQ(series["times_us"]["tls_resumed"]["count"], 3);
  EXPECT_GT(series["times_us"]["tls_full"]["min"], 0);
  EXPECT_LE(series["times_us"]["tcp"]["min"], series["times_us"]["tcp"]["median"]);
  EXPECT_EQ(series["close"], "close_notify");

  const json others = report["upstreams"][0]["other_versions"];
  ASSERT_EQ(others.size(), 1);
  EXPECT_EQ(others[0]["version"], "TLSv1.2");
  EXPECT_EQ(others[0]["further_connections"]["resumed"], 1);
  EXPECT_EQ(others[0]["tickets"]["lifetime_s"], 7200);
}

TEST(ProbeTest, TellsItInWordsToo) {
  const OpensslServer server(ServerArguments());
  const Finished finished = RunTrustingProbe(server.address(), {kTicketWait});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("2 after a full handshake, 1 after a resumed one, lifetime 2 h"),
                    HasSubstr("resumed        1 of 1 further connection"),
                    HasSubstr("sluice will resume every connection after the first")));
}

TEST(ProbeTest, AVersionThatIsNotSpokenIsSaidSo) {
  const OpensslServer server(ServerArguments({"-tls1_2"}));
  const json report = TrustingReport(server.address());
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(Configured(report)["version"], "TLSv1.2");
  EXPECT_EQ(report["upstreams"][0]["other_versions"][0]["ok"], false);
  EXPECT_THAT(RunTrustingProbe(server.address()).output, HasSubstr("TLSv1.3        not spoken"));

  const json refused = TrustingReport(server.address(), {"--protocols=TLSv1.3"});
  EXPECT_EQ(refused["ok"], false);
  EXPECT_THAT(std::string(Configured(refused)["error"]),
              HasSubstr("the upstream speaks no TLS version that is offered"));
}

TEST(ProbeTest, WithoutTicketsThereIsNoResumption) {
  const OpensslServer server(ServerArguments({"-num_tickets", "0"}));
  const json report = TrustingReport(server.address(), {"--protocols=TLSv1.3"});
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(Configured(report)["tickets"]["full"], 0);
  EXPECT_EQ(Configured(report)["tickets"]["usable_twice"], nullptr);
  EXPECT_EQ(Configured(report)["further_connections"]["resumed"], 0);
  EXPECT_EQ(Configured(report)["times_us"]["tls_resumed"], nullptr);
  EXPECT_THAT(std::string(report["upstreams"][0]["summary"]), HasSubstr("will not resume"));
}

TEST(ProbeTest, ASessionByIdHasNoLifetime) {
  const OpensslServer server(ServerArguments({"-no_ticket"}));
  const json series = Configured(TrustingReport(server.address(), {"--protocols=TLSv1.2"}));
  EXPECT_EQ(series["tickets"]["full"], 1);
  EXPECT_EQ(series["tickets"]["lifetime_s"], nullptr);
  EXPECT_EQ(series["further_connections"]["resumed"], 1);
}

TEST(ProbeTest, TicketsThatComeWithTheFirstAnswerNeedAQuestion) {
  BoringsslServer server(/*single_use=*/false);
  const TempDir dir;
  const std::vector<std::string> options = {"--ca",
                                            dir.Write("ca.crt", tls::Identities().root.pem()),
                                            "--name=backend.test",
                                            "--protocols=TLSv1.3",
                                            kTicketWait,
                                            "--json"};
  const json silent = json::parse(RunProbe(server.address(), options).output);
  EXPECT_EQ(Configured(silent)["tickets"]["full"], 0);
  std::vector<std::string> asking = options;
  asking.push_back("--send=hello\\n");
  const json asked = json::parse(RunProbe(server.address(), asking).output);
  EXPECT_EQ(Configured(asked)["tickets"]["full"], 2);
  EXPECT_EQ(Configured(asked)["further_connections"]["resumed"], 1);
  EXPECT_EQ(Configured(asked)["tickets"]["usable_twice"], true);
  EXPECT_EQ(Configured(asked)["answer_bytes"], 6);
}

TEST(ProbeTest, ATicketThatIsGoodOnceIsToldFromOneThatIsGoodTwice) {
  BoringsslServer server(/*single_use=*/true);
  const TempDir dir;
  const json report = json::parse(
      RunProbe(server.address(),
               {"--ca", dir.Write("ca.crt", tls::Identities().root.pem()), "--name=backend.test",
                "--protocols=TLSv1.3", kTicketWait, "--json", "--send=hello"})
          .output);
  EXPECT_EQ(Configured(report)["further_connections"]["resumed"], 1);
  EXPECT_EQ(Configured(report)["tickets"]["usable_twice"], false);
}

TEST(ProbeTest, TellsWhatNginxDoes) {
  const TcpServer echo(Echo);
  const NginxTlsUpstream nginx(echo.address(), SharedPki().NginxServer("server"));
  const json report = TrustingReport(nginx.address());
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(Configured(report)["further_connections"]["resumed"], 1);
}

TEST(ProbeTest, TellsWhatGnutlsDoes) {
  if (access("/usr/bin/gnutls-serv", X_OK) != 0) GTEST_SKIP() << "gnutls-serv is not installed";
  const int port = FreePort();
  ChildProcess server({"gnutls-serv", "--echo", "-p", absl::StrCat(port), "--x509certfile",
                       SharedPki().File("server.crt"), "--x509keyfile",
                       SharedPki().File("server.key")});
  const std::string address = absl::StrCat("127.0.0.1:", port);
  ASSERT_TRUE(Eventually([&] { return CanConnect(address); })) << server.Output();
  const json report = TrustingReport(address);
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(Configured(report)["version"], "TLSv1.3");
  EXPECT_EQ(Configured(report)["further_connections"]["resumed"], 1);
}

TEST(ProbeTest, AlpnIsOfferedAndTold) {
  const OpensslServer server(ServerArguments({"-alpn", "http/1.1,h2"}));
  EXPECT_EQ(Configured(TrustingReport(server.address(), {"--alpn=h2"}))["alpn"], "h2");
  EXPECT_EQ(Configured(TrustingReport(server.address()))["alpn"], nullptr);
}

TEST(ProbeTest, AnUntrustedChainIsShownWithTheReason) {
  const OpensslServer server(ServerArguments());
  for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
    const Finished finished = RunProbe(
        server.address(),
        {"--ca", SharedPki().File("other_ca.crt"), "--name=backend", "--protocols", version});
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.output,
                AllOf(HasSubstr("unable to get local issuer certificate"),
                      HasSubstr("verification   FAILED"), HasSubstr("issuer   CN=ca"),
                      HasSubstr("sluice cannot use this upstream as configured")));
  }
}

TEST(ProbeTest, AWrongNameIsShownWithTheRightOnes) {
  const OpensslServer server(ServerArguments());
  const Finished finished =
      RunProbe(server.address(), {"--ca", SharedPki().File("ca.crt"), "--name=frontend"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("does not match \"frontend\""), HasSubstr("names    DNS:backend")));
  EXPECT_EQ(0, RunProbe(server.address(), {"--no-verify", "--name=frontend"}).exit_code);
}

TEST(ProbeTest, AnExpiredCertificateIsShownAsSuch) {
  const OpensslServer server(
      {"-cert", SharedPki().File("expired.crt"), "-key", SharedPki().File("expired.key")});
  const Finished finished = RunTrustingProbe(server.address());
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("certificate has expired"), HasSubstr("(EXPIRED 1 day ago)")));
}

TEST(ProbeTest, ARevokedCertificateIsShownAsSuch) {
  const OpensslServer server(
      {"-cert", SharedPki().File("revoked.crt"), "-key", SharedPki().File("revoked.key")});
  EXPECT_EQ(0, RunTrustingProbe(server.address()).exit_code);
  const Finished finished =
      RunTrustingProbe(server.address(), {"--crl", SharedPki().File("crl.pem")});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output, HasSubstr("certificate revoked"));
}

TEST(ProbeTest, AnUpstreamThatWantsOurCertificateSaysSo) {
  const OpensslServer server(ServerArguments(
      {"-Verify", "1", "-CAfile", SharedPki().File("ca.crt"), "-verify_return_error"}));
  const Finished tls13 = RunTrustingProbe(server.address(), {"--protocols=TLSv1.3"});
  EXPECT_EQ(1, tls13.exit_code);
  EXPECT_THAT(tls13.output, AllOf(HasSubstr("asks for a client certificate; none sent"),
                                  HasSubstr("SSL alert number 116): the upstream demands a client "
                                            "certificate, set proxy_ssl_certificate")));
  const Finished tls12 = RunTrustingProbe(server.address(), {"--protocols=TLSv1.2"});
  EXPECT_EQ(1, tls12.exit_code);
  EXPECT_THAT(tls12.output, AllOf(HasSubstr("asks for a client certificate; none sent"),
                                  HasSubstr("SSL alert number 40): the upstream demands a client "
                                            "certificate")));

  const Finished finished = RunTrustingProbe(
      server.address(),
      {"--cert", SharedPki().File("client.crt"), "--key", SharedPki().File("client.key")});
  EXPECT_EQ(0, finished.exit_code) << finished.output;
}

// nginx finishes the handshake and then closes, with close_notify and without an alert.
TEST(ProbeTest, AnUpstreamThatClosesForWantOfOurCertificateCannotBeUsed) {
  const TcpServer echo(Echo);
  const NginxTlsUpstream nginx(
      echo.address(),
      absl::StrCat(SharedPki().NginxServer("server"),
                   " ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client on; ssl_client_certificate ",
                   SharedPki().File("ca.crt"), ";"));
  const std::vector<std::string> certificate = {"--cert", SharedPki().File("client.crt"), "--key",
                                                SharedPki().File("client.key")};
  for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
    const json refused = TrustingReport(nginx.address(), {"--protocols", version});
    EXPECT_EQ(refused["ok"], false) << version;
    EXPECT_THAT(std::string(Configured(refused)["error"]),
                HasSubstr("closed the connection right after the handshake: it asked for a client "
                          "certificate and got none, set proxy_ssl_certificate"));
    EXPECT_EQ(Configured(refused)["client_certificate"],
              json({{"requested", true}, {"sent", false}}));
    EXPECT_EQ(Configured(refused)["close"], "close_notify");

    std::vector<std::string> options = certificate;
    options.insert(options.end(), {"--protocols", version});
    const json accepted = TrustingReport(nginx.address(), options);
    EXPECT_EQ(accepted["ok"], true) << accepted;
    EXPECT_EQ(Configured(accepted)["client_certificate"],
              json({{"requested", true}, {"sent", true}}));
  }
}

TEST(ProbeTest, AnUpstreamThatClosesAtOnceIsSaidToDoSo) {
  const NginxTlsUpstream nginx(
      FreeAddress(), absl::StrCat(SharedPki().NginxServer("server"), " ssl_protocols TLSv1.3;"));
  const json report = TrustingReport(nginx.address(), {"--protocols=TLSv1.3"});
  EXPECT_EQ(report["ok"], true);
  EXPECT_EQ(Configured(report)["client_certificate"],
            json({{"requested", false}, {"sent", false}}));
  EXPECT_THAT(std::string(report["upstreams"][0]["summary"]),
              HasSubstr("The upstream closes as soon as the handshake is done, without a word"));
}

TEST(ProbeTest, APlaintextGreetingIsShownEscaped) {
  const TcpServer server(Greet("220 mail \x1b[2J ready\r\n"));
  const Finished finished = RunTrustingProbe(server.address());
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output, AllOf(HasSubstr("does not speak TLS; it says \"220 mail \\x1b[2J "
                                               "ready\\r\\n\""),
                                     Not(HasSubstr("\x1b"))));
}

TEST(ProbeTest, ASilentPeerIsWaitedForNoLongerThanTold) {
  const TcpServer server(Sink);
  const Finished finished = RunTrustingProbe(server.address(), {"--timeout=300ms"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output, HasSubstr("did not answer within 300 ms at the TLS handshake"));
}

TEST(ProbeTest, APeerThatDripsIsWaitedForNoLongerThanTold) {
  // Each byte belongs to a record that does not end, and comes before it could be missed.
  const TcpServer server([](Socket& socket) {
    if (!socket.Send(std::string("\x16\x03\x03\x3f\xff", 5))) return;
    while (socket.Send("a")) usleep(20'000);
  });
  const Finished finished = RunTrustingProbe(server.address(), {"--timeout=500ms"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output,
              HasSubstr("began to answer, but did not finish the TLS handshake within 500 ms"));
}

TEST(ProbeTest, APeerThatHangsUpIsToldFromOneThatIsSilent) {
  const TcpServer server([](Socket& socket) { socket.Receive(1); });
  const Finished finished = RunTrustingProbe(server.address());
  EXPECT_EQ(1, finished.exit_code);
  // With unread bytes the kernel answers with RST.
  EXPECT_TRUE(absl::StrContains(finished.output, "closed the connection at the TLS handshake") ||
              absl::StrContains(finished.output, "reset the connection at the TLS handshake"))
      << finished.output;
}

TEST(ProbeTest, APortThatNobodyListensOnIsSaidSo) {
  const std::string address = FreeAddress();
  const Finished finished = RunTrustingProbe(address);
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output,
              HasSubstr(absl::StrCat("connect() to ", address,
                                     " failed (111: Connection refused): nobody listens there")));
}

TEST(ProbeTest, AConnectThatHangsTimesOut) {
  const BlackHole black_hole;
  const Finished finished = RunTrustingProbe(black_hole.address(), {"--timeout=300ms"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.output, HasSubstr("timed out after 300 ms"));
}

TEST(ProbeTest, NamesInACertificateCannotDriveTheTerminal) {
  tools::CertificateSpec spec = tools::ServerSpec({"backend"});
  spec.common_name = "a\x1b]0;owned\x07\n\xe2\x80\xae\"";
  const tools::Certificate certificate =
      tools::Certificate::SelfSigned(tools::CaSpec("ca")).Issue(spec);
  const TempDir dir;
  const OpensslServer server({"-cert", dir.Write("hostile.crt", certificate.pem()), "-key",
                              dir.Write("hostile.key", certificate.key_pem())});
  for (const std::vector<std::string>& form :
       {std::vector<std::string>{"--no-verify"}, {"--no-verify", "--json"}}) {
    const Finished finished = RunProbe(server.address(), form);
    EXPECT_EQ(0, finished.exit_code);
    EXPECT_THAT(finished.output, HasSubstr("owned"));
    for (const char c : finished.output) {
      EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
    }
  }
}

TEST(ProbeTest, AServerBlockIsProbedWithItsSettingsPeerByPeer) {
  const OpensslServer server(ServerArguments());
  const std::string refused = FreeAddress();
  const TempDir dir;
  const std::string config =
      dir.Write("sluice.conf",
                absl::Substitute("events {}\n"
                                 "stream {\n"
                                 "  upstream backend { server $0; server $1; }\n"
                                 "  server {\n"
                                 "    listen 127.0.0.1:12345; proxy_pass backend; proxy_ssl on;\n"
                                 "    proxy_ssl_verify on; proxy_ssl_trusted_certificate $2;\n"
                                 "    proxy_ssl_protocols TLSv1.2;\n"
                                 "  }\n"
                                 "}\n",
                                 server.address(), refused, SharedPki().File("ca.crt")));
  const Finished group = RunProbe("127.0.0.1:12345", {"-c", config, "--json"});
  EXPECT_EQ(1, group.exit_code);
  const json report = json::parse(group.output);
  ASSERT_EQ(report["upstreams"].size(), 2);
  EXPECT_EQ(report["upstreams"][0]["ok"], true);
  EXPECT_EQ(report["upstreams"][0]["configured"]["version"], "TLSv1.2");
  EXPECT_EQ(report["upstreams"][1]["ok"], false);
  EXPECT_EQ(report["settings"]["name"], "backend");
  EXPECT_THAT(std::string(report["origin"]), HasSubstr("sluice.conf:4"));

  // One peer of it alone.
  EXPECT_EQ(0, RunProbe(server.address(), {"-c", config}).exit_code);
}

TEST(ProbeTest, ProblemsWithOptionsNameOptions) {
  const TempDir dir;
  const Finished nameless =
      RunSluice({"--probe", absl::StrCat("unix:", dir.File("socket")), "--no-verify"});
  EXPECT_EQ(2, nameless.exit_code);
  EXPECT_THAT(nameless.output, AllOf(HasSubstr("add --name NAME, or --no-verify and --no-sni"),
                                     Not(HasSubstr("proxy_ssl"))));

  const tools::Certificate client =
      tools::Certificate::SelfSigned(tools::CaSpec("ca")).Issue(tools::ServerSpec({"client"}));
  const OpensslServer server(ServerArguments());
  std::vector<std::string> options = {"--cert", dir.Write("client.crt", client.pem()), "--key",
                                      dir.Write("client.key", client.encrypted_key_pem("secret"))};
  const Finished locked = RunTrustingProbe(server.address(), options);
  EXPECT_EQ(2, locked.exit_code);
  EXPECT_THAT(locked.output, HasSubstr("; set --password-file\n"));
  options.insert(options.end(), {"--password-file", dir.Write("passwords", "wrong\nsecret\n")});
  EXPECT_EQ(0, RunTrustingProbe(server.address(), options).exit_code);
}

TEST(ProbeTest, AReportThatCannotBeWrittenIsTwo) {
  const Finished finished =
      RunToEnd({"sh", "-c", absl::StrCat(SluiceBinary(), " --probe --help >/dev/full")});
  EXPECT_EQ(2, finished.exit_code);
  EXPECT_THAT(finished.output, HasSubstr("write() to stdout failed"));
}

TEST(ProbeTest, WrongUsageIsTwo) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--probe"},
        {"--probe", "127.0.0.1:1", "--nonsense"},
        {"--probe", "127.0.0.1:1", "-c", "/no/such/file"},
        {"--probe", "127.0.0.1:1", "--ca", "/no/such/file"},
        {"--probe", "127.0.0.1:1", "--no-verify", "--ciphers", "NONSENSE"},
        {"--probe", "127.0.0.1"}}) {
    const Finished finished = RunSluice(arguments);
    EXPECT_EQ(2, finished.exit_code) << finished.output;
    EXPECT_THAT(finished.output, HasSubstr("sluice: "));
  }
  EXPECT_EQ(0, RunSluice({"--probe", "--help"}).exit_code);
}

}  // namespace
}  // namespace sluice::testing
