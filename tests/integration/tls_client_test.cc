// TLS from clients that others wrote, over real sockets: what they get, what is refused, and what
// the logs say.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_peers.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using tools::Certificate;

// One CA of servers, two of clients, and what they signed.
class Files {
 public:
  Files() {
    tools::CertificateSpec rsa = tools::ServerSpec({"backend", "rsa.test"});
    rsa.common_name = "rsa";
    rsa.key_kind = tools::KeyKind::kRsa2048;
    tools::CertificateSpec ecdsa = tools::ServerSpec({"backend", "ecdsa.test"});
    ecdsa.common_name = "ecdsa";
    const Certificate ca = Certificate::SelfSigned(tools::CaSpec("ca"));
    const Certificate other_ca = Certificate::SelfSigned(tools::CaSpec("other_ca"));
    const Certificate intermediate = ca.Issue(tools::CaSpec("intermediate"));
    const Certificate revoked = ca.Issue(tools::ClientSpec("revoked"));
    dir_.Write("ca.crt", ca.pem());
    dir_.Write("other_ca.crt", other_ca.pem());
    dir_.Write("crl.pem", ca.CrlPem({.revoked_serials = {revoked.serial()}}));
    Write("rsa", ca.Issue(rsa));
    Write("ecdsa", ca.Issue(ecdsa));
    Write("client", ca.Issue(tools::ClientSpec("client")));
    Write("deep", intermediate.Issue(tools::ClientSpec("deep")));
    Write("revoked", revoked);
    Write("stranger", other_ca.Issue(tools::ClientSpec("stranger")));
    const Certificate locked = ca.Issue(ecdsa);
    dir_.Write("locked.crt", locked.chain_pem());
    dir_.Write("locked.key", locked.encrypted_key_pem("second"));
    dir_.Write("passwords", "first\nsecond\n");
    for (const char name : {'a', 'b'}) {
      dir_.Write(absl::StrCat("ticket_", std::string(1, name)), std::string(80, name));
    }
  }

  std::string File(std::string_view name) const { return dir_.File(name); }

 private:
  void Write(std::string_view name, const Certificate& certificate) const {
    dir_.Write(absl::StrCat(name, ".crt"), certificate.chain_pem());
    dir_.Write(absl::StrCat(name, ".key"), certificate.key_pem());
  }

  const TempDir dir_;
};

std::string File(std::string_view name) {
  static const Files* const files = new Files();
  return files->File(name);
}

// nginx's directives for a server with this certificate.
std::string Shows(std::string_view name) {
  return absl::Substitute("ssl_certificate $0; ssl_certificate_key $1;",
                          File(absl::StrCat(name, ".crt")), File(absl::StrCat(name, ".key")));
}

