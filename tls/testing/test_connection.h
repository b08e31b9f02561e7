// One end of a TLS connection in memory, for tests of the other: BoringSSL's own, so that it is
// right where ours may be wrong. TestServer and TestClient make them.
//
// Every function that may have something to say returns the ciphertext to be carried to the peer,
// in order; the test decides how it is cut, delayed or lost. Nothing here blocks, and nothing
// depends on the clock but the lifetime of tickets.
#ifndef SLUICE_TLS_TESTING_TEST_CONNECTION_H_
#define SLUICE_TLS_TESTING_TEST_CONNECTION_H_

#include <openssl/base.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tls {

class TestConnection {
 public:
  ~TestConnection();

  // Goes on with the handshake, or reads. Takes everything in; a failure shows in error(). A client
  // begins with nothing to take in.
  std::vector<uint8_t> Feed(std::span<const uint8_t> from_peer);
  // The functions below need handshake_done().
  std::vector<uint8_t> Write(std::string_view plaintext);
  std::vector<uint8_t> CloseNotify();
  // TLS 1.3: new keys for what this end writes; `ask_back`: and for what the peer does.
  std::vector<uint8_t> KeyUpdate(bool ask_back);
  std::vector<uint8_t> FatalAlert(uint8_t alert);
  // A server's, TLS 1.2 with AES-128-GCM only: asks for a renegotiation. The connection is of no
  // use afterwards.
  std::vector<uint8_t> HelloRequest();

  // What the peer has sent since the last call.
  std::string TakePlaintext();

  bool handshake_done() const;
  bool close_notify_received() const { return close_notify_received_; }
  bool resumed() const;
  // Empty: nothing has failed. An alert of the peer is "...:SSL alert number N".
  const std::string& error() const { return error_; }
  std::string server_name() const;            // SNI; empty: none.
  std::string client_certificate_cn() const;  // Empty: none was presented.
  bool is_client() const;
  // A client's: what the latest ticket is for (TLS 1.2: or the session itself). Null: none has
  // come.
  SSL_SESSION* session() const { return session_.get(); }
  SSL* ssl() const { return ssl_.get(); }

 private:
  friend class TestClient;
  friend class TestServer;
  explicit TestConnection(SSL_CTX* ssl_ctx);

  void Read();
  std::vector<uint8_t> TakeOutput();

  bssl::UniquePtr<SSL> ssl_;
  bssl::UniquePtr<SSL_SESSION> session_;
  std::string plaintext_;
  std::string error_;
  bool close_notify_received_ = false;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_TESTING_TEST_CONNECTION_H_
