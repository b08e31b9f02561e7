// A TLS echo service: what stands behind sluice in the demo, where it demands a client certificate,
// and in benchmarks.
//
//   demo_upstream --certificate=server.crt --key=server.key [--client_ca=ca.crt]
//
// Listens on a free port of 127.0.0.1 and prints "port N". For each connection that ends it prints
//   connection protocol=TLSv1.2 cipher=ECDHE-RSA-AES128-GCM-SHA256 resumed=yes bytes=262144
// or
//   refused reason="..."
// Ends with 0 at SIGTERM or SIGINT.
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"

ABSL_FLAG(std::string, certificate, "", "PEM file with the server's certificate and its chain.");
ABSL_FLAG(std::string, key, "", "PEM file with the server's private key.");
ABSL_FLAG(std::string, client_ca, "",
          "PEM file with the CA that client certificates must be from. Empty: none is asked for.");

namespace sluice::tools {
namespace {

constexpr size_t kBufferBytes = 65536;
constexpr int kBacklog = 511;

// Says what failed and ends the program: a demo has nothing to fall back to.
[[noreturn]] void Fail(const std::string& what, const char* why) {
  std::fprintf(stderr, "demo_upstream: %s: %s\n", what.c_str(), why);
  std::exit(1);
}

std::string TlsErrorText() {
  const uint32_t error = ERR_get_error();
  if (error == 0) {
    return "closed during the handshake";
  }
  std::array<char, 256> text;
  ERR_error_string_n(error, text.data(), text.size());
  return text.data();
}

bssl::UniquePtr<SSL_CTX> MakeContext() {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  const std::string certificate = absl::GetFlag(FLAGS_certificate);
  const std::string key = absl::GetFlag(FLAGS_key);
  const std::string client_ca = absl::GetFlag(FLAGS_client_ca);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) {
    Fail("--certificate=" + certificate, TlsErrorText().c_str());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    Fail("--key=" + key, TlsErrorText().c_str());
  }
  // Without a session id context nothing is resumed when client certificates are verified.
  static constexpr uint8_t kSessionIdContext[] = "demo_upstream";
  SSL_CTX_set_session_id_context(context.get(), kSessionIdContext, sizeof(kSessionIdContext));
  if (client_ca.empty()) return context;
  if (SSL_CTX_load_verify_locations(context.get(), client_ca.c_str(), nullptr) != 1) {
    Fail("--client_ca=" + client_ca, TlsErrorText().c_str());
  }
  SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(client_ca.c_str()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

// Returns how many bytes came and went back until the client closed.
uint64_t Echo(SSL* ssl) {
  std::array<uint8_t, kBufferBytes> buffer;
  uint64_t echoed_bytes = 0;
  for (;;) {
    const int received = SSL_read(ssl, buffer.data(), buffer.size());
    if (received <= 0 || SSL_write(ssl, buffer.data(), received) != received) {
      return echoed_bytes;
    }
    echoed_bytes += received;
  }
}

// Owns `fd`. One printf a connection: stdio keeps lines of several threads whole.
void Serve(SSL_CTX* context, int fd) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  SSL_set_fd(ssl.get(), fd);
  if (SSL_accept(ssl.get()) == 1) {
    const uint64_t echoed_bytes = Echo(ssl.get());
    std::printf("connection protocol=%s cipher=%s resumed=%s bytes=%llu\n",
                SSL_get_version(ssl.get()), SSL_get_cipher_name(ssl.get()),
                SSL_session_reused(ssl.get()) ? "yes" : "no",
                static_cast<unsigned long long>(echoed_bytes));
    SSL_shutdown(ssl.get());
  } else {
    std::printf("refused reason=\"%s\"\n", TlsErrorText().c_str());
  }
  std::fflush(stdout);
  close(fd);
}

// Listens on a free port of 127.0.0.1 and prints which one.
int Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t address_len = sizeof(address);
  sockaddr* const generic_address = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic_address, address_len) != 0 || listen(fd, kBacklog) != 0 ||
      getsockname(fd, generic_address, &address_len) != 0) {
    Fail("listen on 127.0.0.1", std::strerror(errno));
  }
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// Must come before the first thread, which would inherit the signals unblocked.
int MakeStopSignalFd() {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  sigprocmask(SIG_BLOCK, &stop_signals, nullptr);
  return signalfd(-1, &stop_signals, SFD_CLOEXEC);
}

int Run(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  const bssl::UniquePtr<SSL_CTX> context = MakeContext();
  const int stop_signal = MakeStopSignalFd();
  const int listener = Listen();
  for (;;) {
    std::array<pollfd, 2> ready = {pollfd{.fd = listener, .events = POLLIN},
                                   pollfd{.fd = stop_signal, .events = POLLIN}};
    poll(ready.data(), ready.size(), -1);
    if (ready[1].revents != 0) {
      std::fflush(stdout);
      // Connections may still be open, each in a thread that blocks on its client.
      std::_Exit(0);
    }
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      Fail("accept", std::strerror(errno));
    }
    std::thread(Serve, context.get(), fd).detach();
  }
}

}  // namespace
}  // namespace sluice::tools

int main(int argc, char** argv) { return sluice::tools::Run(argc, argv); }