// s_client's arguments for the same.
std::vector<std::string> As(std::string_view name) {
  return {"-cert",       File(absl::StrCat(name, ".crt")), "-key", File(absl::StrCat(name, ".key")),
          "-cert_chain", File(absl::StrCat(name, ".crt"))};
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A program whose input the test writes.
class Client {
 public:
  explicit Client(std::vector<std::string> argv) : input_(Open()) {
    child_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{"sh", "-c", "input=$1; shift; exec \"$@\" < \"$input\"", "sh",
                                 dir_.File("input")} +
        argv);
  }
  ~Client() {
    if (input_ >= 0) close(input_);
  }

  void Send(std::string_view text) {
    PCHECK(write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // Only once the program has said something: until it reads, there is nobody to tell.
  void EndInput() {
    close(input_);
    input_ = -1;
  }
  ChildProcess& child() { return *child_; }

 private:
  int Open() const {
    PCHECK(mkfifo(dir_.File("input").c_str(), 0600) == 0);
    const int fd = open(dir_.File("input").c_str(), O_RDWR | O_CLOEXEC);
    PCHECK(fd >= 0);
    return fd;
  }

  const TempDir dir_;
  int input_;
  std::unique_ptr<ChildProcess> child_;
};

std::vector<std::string> Openssl(const std::string& address,
                                 const std::vector<std::string>& arguments) {
  return std::vector<std::string>{"openssl", "s_client", "-connect",
                                  address,   "-CAfile",  File("ca.crt")} +
         arguments;
}

std::vector<std::string> Gnutls(const std::string& address, std::string_view version) {
  const std::vector<std::string> parts = absl::StrSplit(address, ':');
  return {"gnutls-cli",
          "--port",
          parts[1],
          "--x509cafile",
          File("ca.crt"),
          "--sni-hostname",
          "backend",
          "--verify-hostname",
          "backend",
          "--priority",
          absl::StrCat("NORMAL:-VERS-ALL:+VERS-", absl::StrReplaceAll(version, {{"v", ""}})),
          parts[0]};
}

// All that s_client says until the server ends the connection.
std::string Visit(const std::string& address, const std::vector<std::string>& arguments) {
  return RunToEnd(Openssl(address, std::vector<std::string>{"-ign_eof"} + arguments)).output;
}

// sluice with one TLS server, and its access log.
class Proxy {
 public:
  // `server`: all directives of it but `listen`. `around`: those of `stream`.
  explicit Proxy(std::string_view server, std::string_view around = "",
                 std::string_view listen_options = "ssl")
      : Proxy(FreeAddress(), server, around, listen_options) {}
  Proxy(const std::string& address, std::string_view server, std::string_view around,
        std::string_view listen_options)
      : address_(address), sluice_(Stream(server, around, listen_options)) {}

  std::string Stream(std::string_view server, std::string_view around = "",
                     std::string_view listen_options = "ssl") const {
    return absl::StrCat(
        "log_format f '$status $close_reason verify=$ssl_client_verify protocol=$ssl_protocol "
        "reused=$ssl_session_reused name=$ssl_server_name alpn=$ssl_alpn_protocol "
        "cipher=$ssl_cipher curve=$ssl_curve subject=$ssl_client_s_dn';\n"
        "access_log sessions f;\n",
        around, "server { listen ", address_, " ", listen_options, "; ", server, " }");
  }

  const std::string& address() const { return address_; }
  SluiceProcess& sluice() { return sluice_; }
  std::string Visit(const std::vector<std::string>& arguments = {}) const {
    return testing::Visit(address_, arguments);
  }
  void Reload(std::string_view server, std::string_view around = "") {
    sluice_.WriteConfig(
        absl::StrCat(SluiceProcess::kMain, "stream {\n", Stream(server, around), "\n}\n"));
    ++num_reloads_;
    sluice_.Signal(SIGHUP);
    EXPECT_TRUE(sluice_.WaitForLog("reconfigured: ", num_reloads_)) << sluice_.Log();
  }
  // The line of the session number `number`, counted from 1.
  std::string Line(int number = 1) const {
    std::vector<std::string> lines;
    EXPECT_TRUE(Eventually([&] {
      lines = absl::StrSplit(ReadFile(absl::StrCat(sluice_.prefix(), "/sessions")), '\n');
      return static_cast<int>(lines.size()) > number;
    })) << sluice_.Log();
    return static_cast<int>(lines.size()) > number ? lines[number - 1] : "(no line)";
  }

 private:
  const std::string address_;
  SluiceProcess sluice_;
  int num_reloads_ = 0;
};

class TlsClientVersionTest : public ::testing::TestWithParam<const char*> {
 protected:
  std::string Protocol() const { return GetParam(); }
  bool is_tls13() const { return Protocol() == "TLSv1.3"; }
  // s_client speaks this version only.
  std::vector<std::string> Version(const std::vector<std::string>& more = {}) const {
    return std::vector<std::string>{is_tls13() ? "-tls1_3" : "-tls1_2"} + more;
  }
};

INSTANTIATE_TEST_SUITE_P(Version, TlsClientVersionTest, ::testing::Values("TLSv1.2", "TLSv1.3"),
                         [](const auto& info) {
                           return absl::EndsWith(info.param, "2") ? "Tls12" : "Tls13";
                         });

// Answers what has come by a line, and ends.
void AnswerLine(Socket& socket) {
  std::string line;
  while (!absl::EndsWith(line, "\n")) {
    const std::string next = socket.Receive(1);
    if (next.empty()) return;
    line += next;
  }
  socket.Send(absl::StrCat("got ", line));
}

TEST_P(TlsClientVersionTest, OpensslReachesAPlainUpstreamAndIsToldTheEndByCloseNotify) {
  TcpServer upstream(AnswerLine);
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "proxy_pass ", upstream.address(), ";"));
  Client client(Openssl(proxy.address(), Version({"-verify_return_error"})));
  client.Send("hello\n");
  EXPECT_EQ(0, client.child().Wait()) << client.child().Output();
  // s_client says "closed" for close_notify only, and "unexpected eof" for a bare FIN.
  EXPECT_THAT(client.child().Output(),
              AllOf(HasSubstr("got hello\n"), HasSubstr("closed\n"),
                    HasSubstr(absl::StrCat("New, ", Protocol())), Not(HasSubstr("eof"))));
  EXPECT_THAT(proxy.Line(), StartsWith(absl::StrCat("200 upstream_closed verify=NONE protocol=",
                                                    Protocol(), " reused=. name=- ")));
}

TEST_P(TlsClientVersionTest, GnutlsReachesAPlainUpstreamAndIsToldTheEndByCloseNotify) {
  TcpServer upstream(AnswerLine);
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "proxy_pass ", upstream.address(), ";"));
  Client client(Gnutls(proxy.address(), Protocol()));
  client.Send("hello\n");
  EXPECT_EQ(0, client.child().Wait()) << client.child().Output();
  EXPECT_THAT(client.child().Output(), AllOf(HasSubstr("got hello"), HasSubstr("Peer has closed")));
  EXPECT_THAT(proxy.Line(), HasSubstr(absl::StrCat("protocol=", Protocol(), " reused=. name=")));
}

