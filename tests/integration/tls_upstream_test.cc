// TLS to upstreams that others wrote: what works, what must be refused, and what the log says.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/pki.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_peers.h"

namespace sluice::testing {
namespace {

const Pki& SharedPki() {
  static const Pki* const pki = new Pki();
  return *pki;
}

// proxy_ssl_* that demand a certificate for "backend" from the first CA, and present ours.
std::string StrictTls() {
  return absl::Substitute(
      "proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate $0; "
      "proxy_ssl_name backend; proxy_ssl_certificate $1; proxy_ssl_certificate_key $2;",
      SharedPki().File("ca.crt"), SharedPki().File("client.crt"), SharedPki().File("client.key"));
}

// A listener in front of one TLS upstream.
class Proxy {
 public:
  Proxy(std::string_view upstream, std::string_view tls)
      : address_(FreeAddress()),
        upstream_(upstream),
        sluice_(
            absl::Substitute("server { listen $0; proxy_pass $1; $2 }", address_, upstream, tls)) {}

  Socket Connect() const { return Socket::Connect(address_); }
  SluiceProcess& sluice() { return sluice_; }

  // The client gets nothing but the end, and an [error] line gives `reason`.
  void ExpectRefused(std::string_view reason) {
    Socket client = Connect();
    client.Send("must not arrive");
    EXPECT_EQ("", client.ReceiveToEnd());
    EXPECT_NE(End::kPatience, client.end());
    EXPECT_TRUE(sluice_.WaitForLog(reason)) << sluice_.Log();
    EXPECT_TRUE(sluice_.WaitForLog(absl::Substitute(
        "while SSL handshaking to upstream, client: 127.0.0.1, server: $0, upstream: \"$1\", "
        "bytes from/to client:",
        address_, upstream_)))
        << sluice_.Log();
  }

 private:
  const std::string address_;
  const std::string upstream_;
  SluiceProcess sluice_;
};

// One connection that sends `text` and gets it back.
void ExpectEcho(const Proxy& proxy, std::string_view text) {
  Socket client = proxy.Connect();
  EXPECT_TRUE(client.Send(text));
  EXPECT_EQ(text, client.Receive(text.size()));
}

class TlsVersionTest : public ::testing::TestWithParam<const char*> {
 protected:
  // nginx that speaks this version only and demands a client certificate.
  std::string NginxTls(std::string_view certificate = "server") const {
    return absl::Substitute("$0 ssl_protocols $1; ssl_verify_client on; ssl_client_certificate $2;",
                            SharedPki().NginxServer(certificate), GetParam(),
                            SharedPki().File("ca.crt"));
  }
  // `openssl s_server` that speaks this version only.
  std::vector<std::string> OpensslTls(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {
        "-cert", SharedPki().File("server.crt"), "-key", SharedPki().File("server.key"),
        absl::EndsWith(GetParam(), "1.3") ? "-tls1_3" : "-tls1_2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TcpServer echo_{Echo};
};

INSTANTIATE_TEST_SUITE_P(Version, TlsVersionTest, ::testing::Values("TLSv1.2", "TLSv1.3"),
                         [](const auto& info) {
                           return absl::EndsWith(info.param, "2") ? "Tls12" : "Tls13";
                         });

TEST_P(TlsVersionTest, NginxGetsOurCertificateAndTheSecondConnectionIsResumed) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls());
  Proxy proxy(upstream.address(), StrictTls());
  ExpectEcho(proxy, "first");
  ExpectEcho(proxy, "second");
  ExpectEcho(proxy, "third");
  const std::vector<std::string> connections = upstream.WaitForConnections(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(absl::StartsWith(connections[i], GetParam())) << connections[i];
    EXPECT_TRUE(absl::StrContains(connections[i], i == 0 ? " . " : " r ")) << connections[i];
    EXPECT_TRUE(absl::StrContains(connections[i], "CN=sluice")) << connections[i];
  }
}

TEST_P(TlsVersionTest, WithSessionReuseOffNothingIsResumed) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls());
  Proxy proxy(upstream.address(), StrictTls() + "proxy_ssl_session_reuse off;");
  ExpectEcho(proxy, "first");
  ExpectEcho(proxy, "second");
  for (const std::string& connection : upstream.WaitForConnections(2)) {
    EXPECT_TRUE(absl::StrContains(connection, " . ")) << connection;
  }
}

TEST_P(TlsVersionTest, AClientThatSendsAndIsGoneStillBringsASessionForTheNext) {
  TcpServer sink(Sink);
  NginxTlsUpstream upstream(sink.address(), NginxTls());
  Proxy proxy(upstream.address(), StrictTls());
  for (int i = 0; i < 3; ++i) {
    Socket client = proxy.Connect();
    EXPECT_TRUE(client.Send("a line for the log"));
    client.Close();
    const std::string connection = upstream.WaitForConnections(i + 1).back();
    EXPECT_TRUE(absl::StrContains(connection, i == 0 ? " . " : " r ")) << connection;
  }
}

