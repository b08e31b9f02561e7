// A datagram socket that somebody sends to, such as a syslog server's.
#ifndef SLUICE_TESTS_SUPPORT_DATAGRAM_SERVER_H_
#define SLUICE_TESTS_SUPPORT_DATAGRAM_SERVER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {

class DatagramServer {
 public:
  // Binds to an address as the configuration writes it: "127.0.0.1:0" for any free port,
  // "unix:/path", whose file it makes. Aborts the test when that fails.
  explicit DatagramServer(std::string_view address = "127.0.0.1:0");
  // Leaves the file of a Unix socket where it is, as a server that is killed does.
  ~DatagramServer();
  DatagramServer(const DatagramServer&) = delete;
  DatagramServer& operator=(const DatagramServer&) = delete;

  const std::string& address() const { return address_; }

  // The next datagram; waits for kPatience at most, then it is "(nothing came)".
  std::string Receive();
  // What has come by now, without waiting.
  std::vector<std::string> ReceiveAll();

 private:
  std::optional<std::string> TryReceive(int flags);

  int fd_;
  std::string address_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_DATAGRAM_SERVER_H_