TEST_P(TlsClientVersionTest, ATlsUpstreamIsReachedByBothClients) {
  TcpServer plain(AnswerLine);
  NginxTlsUpstream upstream(plain.address(), Shows("rsa"));
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "proxy_ssl on; proxy_pass ", upstream.address(), ";"));
  for (const auto& argv :
       {Openssl(proxy.address(), Version()), Gnutls(proxy.address(), Protocol())}) {
    Client client(argv);
    client.Send("hello\n");
    EXPECT_EQ(0, client.child().Wait()) << client.child().Output();
    EXPECT_THAT(client.child().Output(), HasSubstr("got hello"));
  }
}

TEST_P(TlsClientVersionTest, MegabytesPassBothWaysUnchanged) {
  constexpr size_t kSize = 5'000'003;
  std::string text;
  for (int i = 0; text.size() < kSize; ++i) absl::StrAppend(&text, i, " ");
  text.resize(kSize);
  for (const bool to_tls : {false, true}) {
    TcpServer plain([](Socket& socket) { socket.Send(socket.Receive(kSize)); });
    NginxTlsUpstream tls(plain.address(), Shows("rsa"));
    Proxy proxy(absl::StrCat(Shows("ecdsa"), to_tls ? "proxy_ssl on;" : "", "proxy_pass ",
                             to_tls ? tls.address() : plain.address(), ";"));
    const TempDir dir;
    const std::string input = dir.Write("input", text);
    const Finished client =
        RunToEnd(std::vector<std::string>{"sh", "-c", "i=$1; o=$2; shift 2; exec \"$@\" < $i > $o",
                                          "sh", input, dir.File("output")} +
                 Openssl(proxy.address(), Version({"-quiet"})));
    EXPECT_EQ(0, client.exit_code) << client.output;
    EXPECT_TRUE(ReadFile(dir.File("output")) == text);
  }
}

TEST_P(TlsClientVersionTest, TheEndOfAClientReachesTheUpstreamAsFin) {
  std::string received;
  End end = End::kPatience;
  {
    TcpServer upstream([&](Socket& socket) {
      received = socket.ReceiveToEnd();
      end = socket.end();
    });
    Proxy proxy(absl::StrCat(Shows("ecdsa"), "proxy_pass ", upstream.address(), ";"));
    for (const auto& argv :
         {Openssl(proxy.address(), Version()), Gnutls(proxy.address(), Protocol())}) {
      Client client(argv);
      client.Send("hello\n");
      EXPECT_TRUE(client.child().WaitForOutput("ession"));
      client.EndInput();
      EXPECT_EQ(0, client.child().Wait()) << client.child().Output();
    }
    for (const int number : {1, 2})
      EXPECT_THAT(proxy.Line(number), StartsWith("200 client_closed"));
  }
  EXPECT_EQ("hello\n", received);
  EXPECT_EQ(End::kFin, end);
}

// sluice is the TLS client, too: others end both directions at once, or send no close_notify.
TEST_P(TlsClientVersionTest, WithHalfCloseTheUpstreamAnswersAfterTheClientsCloseNotify) {
  TcpServer service(
      [](Socket& socket) { socket.Send(absl::StrCat("got ", socket.ReceiveToEnd())); });
  const std::string entry = FreeAddress();
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      absl::Substitute("proxy_half_close on;"
                       "server { listen $0; proxy_pass $1; proxy_ssl on; proxy_ssl_protocols $2; }"
                       "server { listen $1 ssl; proxy_pass $3; $4 }",
                       entry, address, Protocol(), service.address(), Shows("ecdsa")));
  Socket client = Socket::Connect(entry);
  EXPECT_TRUE(client.Send("request"));
  client.ShutdownWrite();
  EXPECT_EQ("got request", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
}

TEST_P(TlsClientVersionTest, AFinOfTheClientWithoutCloseNotifyHalfClosesToo) {
  TcpServer service(
      [](Socket& socket) { socket.Send(absl::StrCat("got ", socket.ReceiveToEnd())); });
  Proxy proxy(
      absl::StrCat(Shows("ecdsa"), "proxy_half_close on; proxy_pass ", service.address(), ";"));
  const std::string entry = FreeAddress();
  NginxProcess nginx(
      absl::Substitute("server { listen $0; proxy_pass $1; proxy_ssl on; proxy_ssl_protocols $2; "
                       "proxy_half_close on; }",
                       entry, proxy.address(), Protocol()));
  Socket client = Socket::Connect(entry);
  EXPECT_TRUE(client.Send("request"));
  client.ShutdownWrite();
  EXPECT_EQ("got request", client.ReceiveToEnd());
}

