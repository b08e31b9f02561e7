// The PROXY protocol with real sockets: who clients say they are, and what upstreams are told.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/pki.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr char kHeader[] = "PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n";

// Answers with what it was sent, up to the end of the stream.
void Repeat(Socket& socket) { socket.Send(socket.ReceiveToEnd()); }

std::string Ask(const std::string& address, std::string_view bytes) {
  Socket client = Socket::Connect(address);
  client.Send(bytes);
  client.ShutdownWrite();
  return client.ReceiveToEnd();
}

// A server with `listen ADDRESS proxy_protocol`.
class ProxyProtocolServer {
 public:
  explicit ProxyProtocolServer(std::string_view directives, std::string_view stream = "")
      : sluice_(absl::Substitute("$2 server { listen $0 proxy_protocol; $1 }", address_, directives,
                                 stream)) {}

  const std::string& address() const { return address_; }
  SluiceProcess& sluice() { return sluice_; }

 private:
  const std::string address_ = FreeAddress();
  SluiceProcess sluice_;
};

TEST(ProxyProtocolTest, TheHeaderIsTakenOffAndItsAddressesAreVariables) {
  const ProxyProtocolServer server(
      "return '$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:"
      "$proxy_protocol_server_port $remote_addr';");
  EXPECT_EQ(Ask(server.address(), kHeader), "192.0.2.7:1234 198.51.100.1:443 127.0.0.1");
}

TEST(ProxyProtocolTest, WhatFollowsTheHeaderReachesTheUpstreamAndNothingElse) {
  TcpServer upstream(Repeat);
  const ProxyProtocolServer server(
      absl::StrCat("proxy_half_close on; proxy_pass ", upstream.address(), ";"));
  EXPECT_EQ(Ask(server.address(), absl::StrCat(kHeader, "hello")), "hello");
  EXPECT_EQ(Ask(server.address(), "PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n"), "PROXY UNKNOWN\r\n");
}

TEST(ProxyProtocolTest, AHeaderMayComeByteByByte) {
  TcpServer upstream(Repeat);
  const ProxyProtocolServer server(
      absl::StrCat("proxy_half_close on; proxy_pass ", upstream.address(), ";"));
  Socket client = Socket::Connect(server.address());
  for (const char c : absl::StrCat(kHeader, "hello")) client.Send({&c, 1});
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "hello");
}

TEST(ProxyProtocolTest, OnlyTrustedPeersSayWhoTheClientIs) {
  const ProxyProtocolServer trusting(
      "set_real_ip_from 127.0.0.0/8; return '$remote_addr:$remote_port $realip_remote_addr';");
  EXPECT_EQ(Ask(trusting.address(), kHeader), "192.0.2.7:1234 127.0.0.1");
  EXPECT_EQ(Ask(trusting.address(), "PROXY UNKNOWN\r\n").substr(0, 9), "127.0.0.1");
  const ProxyProtocolServer other("set_real_ip_from 10.0.0.0/8; return $remote_addr;");
  EXPECT_EQ(Ask(other.address(), kHeader), "127.0.0.1");
}

TEST(ProxyProtocolTest, Version2WithTlvs) {
  const ProxyProtocolServer server(
      "return '$proxy_protocol_addr $proxy_protocol_tlv_authority $proxy_protocol_tlv_0x05';");
  const std::string header(
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x15\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb"
      "\x02\x00\x01h\x05\x00\x02id",
      37);
  EXPECT_EQ(Ask(server.address(), header), "1.2.3.4 h id");
}

TEST(ProxyProtocolTest, SomethingElseIsRefusedLoggedAndStatus400) {
  ProxyProtocolServer server("return x; access_log s.log f;",
                             "log_format f '$status $close_reason';");
  EXPECT_EQ(Ask(server.address(), "GET / HTTP/1.0\r\n\r\n"), "");
  const std::string log = server.sluice().StopAndGetLog();
  EXPECT_THAT(log, HasSubstr("broken header: \"GET / HTTP/1.0\\x0D\\x0A\\x0D\\x0A\" (it does not "
                             "begin as one) while reading PROXY protocol, client: 127.0.0.1, "
                             "server: " +
                             server.address()));
  EXPECT_EQ(ReadFile(server.sluice().prefix() + "/s.log"), "400 proxy_header_invalid\n");
}

