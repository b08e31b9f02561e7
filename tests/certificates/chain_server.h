// A TLS server on a real socket that presents whatever chain it is told to, with whatever key, and
// keeps account of what its clients did.
//
// BoringSSL's server would not take a key that is not the certificate's; it gets a signing function
// instead and asks no questions.
#ifndef SLUICE_TESTS_CERTIFICATES_CHAIN_SERVER_H_
#define SLUICE_TESTS_CERTIFICATES_CHAIN_SERVER_H_

#include <openssl/base.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/certificates/case.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tls/settings.h"

namespace sluice::testing {

class ChainServer {
 public:
  // One connection that has ended.
  struct Attempt {
    bool session_offered = false;  // The client came with a ticket.
    bool resumed = false;
    bool handshake_done = false;
    std::string plaintext;  // What the client sent; echoed.
  };

  // Listens on `address` and speaks `version` only.
  ChainServer(tls::Version version, std::string_view address);
  ~ChainServer();

  enum class Tickets { kGiven, kNone };
  // What connections that come from now on are shown. With kNone no ticket is accepted either, and
  // those given before are worth nothing.
  void Show(const Presented& presented, Tickets tickets);
  // As kGiven does, but tickets given before stay good: the same server with a new certificate.
  void Renew(const Presented& presented);

  const std::string& address() const { return server_.address(); }
  // The first `count` connections, once that many have ended.
  std::vector<Attempt> WaitForAttempts(size_t count) const;

 private:
  struct Face;  // What is shown: an SSL_CTX and the key it signs with.

  void Serve(Socket& socket);

  const tls::Version version_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Face> face_;  // Under mutex_.
  std::vector<Attempt> attempts_;     // Under mutex_.
  TcpServer server_;                  // The last member: its threads use the others.
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_CERTIFICATES_CHAIN_SERVER_H_