TEST_P(TlsVersionTest, TheKeyLogHoldsTheSecretsOfTheConnection) {
  const TempDir dir;
  NginxTlsUpstream upstream(echo_.address(), NginxTls());
  Proxy proxy(upstream.address(),
              absl::StrCat(StrictTls(), "proxy_ssl_key_log ", dir.File("keys"), ";"));
  ExpectEcho(proxy, "hello");
  EXPECT_TRUE(absl::StrContains(ReadFile(dir.File("keys")), absl::EndsWith(GetParam(), "1.3")
                                                                ? "CLIENT_TRAFFIC_SECRET_0 "
                                                                : "CLIENT_RANDOM "));
}

TEST_P(TlsVersionTest, AServerThatInsistsOnAProtocolFindsItInAlpn) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls() + "ssl_alpn two;");
  {
    Proxy proxy(upstream.address(), StrictTls() + "proxy_ssl_alpn one two;");
    ExpectEcho(proxy, "hello");
  }
  Proxy proxy(upstream.address(), StrictTls() + "proxy_ssl_alpn one three;");
  proxy.ExpectRefused("SSL alert number 120");  // RFC 7301 3.2: no_application_protocol.
}

TEST_P(TlsVersionTest, OnlyTheGroupsAskedForAreOffered) {
  for (const char* groups :
       {"proxy_ssl_groups P-521:P-384:P-256;",
        "proxy_ssl_groups X25519; proxy_ssl_conf_command Groups P-521:P-384:P-256;"}) {
    OpensslServer upstream(OpensslTls({}));
    Proxy proxy(upstream.address(), absl::StrCat(StrictTls(), groups));
    Socket client = proxy.Connect();
    EXPECT_TRUE(client.Send("abc\n"));
    EXPECT_EQ("cba\n", client.Receive(4));
    EXPECT_TRUE(upstream.WaitForOutput("Supported groups: secp521r1:secp384r1:secp256r1\n"))
        << upstream.Output();
  }
}

TEST_P(TlsVersionTest, OpensslServerAnswers) {
  OpensslServer upstream(
      OpensslTls({"-CAfile", SharedPki().File("ca.crt"), "-Verify", "1", "-verify_return_error"}));
  Proxy proxy(upstream.address(), StrictTls());
  for (int i = 0; i < 3; ++i) {
    Socket client = proxy.Connect();
    EXPECT_TRUE(client.Send("abc\n"));
    EXPECT_EQ("cba\n", client.Receive(4));
  }
}

TEST_P(TlsVersionTest, AnUpstreamMaySpeakFirst) {
  TcpServer greeter(Greet("220 ready"));
  NginxTlsUpstream upstream(greeter.address(), NginxTls());
  Proxy proxy(upstream.address(), StrictTls());
  Socket client = proxy.Connect();
  EXPECT_EQ("220 ready", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
}

TEST_P(TlsVersionTest, WithHalfCloseTheUpstreamAnswersAfterTheClientsFin) {
  TcpServer service([](Socket& socket) {
    const std::string request = socket.ReceiveToEnd();
    socket.Send(absl::StrCat("got ", request));
  });
  NginxTlsUpstream upstream(service.address(), NginxTls() + "proxy_half_close on;");
  Proxy proxy(upstream.address(), StrictTls() + "proxy_half_close on;");
  Socket client = proxy.Connect();
  EXPECT_TRUE(client.Send("request"));
  client.ShutdownWrite();
  EXPECT_EQ("got request", client.ReceiveToEnd());
  EXPECT_EQ(End::kFin, client.end());
}

TEST_P(TlsVersionTest, AResetOfTheUpstreamReachesTheClientAsReset) {
  TcpServer upstream([](Socket& socket) {
    socket.Receive(1);
    socket.ResetOnClose();
  });
  // Not even a ServerHello: the client's stream ends, and the log tells why.
  Proxy proxy(upstream.address(), StrictTls());
  proxy.ExpectRefused("(104: Connection reset by peer)");
}

TEST_P(TlsVersionTest, AnUntrustedCertificateIsRefused) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls("stranger"));
  Proxy proxy(upstream.address(), StrictTls());
  proxy.ExpectRefused(
      "upstream SSL certificate verify error: (20:unable to get local issuer certificate)");
}

TEST_P(TlsVersionTest, WithVerifyOffAnyCertificateIsTaken) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls("stranger"));
  Proxy proxy(
      upstream.address(),
      absl::Substitute("proxy_ssl on; proxy_ssl_certificate $0; proxy_ssl_certificate_key $1;",
                       SharedPki().File("client.crt"), SharedPki().File("client.key")));
  ExpectEcho(proxy, "hello");
}

TEST_P(TlsVersionTest, AnExpiredCertificateIsRefused) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls("expired"));
  Proxy proxy(upstream.address(), StrictTls());
  proxy.ExpectRefused("upstream SSL certificate verify error: (10:certificate has expired)");
}

