#include "tests/support/tls_peers.h"

#include <signal.h>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"

namespace sluice::testing {
namespace {

// One process in the foreground, all it needs in `$0`.
constexpr char kNginxConfig[] = R"(
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid $0/nginx.pid;
error_log stderr notice;
worker_rlimit_nofile 20000;
events { worker_connections 8192; }
stream {
    log_format connection '$$ssl_protocol $$ssl_cipher $$ssl_session_reused $$ssl_client_s_dn';
    access_log $0/connections.log connection;
    server {
        listen $1 ssl backlog=4096;
        proxy_pass $2;
        $3
    }
}
)";

}  // namespace

NginxTlsUpstream::NginxTlsUpstream(std::string_view plain_address, std::string_view ssl)
    : address_(FreeAddress()),
      child_({"/usr/sbin/nginx", "-e", "stderr", "-c",
              dir_.Write("nginx.conf", absl::Substitute(kNginxConfig, dir_.path(), address_,
                                                        plain_address, ssl))}) {
  // Said once its sockets listen.
  CHECK(child_.WaitForOutput("event method")) << "nginx does not start:\n" << child_.Output();
}

NginxTlsUpstream::~NginxTlsUpstream() {
  child_.Signal(SIGTERM);
  child_.Wait();
}

std::vector<std::string> NginxTlsUpstream::WaitForConnections(int count) const {
  const std::string log = dir_.File("connections.log");
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
