#include "tests/support/tls_peers.h"

#include "absl/log/check.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"

namespace sluice::testing {

NginxTlsUpstream::NginxTlsUpstream(std::string_view plain_address, std::string_view ssl)
    : address_(FreeAddress()),
      nginx_(absl::Substitute(
          "log_format connection '$$ssl_protocol $$ssl_cipher $$ssl_session_reused "
          "$$ssl_client_s_dn';\n"
          "access_log connections.log connection;\n"
          "server { listen $0 ssl backlog=4096; proxy_pass $1; $2 }\n",
          address_, plain_address, ssl)) {}

std::vector<std::string> NginxTlsUpstream::WaitForConnections(int count) const {
  const std::string log = nginx_.File("connections.log");
  CHECK(Eventually([&] { return CountOccurrences(ReadFile(log), "\n") >= count; }))
      << "of " << count << " connections only these ended:\n"
      << ReadFile(log);
  return absl::StrSplit(ReadFile(log), '\n', absl::SkipEmpty());
}

OpensslServer::OpensslServer(const std::vector<std::string>& arguments)
    : child_([&] {
        std::vector<std::string> argv = {"openssl", "s_server", "-rev", "-accept", "127.0.0.1:0"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return argv;
      }()) {
  // "ACCEPT 127.0.0.1:40001"
  constexpr std::string_view kListening = "ACCEPT ";
  CHECK(Eventually([&] {
    const std::string output = child_.Output();
    const size_t at = output.find(kListening);
    const size_t end = at == output.npos ? output.npos : output.find('\n', at);
    if (end == output.npos) {
      return false;
    }
    address_ = output.substr(at + kListening.size(), end - at - kListening.size());
    return true;
  })) << "openssl s_server does not start:\n"
      << child_.Output();
}

}  // namespace sluice::testing
