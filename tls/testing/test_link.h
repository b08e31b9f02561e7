// A client Session and a TestServer's connection with the bytes between them: what a caller that
// does everything right does, with bytes cut as small as a test likes.
#ifndef SLUICE_TLS_TESTING_TEST_LINK_H_
#define SLUICE_TLS_TESTING_TEST_LINK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tls/session.h"
#include "tls/testing/test_server.h"

namespace sluice::tls {

// Aborts if `settings` cannot be used.
std::unique_ptr<Context> MakeContext(const Settings& settings);

class TestLink {
 public:
  // All three outlive the link. `tickets` may be null.
  TestLink(const Context& context, TicketPool* tickets, TestServer& server, int shard = 0);

  // The most that one step is given of arrived bytes, of room for ciphertext and for plaintext.
  // All of it is fresh memory each time, just as large as said.
  size_t input_bytes = 1 << 16;
  size_t output_bytes = 1 << 16;
  size_t plaintext_bytes = 1 << 16;

  // Each takes as many steps as it needs and carries everything that is produced to the server at
  // once. Ends when no step changes anything any more, with the last step's outcome.
  Outcome Handshake();
  // Takes in all that is on its way to the client and appends what it opens to opened().
  Outcome Open();
  Outcome Seal(std::string_view plaintext);
  Outcome Shutdown();

  // Handshake, then the server says "hello" and the client reads it, with the tickets before it.
  // True if all that went well.
  bool Greet();

  // Bytes that the server has sent and the client has not yet used.
  std::vector<uint8_t>& to_client() { return to_client_; }
  void Send(const std::vector<uint8_t>& from_server);
  const std::string& opened() const { return opened_; }

  Session& session() { return *session_; }
  TestServerConnection& server() { return *server_; }

 private:
  template <typename Step>
  Outcome Run(Step step);

  std::unique_ptr<Session> session_;
  std::unique_ptr<TestServerConnection> server_;
  std::vector<uint8_t> to_client_;
  std::string opened_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TESTING_TEST_LINK_H_
