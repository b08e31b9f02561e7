// What both make of PROXY headers, and what both put on the wire.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"

namespace sluice::testing {
namespace {

// What the server `directives` answers to `bytes`, as `Proxy` runs it; its own port and the
// client's as words.
template <class Proxy>
std::string Answer(std::string_view listen, std::string_view directives, std::string_view bytes) {
  const std::string address = FreeAddress();
  const Proxy proxy(absl::Substitute("proxy_half_close on; server { listen $0 $1; $2 }", address,
                                     listen, directives));
  Socket client = Socket::Connect(address);
  const auto port = [](const std::string& text) { return text.substr(text.rfind(':') + 1); };
  const std::string client_port = port(LocalAddress(client.fd()));
  client.Send(bytes);
  client.ShutdownWrite();
  return absl::StrReplaceAll(client.ReceiveToEnd(),
                             {{port(address), "SERVER"}, {client_port, "CLIENT"}});
}

void ExpectAlike(std::string_view listen, std::string_view directives, std::string_view bytes) {
  EXPECT_EQ(Answer<SluiceProcess>(listen, directives, bytes),
            Answer<NginxProcess>(listen, directives, bytes))
      << bytes;
}

TEST(ProxyProtocolTest, HeadersAreReadAlike) {
  constexpr std::string_view kReturn =
      "set_real_ip_from 127.0.0.1;"
      "return '$proxy_protocol_addr:$proxy_protocol_port:$proxy_protocol_server_addr:"
      "$proxy_protocol_server_port:$remote_addr:$remote_port:$realip_remote_addr';";
  const std::string v2("\r\n\r\n\0\r\nQUIT\n", 12);
  for (const std::string& bytes : std::vector<std::string>{
           "PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n",
           "PROXY TCP6 2001:db8::7 2001:db8::1 1234 443\r\n",
           "PROXY UNKNOWN\r\n",
           "PROXY UNKNOWN ::1 ::2 3 4\r\n",
           v2 + std::string("\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb", 16),
           v2 + std::string("\x20\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb", 16),
           v2 + std::string("\x21\x00\x00\x00", 4),
           v2 + std::string("\x21\x12\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb", 16),
           "PROXY TCP4 192.0.2.7 198.51.100.1 1234\r\n",
           "GET / HTTP/1.0\r\n\r\n",
           v2 + std::string("\x11\x11\x00\x00", 4),
           v2 + std::string("\x21\x11\x00\x02\x01\x02", 6),
       }) {
    ExpectAlike("proxy_protocol", kReturn, bytes);
  }
}

TEST(ProxyProtocolTest, HeadersAreSentAlike) {
  TcpServer upstream([](Socket& socket) { socket.Send(socket.ReceiveToEnd()); });
  const std::string pass = absl::StrCat("proxy_pass ", upstream.address(), ";");
  ExpectAlike("", "proxy_protocol on; " + pass, "hello");
  constexpr std::string_view kHeader = "PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n";
  ExpectAlike("proxy_protocol", "proxy_protocol on; " + pass, absl::StrCat(kHeader, "hello"));
  ExpectAlike("proxy_protocol", "proxy_protocol on; set_real_ip_from 127.0.0.1; " + pass,
              absl::StrCat(kHeader, "hello"));
}

}  // namespace
}  // namespace sluice::testing