TEST_P(TlsClientVersionTest, OfTwoCertificatesAClientGetsTheOneThatItCanVerify) {
  Proxy proxy(absl::StrCat(Shows("rsa"), Shows("ecdsa"), "return x;"));
  EXPECT_THAT(proxy.Visit(Version({"-sigalgs", "rsa_pss_rsae_sha256"})),
              AllOf(HasSubstr("subject=CN = rsa"), HasSubstr("Verify return code: 0")));
  EXPECT_THAT(proxy.Visit(Version({"-sigalgs", "ecdsa_secp256r1_sha256:rsa_pkcs1_sha256"})),
              AllOf(HasSubstr("subject=CN = ecdsa"), HasSubstr("Verify return code: 0")));
  EXPECT_THAT(proxy.Visit(Version()), HasSubstr("subject=CN = ecdsa"));
}

TEST_P(TlsClientVersionTest, ACertificateIsDemandedAndVerified) {
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "ssl_verify_client on; ssl_client_certificate ",
                           File("ca.crt"), "; return 'hello $ssl_client_s_dn';"));
  const std::string good = proxy.Visit(Version(As("client")));
  EXPECT_THAT(good, AllOf(HasSubstr("hello CN=client"),
                          HasSubstr("Acceptable client certificate CA names\nCN = ca")));
  EXPECT_THAT(proxy.Line(1),
              AllOf(StartsWith("200 returned verify=SUCCESS"), HasSubstr("subject=CN=client")));
  // RFC 8446 4.4.2.4: certificate_required. TLS 1.2 has no such alert: handshake_failure.
  EXPECT_THAT(proxy.Visit(Version()),
              HasSubstr(is_tls13() ? "SSL alert number 116" : "SSL alert number 40"));
  EXPECT_THAT(proxy.Line(2), StartsWith("500 client_untrusted verify=NONE"));
  EXPECT_TRUE(
      proxy.sluice().WaitForLog("client sent no required SSL certificate while SSL "
                                "handshaking, client: 127.0.0.1, server: " +
                                proxy.address()))
      << proxy.sluice().Log();
  EXPECT_THAT(proxy.Visit(Version(As("stranger"))), HasSubstr("SSL alert number 48"));
  EXPECT_THAT(proxy.Line(3), AllOf(StartsWith("500 client_untrusted verify=FAILED:"),
                                   EndsWith("subject=CN=stranger")));
  EXPECT_TRUE(proxy.sluice().WaitForLog(
      "client SSL certificate verify error: (20:unable to get local issuer certificate)"))
      << proxy.sluice().Log();
}

TEST_P(TlsClientVersionTest, AnOptionalCertificateMayBeAbsentButNotWrong) {
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "ssl_verify_client optional; ssl_client_certificate ",
                           File("ca.crt"), "; return 'hello $ssl_client_verify';"));
  EXPECT_THAT(proxy.Visit(Version()), HasSubstr("hello NONE"));
  EXPECT_THAT(proxy.Visit(Version(As("client"))), HasSubstr("hello SUCCESS"));
  EXPECT_THAT(proxy.Visit(Version(As("stranger"))), HasSubstr("SSL alert number 48"));
  EXPECT_THAT(proxy.Line(3), StartsWith("500 client_untrusted verify=FAILED:"));
}

TEST_P(TlsClientVersionTest, WithOptionalNoCaAStrangerIsLetInAndToldOf) {
  Proxy proxy(absl::StrCat(Shows("ecdsa"),
                           "ssl_verify_client optional_no_ca; ssl_client_certificate ",
                           File("ca.crt"), "; return 'hello $ssl_client_verify';"));
  EXPECT_THAT(proxy.Visit(Version()), HasSubstr("hello NONE"));
  EXPECT_THAT(proxy.Visit(Version(As("client"))), HasSubstr("hello SUCCESS"));
  EXPECT_THAT(proxy.Visit(Version(As("stranger"))), HasSubstr("hello FAILED:"));
  EXPECT_THAT(proxy.Line(3),
              AllOf(StartsWith("200 returned verify=FAILED:"), HasSubstr("subject=CN=stranger")));
}

TEST_P(TlsClientVersionTest, ARevokedCertificateIsRefusedAndOthersAreNot) {
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "ssl_verify_client on; ssl_client_certificate ",
                           File("ca.crt"), "; ssl_crl ", File("crl.pem"), "; return hello;"));
  EXPECT_THAT(proxy.Visit(Version(As("client"))), HasSubstr("hello"));
  EXPECT_THAT(proxy.Visit(Version(As("revoked"))), HasSubstr("SSL alert number 44"));
  EXPECT_TRUE(
      proxy.sluice().WaitForLog("client SSL certificate verify error: (23:certificate revoked)"))
      << proxy.sluice().Log();
}

