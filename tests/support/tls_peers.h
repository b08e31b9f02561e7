// TLS upstreams that we did not write: Debian's nginx and OpenSSL's s_server.
#ifndef SLUICE_TESTS_SUPPORT_TLS_PEERS_H_
#define SLUICE_TESTS_SUPPORT_TLS_PEERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/nginx_process.h"

namespace sluice::testing {

// nginx as a TLS server: ends TLS and hands the bytes to a plain service, usually an echo.
class NginxTlsUpstream {
 public:
  // `ssl` are more directives of its server block, at least ssl_certificate and
  // ssl_certificate_key. Waits until it listens.
  NginxTlsUpstream(std::string_view plain_address, std::string_view ssl);

  const std::string& address() const { return address_; }
  // Waits until `count` connections have ended and returns a line for each:
  // "<protocol> <cipher> <resumed: r or .> <subject of the client's certificate>".
  std::vector<std::string> WaitForConnections(int count) const;

 private:
  const std::string address_;
  NginxProcess nginx_;
};

// `openssl s_server`: one connection at a time, answers each line reversed.
class OpensslServer {
 public:
  // `arguments` follow `openssl s_server -rev`, at least -cert and -key. Waits until it listens.
  explicit OpensslServer(const std::vector<std::string>& arguments);

  const std::string& address() const { return address_; }
  // What it has printed.
  std::string Output() const { return child_.Output(); }
  bool WaitForOutput(std::string_view text) { return child_.WaitForOutput(text); }

 private:
  ChildProcess child_;
  std::string address_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_TLS_PEERS_H_