TEST(ProxyProtocolTest, AHeaderThatDoesNotComeInTimeEndsTheConnection) {
  ProxyProtocolServer server("return x; proxy_protocol_timeout 100ms; access_log s.log f;",
                             "log_format f '$status $close_reason';");
  Socket client = Socket::Connect(server.address());
  client.Send("PROXY TCP4");
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_THAT(
      server.sluice().StopAndGetLog(),
      HasSubstr("client timed out (110: Connection timed out) while reading PROXY protocol"));
  EXPECT_EQ(ReadFile(server.sluice().prefix() + "/s.log"), "200 proxy_header_timeout\n");
}

TEST(ProxyProtocolTest, AClientThatClosesWithoutAByteIsNoError) {
  ProxyProtocolServer server("return x; access_log s.log f;",
                             "log_format f '$status $close_reason';");
  EXPECT_EQ(Ask(server.address(), ""), "");
  EXPECT_EQ(server.sluice().StopAndGetLog().find("[error]"), std::string::npos);
  EXPECT_EQ(ReadFile(server.sluice().prefix() + "/s.log"), "200 client_closed\n");
}

TEST(ProxyProtocolTest, UpstreamsAreToldWhoTheClientIs) {
  TcpServer upstream(Repeat);
  const std::string v1 = FreeAddress();
  const std::string v2 = FreeAddress();
  SluiceProcess sluice(
      absl::Substitute("proxy_half_close on; proxy_protocol on;"
                       "server { listen $0; proxy_pass $2; }"
                       "server { listen $1; proxy_pass $2; proxy_protocol_version 2; }",
                       v1, v2, upstream.address()));
  Socket client = Socket::Connect(v1);
  const std::string source = LocalAddress(client.fd());
  client.Send("hello");
  client.ShutdownWrite();
  const auto port = [](const std::string& address) {
    return address.substr(address.rfind(':') + 1);
  };
  EXPECT_EQ(client.ReceiveToEnd(), absl::StrCat("PROXY TCP4 127.0.0.1 127.0.0.1 ", port(source),
                                                " ", port(v1), "\r\nhello"));
  const std::string heard = Ask(v2, "hello");
  EXPECT_EQ(heard.size(), 28u + 5u);
  EXPECT_EQ(heard.substr(0, 16), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16));
  EXPECT_THAT(heard, EndsWith("hello"));
}

TEST(ProxyProtocolTest, ATlsUpstreamGetsTheHeaderInClearBeforeTheHandshake) {
  const Pki pki;
  const std::string upstream = FreeAddress();
  const NginxProcess nginx(absl::Substitute(
      "server { listen $0 ssl proxy_protocol; ssl_certificate $1; ssl_certificate_key $2; "
      "ssl_protocols TLSv1.3; "
      "return '$$proxy_protocol_addr $$ssl_protocol'; }",
      upstream, pki.File("server.crt"), pki.File("server.key")));
  const ProxyProtocolServer server(absl::StrCat(
      "set_real_ip_from 127.0.0.1; proxy_protocol on; proxy_ssl on; proxy_pass ", upstream, ";"));
  Socket client = Socket::Connect(server.address());
  client.Send(kHeader);
  EXPECT_EQ(client.ReceiveToEnd(), "192.0.2.7 TLSv1.3");
}

TEST(ProxyProtocolTest, TheHeaderIsPassedOnWithTheRealClient) {
  TcpServer upstream(Repeat);
  const ProxyProtocolServer server(absl::StrCat(
      "proxy_half_close on; set_real_ip_from 127.0.0.1; proxy_protocol on; proxy_pass ",
      upstream.address(), ";"));
  EXPECT_EQ(Ask(server.address(), absl::StrCat(kHeader, "hello")),
            absl::StrCat("PROXY TCP4 192.0.2.7 127.0.0.1 1234 ",
                         server.address().substr(server.address().rfind(':') + 1), "\r\nhello"));
}

}  // namespace
}  // namespace sluice::testing