TEST_P(TlsClientVersionTest, VerifyDepthCountsIntermediateCertificates) {
  const std::string server =
      absl::StrCat(Shows("ecdsa"), "ssl_verify_client on; ssl_client_certificate ", File("ca.crt"),
                   "; return hello;");
  {
    Proxy proxy(server + "ssl_verify_depth 1;");
    EXPECT_THAT(proxy.Visit(Version(As("deep"))), HasSubstr("hello"));
  }
  Proxy proxy(server + "ssl_verify_depth 0;");
  EXPECT_THAT(proxy.Visit(Version(As("client"))), HasSubstr("hello"));
  EXPECT_THAT(proxy.Visit(Version(As("deep"))), Not(HasSubstr("hello")));
  EXPECT_THAT(proxy.Line(2), StartsWith("500 client_untrusted verify=FAILED:"));
}

// Which worker gets a connection is the kernel's choice: of eight, one each at least but once in
// 128 times.
constexpr int kVisits = 8;

std::vector<std::string> SaveSession(const TempDir& dir) {
  return {"-sess_out", dir.File("session")};
}
std::vector<std::string> OfferSession(const TempDir& dir) {
  return {"-sess_in", dir.File("session")};
}

TEST_P(TlsClientVersionTest, ATicketIsTakenByEveryWorkerAndAfterAReload) {
  const TempDir dir;
  const std::string server = Shows("ecdsa") + "return hello;";
  Proxy proxy(server);
  EXPECT_THAT(proxy.Visit(Version(SaveSession(dir))), HasSubstr("New, "));
  for (int i = 0; i < kVisits; ++i) {
    EXPECT_THAT(proxy.Visit(Version(OfferSession(dir))),
                AllOf(HasSubstr("Reused, "), HasSubstr("hello")));
  }
  EXPECT_THAT(proxy.Line(2), HasSubstr("reused=r"));
  proxy.Reload(server);
  EXPECT_THAT(proxy.Visit(Version(OfferSession(dir))), HasSubstr("Reused, "));
}

TEST_P(TlsClientVersionTest, WithoutTicketsAndCacheNothingIsResumed) {
  const TempDir dir;
  Proxy proxy(Shows("ecdsa") + "ssl_session_tickets off; return hello;");
  proxy.Visit(Version(SaveSession(dir)));
  if (!std::filesystem::exists(dir.File("session"))) return;
  EXPECT_THAT(proxy.Visit(Version(OfferSession(dir))), HasSubstr("New, "));
}

TEST_P(TlsClientVersionTest, ASessionIsNotResumedWithAServerThatTrustsOtherCas) {
  const TempDir dir;
  const std::string address = FreeAddress();
  const auto server = [&](std::string_view name, std::string_view ca) {
    return absl::Substitute(
        "server { listen $0 ssl; server_name $1; ssl_client_certificate $2; return hello; }",
        address, name, File(ca));
  };
  // All else is equal: no certificate is refused, and tickets and cache are one.
  SluiceProcess sluice(absl::StrCat(
      Shows("ecdsa"), "ssl_verify_client optional_no_ca; ssl_session_cache shared:one:1m;",
      "ssl_session_ticket_key ", File("ticket_a"), ";", server("one.test", "ca.crt"),
      server("two.test", "other_ca.crt")));
  const auto visit = [&](const char* name, const std::vector<std::string>& session) {
    return Visit(address,
                 Version(As("client") + std::vector<std::string>{"-servername", name}) + session);
  };
  EXPECT_THAT(visit("one.test", SaveSession(dir)), HasSubstr("New, "));
  EXPECT_THAT(visit("one.test", OfferSession(dir)), HasSubstr("Reused, "));
  EXPECT_THAT(visit("two.test", OfferSession(dir)), AllOf(HasSubstr("New, "), HasSubstr("hello")));
  EXPECT_TRUE(sluice.WaitForLog(", full handshake", 2)) << sluice.Log();
}

TEST_P(TlsClientVersionTest, TicketKeysAreRotatedByReload) {
  const TempDir dir;
  const auto with_keys = [](const std::vector<std::string>& keys) {
    std::string server = Shows("ecdsa") + "return hello;";
    for (const std::string& key : keys) {
      absl::StrAppend(&server, "ssl_session_ticket_key ", File(key), ";");
    }
    return server;
  };
  Proxy proxy(with_keys({"ticket_a"}));
  proxy.Visit(Version(SaveSession(dir)));
  EXPECT_THAT(proxy.Visit(Version(OfferSession(dir))), HasSubstr("Reused, "));
  proxy.Reload(with_keys({"ticket_b", "ticket_a"}));
  EXPECT_THAT(proxy.Visit(Version(OfferSession(dir))), HasSubstr("Reused, "));
  proxy.Reload(with_keys({"ticket_b"}));
  EXPECT_THAT(proxy.Visit(Version(OfferSession(dir))), HasSubstr("New, "));
}