TEST_P(TlsVersionTest, ARevokedCertificateIsRefusedAndOthersAreNot) {
  const std::string with_crl =
      absl::StrCat(StrictTls(), "proxy_ssl_crl ", SharedPki().File("crl.pem"), ";");
  {
    NginxTlsUpstream upstream(echo_.address(), NginxTls("revoked"));
    Proxy proxy(upstream.address(), with_crl);
    proxy.ExpectRefused("upstream SSL certificate verify error: (23:certificate revoked)");
  }
  NginxTlsUpstream upstream(echo_.address(), NginxTls());
  Proxy proxy(upstream.address(), with_crl);
  ExpectEcho(proxy, "not revoked");
}

TEST_P(TlsVersionTest, ACertificateForAnotherNameIsRefused) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls());
  Proxy proxy(upstream.address(),
              absl::Substitute("proxy_ssl on; proxy_ssl_verify on; "
                               "proxy_ssl_trusted_certificate $0; proxy_ssl_name other.example;",
                               SharedPki().File("ca.crt")));
  proxy.ExpectRefused("upstream SSL certificate does not match \"other.example\"");
}

TEST_P(TlsVersionTest, WithoutAClientCertificateTheServersAlertIsLogged) {
  OpensslServer upstream(
      OpensslTls({"-CAfile", SharedPki().File("ca.crt"), "-Verify", "1", "-verify_return_error"}));
  Proxy proxy(upstream.address(), "proxy_ssl on;");
  Socket client = proxy.Connect();
  client.Send("abc\n");
  EXPECT_EQ("", client.ReceiveToEnd());
  // RFC 8446 4.4.2.4: certificate_required. TLS 1.2 has no such alert: handshake_failure.
  EXPECT_TRUE(proxy.sluice().WaitForLog(absl::EndsWith(GetParam(), "1.3") ? "SSL alert number 116"
                                                                          : "SSL alert number 40"))
      << proxy.sluice().Log();
}

// An upstream that can do without a certificate, or that closes for want of it without an alert.
TEST_P(TlsVersionTest, ACertificateThatIsAskedForAndNotSentIsLogged) {
  const OpensslServer upstream(OpensslTls({"-CAfile", SharedPki().File("ca.crt"), "-verify", "1"}));
  Proxy proxy(upstream.address(), "proxy_ssl on;");
  ASSERT_TRUE(proxy.Connect().Send("abc\n"));
  EXPECT_TRUE(
      proxy.sluice().WaitForLog(", full handshake, client certificate asked for, none sent"))
      << proxy.sluice().Log();
}

TEST_P(TlsVersionTest, NoVersionInCommonIsRefused) {
  NginxTlsUpstream upstream(echo_.address(), NginxTls());
  Proxy proxy(upstream.address(),
              absl::StrCat(StrictTls(), "proxy_ssl_protocols ",
                           absl::EndsWith(GetParam(), "1.3") ? "TLSv1.2" : "TLSv1.3", ";"));
  proxy.ExpectRefused("SSL_do_handshake() failed (SSL: error:");
}

TEST_P(TlsVersionTest, AnUntrustedServerIsPassedOverForTheNext) {
  NginxTlsUpstream bad(echo_.address(), NginxTls("stranger"));
  NginxTlsUpstream good(echo_.address(), NginxTls());
  const std::string address = FreeAddress();
  SluiceProcess sluice(absl::Substitute(
      "upstream backend { server $0; server $1; } server { listen $2; proxy_pass backend; $3 }",
      bad.address(), good.address(), address, StrictTls()));
  Socket client = Socket::Connect(address);
  EXPECT_TRUE(client.Send("hello"));
  EXPECT_EQ("hello", client.Receive(5));
  EXPECT_TRUE(sluice.WaitForLog(absl::StrCat("upstream: \"", bad.address(), "\"")));
}

TEST(TlsUpstreamTest, APlainServiceIsRefused) {
  TcpServer upstream([](Socket& socket) {
    socket.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    socket.ReceiveToEnd();
  });
  Proxy proxy(upstream.address(), StrictTls());
  proxy.ExpectRefused("SSL_do_handshake() failed (SSL: error:");
}

TEST(TlsUpstreamTest, AServerThatClosesDuringTheHandshakeIsNamed) {
  TcpServer upstream([](Socket& socket) { socket.Receive(1); });
  Proxy proxy(upstream.address(), StrictTls());
  proxy.ExpectRefused("peer closed connection in SSL handshake");
}

TEST(TlsUpstreamTest, ASilentServerTimesOut) {
  TcpServer upstream(Sink);
  Proxy proxy(upstream.address(), StrictTls() + "proxy_connect_timeout 300ms;");
  proxy.ExpectRefused("upstream timed out (110: Connection timed out)");
}

TEST(TlsUpstreamTest, ACipherOfOursThatNginxTakesIsUsed) {
  TcpServer echo(Echo);
  NginxTlsUpstream upstream(echo.address(), SharedPki().NginxServer("server"));
  Proxy proxy(upstream.address(),
              StrictTls() +
                  "proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;");
  ExpectEcho(proxy, "hello");
  EXPECT_TRUE(
      absl::StartsWith(upstream.WaitForConnections(1)[0], "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256"));
}

}  // namespace
}  // namespace sluice::testing
