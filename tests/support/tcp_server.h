// A plain TCP (or unix) service inside the test: a thread for each connection runs the test's code.
#ifndef SLUICE_TESTS_SUPPORT_TCP_SERVER_H_
#define SLUICE_TESTS_SUPPORT_TCP_SERVER_H_

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "tests/support/socket.h"

namespace sluice::testing {

class TcpServer {
 public:
  // Called once for each connection, in a thread of its own. The socket is closed when it returns,
  // and never by the handler itself: the destructor may be about to break it off.
  using Handler = std::function<void(Socket&)>;

  // Listens at once; connections are served until the object ends.
  explicit TcpServer(Handler handler, std::string_view address = "127.0.0.1:0");
  // Breaks off what is still open and waits for the handlers.
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // As the configuration writes it: "127.0.0.1:40001".
  const std::string& address() const { return address_; }
  int num_accepted() const { return num_accepted_; }

 private:
  struct Connection {
    explicit Connection(int fd) : socket(fd) {}
    Socket socket;
    std::thread thread;
    bool finished = false;  // Under mutex_: the handler has returned and the socket is closed.
  };

  void AcceptAll();
  void Serve(Connection& connection);

  const Handler handler_;
  const int listener_;
  const std::string address_;
  std::atomic<int> num_accepted_ = 0;
  std::mutex mutex_;
  std::list<Connection> connections_;  // Grows and shrinks in acceptor_ only.
  std::thread acceptor_;
};

// Sends back all that comes, then finishes its own direction when the client has.
void Echo(Socket& socket);

// Reads all and answers nothing.
void Sink(Socket& socket);

// A handler that says `greeting` and finishes.
TcpServer::Handler Greet(std::string greeting);

// A listening socket whose queue is full: the kernel drops every further SYN, so connect() to it
// neither succeeds nor fails.
class BlackHole {
 public:
  BlackHole();
  ~BlackHole();
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

  const std::string& address() const { return address_; }

 private:
  const int listener_;
  const std::string address_;
  std::list<Socket> queued_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_TCP_SERVER_H_