TEST_P(TlsClientVersionTest, TheProtocolIsChosenInOurOrderAndAStrangersIsRefused) {
  Proxy proxy(Shows("ecdsa") + "ssl_alpn two one; return 'hello $ssl_alpn_protocol';");
  EXPECT_THAT(proxy.Visit(Version({"-alpn", "one,two"})),
              AllOf(HasSubstr("ALPN protocol: two"), HasSubstr("hello two")));
  EXPECT_THAT(proxy.Visit(Version()), HasSubstr("hello "));
  // RFC 7301 3.2: no_application_protocol.
  EXPECT_THAT(proxy.Visit(Version({"-alpn", "three"})), HasSubstr("SSL alert number 120"));
  EXPECT_THAT(proxy.Line(3), StartsWith("500 client_handshake_failed"));
}

TEST_P(TlsClientVersionTest, OnlyTheCurvesOfTheServerAreUsed) {
  for (const char* curves : {"ssl_ecdh_curve P-384:P-256;",
                             "ssl_ecdh_curve auto; ssl_conf_command Groups P-384:P-256;"}) {
    // As in nginx, whose order counts is what ssl_prefer_server_ciphers says.
    Proxy proxy(absl::StrCat(Shows("ecdsa"), curves, "return hello;"));
    EXPECT_THAT(proxy.Visit(Version()),
                AllOf(HasSubstr("hello"), HasSubstr("prime256v1, 256 bits")));
    EXPECT_THAT(proxy.Line(), HasSubstr("curve=prime256v1"));
    EXPECT_THAT(proxy.Visit(Version({"-groups", "X25519"})), HasSubstr("alert number 40"));
    Proxy preferring(
        absl::StrCat(Shows("ecdsa"), curves, "ssl_prefer_server_ciphers on; return hello;"));
    EXPECT_THAT(preferring.Visit(Version()),
                AllOf(HasSubstr("hello"), HasSubstr("secp384r1, 384 bits")));
    EXPECT_THAT(preferring.Line(), HasSubstr("curve=secp384r1"));
  }
}

TEST_P(TlsClientVersionTest, TheKeyLogHoldsTheSecretsOfTheConnection) {
  const TempDir dir;
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "ssl_key_log ", dir.File("keys"), "; return hello;"));
  proxy.Visit(Version());
  EXPECT_THAT(ReadFile(dir.File("keys")),
              HasSubstr(is_tls13() ? "CLIENT_TRAFFIC_SECRET_0 " : "CLIENT_RANDOM "));
}

TEST_P(TlsClientVersionTest, ProtocolsThatAreNotNamedAreRefused) {
  Proxy proxy(absl::StrCat(Shows("ecdsa"), "return hello; ssl_protocols ",
                           is_tls13() ? "TLSv1.2;" : "TLSv1.3;"));
  EXPECT_THAT(proxy.Visit(Version()), HasSubstr("SSL alert number 70"));
  EXPECT_THAT(proxy.Line(), StartsWith("500 client_handshake_failed"));
}

TEST_P(TlsClientVersionTest, AProxyHeaderStandsInClearBeforeTls) {
  Proxy proxy(
      Shows("ecdsa") + "return '$proxy_protocol_addr $proxy_protocol_tlv_0x05 $ssl_protocol';", "",
      "ssl proxy_protocol");
  const std::string entry = FreeAddress();
  NginxProcess nginx(
      absl::Substitute("server { listen $0; proxy_pass $1; proxy_ssl on; proxy_ssl_protocols $2; "
                       "proxy_protocol on; }",
                       entry, proxy.address(), Protocol()));
  Socket client = Socket::ConnectFrom("127.0.0.7", entry);
  EXPECT_EQ(absl::StrCat("127.0.0.7  ", Protocol()), client.ReceiveToEnd());
}

TEST_P(TlsClientVersionTest, ATlsClientOfAPlainPortFails) {
  Proxy proxy("return hello;", "", "");
  EXPECT_THAT(proxy.Visit(Version()), Not(HasSubstr("New, TLS")));
  EXPECT_THAT(proxy.Line(), StartsWith("200 returned verify=- protocol=- "));
}

TEST_P(TlsClientVersionTest, ForgedNamesAndProtocolsCannotBreakALogLine) {
  Proxy proxy(Shows("ecdsa") + "return hello;");
  EXPECT_THAT(proxy.Visit(Version({"-servername", "a\n200 forged \"name\x01\xff"})),
              HasSubstr("hello"));
  EXPECT_THAT(proxy.Visit(Version({"-alpn", "b\n200 forged"})), HasSubstr("hello"));
  EXPECT_THAT(proxy.Line(1), AllOf(StartsWith("200 returned"),
                                   HasSubstr(" name=a\\x0A200 forged \\x22name\\x01\\xFF alpn=")));
  EXPECT_THAT(proxy.Line(2), StartsWith("200 returned"));
  EXPECT_EQ(2,
            CountOccurrences(ReadFile(absl::StrCat(proxy.sluice().prefix(), "/sessions")), "\n"));
}

TEST(TlsClientTest, TheNameThatAClientAsksForChoosesTheServer) {
  const std::string address = FreeAddress();
  const auto server = [&](std::string_view listen, std::string_view names) {
    return absl::Substitute("server { listen $0 ssl $1; server_name $2; return '<$2>'; }", address,
                            listen, names);
  };
  SluiceProcess sluice(absl::StrCat(Shows("ecdsa"), server("", "exact.test"),
                                    server("", "*.wild.test"), server("default_server", "default"),
                                    server("", "both.*"), server("", ".dot.test")));
  // What s_client prints of a ticket may hold any characters.
  const auto answer = [&](std::vector<std::string> arguments) {
    const std::string output = Visit(address, arguments + std::vector<std::string>{"-tls1_2"});
    const size_t at = output.rfind("---\n");
    return output.substr(at + 4, output.find('>', at) + 1 - at - 4);
  };
  for (const auto& [name, expected] : std::vector<std::pair<const char*, const char*>>{
           {"exact.test", "<exact.test>"},
           {"EXACT.Test", "<exact.test>"},
           {"a.exact.test", "<default>"},
           {"a.wild.test", "<*.wild.test>"},
           {"a.b.wild.test", "<*.wild.test>"},
           {"wild.test", "<default>"},
           {"both.example", "<both.*>"},
           {"dot.test", "<.dot.test>"},
           {"a.dot.test", "<.dot.test>"},
           {"unknown.test", "<default>"},
       }) {
    EXPECT_EQ(expected, answer({"-servername", name})) << name;
  }
  EXPECT_EQ("<default>", answer({"-noservername"}));
}

TEST(TlsClientTest, EachServerOfAnAddressHasItsProtocols) {
  const std::string address = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "$0 server { listen $1 ssl; server_name old; ssl_protocols TLSv1.2; return hello; }"
      "server { listen $1 ssl; server_name new; ssl_protocols TLSv1.3; return hello; }",
      Shows("ecdsa"), address));
  EXPECT_THAT(Visit(address, {"-servername", "old"}), HasSubstr("New, TLSv1.2"));
  EXPECT_THAT(Visit(address, {"-servername", "new"}), HasSubstr("New, TLSv1.3"));
  EXPECT_THAT(Visit(address, {"-servername", "old", "-tls1_3"}), HasSubstr("alert number 70"));
  EXPECT_THAT(Visit(address, {"-servername", "new", "-tls1_2"}), HasSubstr("alert number 70"));
}

TEST(TlsClientTest, ADefaultServerMayRejectWhoAsksForNoServersName) {
  const std::string address = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "log_format f '$$status $$ssl_server_name'; access_log sessions f;"
      "server { listen $1 ssl default_server; ssl_reject_handshake on; return never; }"
      "server { listen $1 ssl; server_name known.test; $0 return hello; }",
      Shows("ecdsa"), address));
  // RFC 6066 3: unrecognized_name.
  EXPECT_THAT(Visit(address, {"-servername", "other.test"}), HasSubstr("alert number 112"));
  EXPECT_THAT(Visit(address, {"-noservername"}), HasSubstr("alert number 112"));
  EXPECT_THAT(Visit(address, {"-servername", "known.test"}), HasSubstr("hello"));
  const std::string log = absl::StrCat(sluice.prefix(), "/sessions");
  EXPECT_TRUE(Eventually([&] { return CountOccurrences(ReadFile(log), "\n") == 3; }));
  EXPECT_EQ("500 other.test\n500 -\n200 known.test\n", ReadFile(log));
}

TEST(TlsClientTest, ASessionInTheSharedCacheIsResumedByEveryWorkerAndAfterAReload) {
  const TempDir dir;
  const std::string server =
      Shows("ecdsa") + "ssl_session_cache shared:tls:1m; ssl_session_tickets off; return hello;";
  Proxy proxy(server);
  const std::vector<std::string> tls12 = {"-tls1_2", "-no_ticket"};
  EXPECT_THAT(proxy.Visit(tls12 + SaveSession(dir)), HasSubstr("New, "));
  for (int i = 0; i < kVisits; ++i) {
    EXPECT_THAT(proxy.Visit(tls12 + OfferSession(dir)),
                AllOf(HasSubstr("Reused, "), HasSubstr("hello")));
  }
  proxy.Reload(server);
  EXPECT_THAT(proxy.Visit(tls12 + OfferSession(dir)), HasSubstr("Reused, "));
}

TEST(TlsClientTest, CiphersAreThoseOfTheServerInTheOrderThatIsToCount) {
  const std::string ciphers =
      "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;";
  const std::vector<std::string> client = {
      "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"};
  {
    Proxy proxy(absl::StrCat(Shows("ecdsa"), ciphers, "return hello;"));
    EXPECT_THAT(proxy.Visit(client), HasSubstr("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"));
    EXPECT_THAT(proxy.Line(), HasSubstr("cipher=ECDHE-ECDSA-AES128-GCM-SHA256"));
    EXPECT_THAT(proxy.Visit({"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"}),
                HasSubstr("alert number 40"));
  }
  {
    Proxy proxy(
        absl::StrCat(Shows("ecdsa"), ciphers, "ssl_prefer_server_ciphers on; return hello;"));
    EXPECT_THAT(proxy.Visit(client), HasSubstr("Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"));
  }
  Proxy proxy(absl::StrCat(Shows("ecdsa"), ciphers,
                           "ssl_conf_command CipherString ECDHE-ECDSA-AES128-GCM-SHA256; "
                           "ssl_prefer_server_ciphers on; return hello;"));
  EXPECT_THAT(proxy.Visit(client), HasSubstr("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"));
}

TEST(TlsClientTest, AConfCommandTakesAVersionAway) {
  Proxy proxy(Shows("ecdsa") + "ssl_conf_command MaxProtocol TLSv1.2; return hello;");
  EXPECT_THAT(proxy.Visit(), HasSubstr("New, TLSv1.2"));
  EXPECT_THAT(proxy.Visit({"-tls1_3"}), HasSubstr("alert number 70"));
}

TEST(TlsClientTest, AKeyIsOpenedWithOneOfThePasswords) {
  Proxy proxy(
      absl::StrCat(Shows("locked"), "ssl_password_file ", File("passwords"), "; return hello;"));
  EXPECT_THAT(proxy.Visit(), HasSubstr("hello"));
}

TEST(TlsClientTest, AClientThatWaitsIsLetGoAfterTheHandshakeTimeout) {
  Proxy proxy(Shows("ecdsa") + "ssl_handshake_timeout 300ms; return hello;");
  for (const std::string_view bytes : {"", "\x16"}) {
    Socket client = Socket::Connect(proxy.address());
    client.Send(bytes);
    EXPECT_EQ("", client.ReceiveToEnd());
    EXPECT_NE(End::kPatience, client.end());
  }
  EXPECT_THAT(proxy.Line(1), StartsWith("500 client_handshake_timeout verify=NONE protocol=- "));
  EXPECT_THAT(proxy.Line(2), StartsWith("500 client_handshake_timeout"));
  EXPECT_TRUE(proxy.sluice().WaitForLog(
      absl::StrCat("client timed out (110: Connection timed out) while SSL handshaking, client: "
                   "127.0.0.1, server: ",
                   proxy.address()),
      2));
}

TEST(TlsClientTest, AClientThatNamesNoServerInTimeIsLetGoByTheDefaultOne) {
  const std::string address = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "server { listen $0 ssl; server_name a.test; $1 ssl_handshake_timeout 300ms; return a; }"
      "server { listen $0 ssl; server_name b.test; $1 return b; }",
      address, Shows("ecdsa")));
  for (const std::string_view bytes : {"", "\x16"}) {
    Socket client = Socket::Connect(address);
    client.Send(bytes);
    EXPECT_EQ("", client.ReceiveToEnd());
    EXPECT_NE(End::kPatience, client.end());
  }
  EXPECT_TRUE(sluice.WaitForLog("client timed out (110: Connection timed out)", 2)) << sluice.Log();
}

TEST(TlsClientTest, WhatIsNoTlsIsRefusedAndLogged) {
  for (const std::string_view names : {"", "server_name a.test;"}) {
    Proxy proxy(Shows("ecdsa") + "return hello;");
    if (!names.empty()) {
      proxy.Reload(absl::StrCat(Shows("ecdsa"), names, "return hello; } server { listen ",
                                proxy.address(), " ssl; server_name b.test;", Shows("rsa"),
                                "return hello;"));
    }
    int number = 0;
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::string(1000, '\0'),
          std::string(1000, '\xff'), std::string("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9),
          std::string("\x16\x03\x01\xff\xff") + std::string(70'000, 'x')}) {
      Socket client = Socket::Connect(proxy.address());
      client.Send(bytes);
      client.ShutdownWrite();
      EXPECT_THAT(client.ReceiveToEnd(), Not(HasSubstr("hello")));
      EXPECT_NE(End::kPatience, client.end());
      EXPECT_THAT(proxy.Line(++number), StartsWith("500 client_handshake_failed")) << number;
    }
    EXPECT_TRUE(proxy.sluice().WaitForLog(" while SSL handshaking, client: 127.0.0.1", number))
        << proxy.sluice().Log();
    EXPECT_THAT(proxy.Visit(), HasSubstr("hello"));
  }
}

}  // namespace
}  // namespace sluice::testing
