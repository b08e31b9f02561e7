#include "tests/support/tcp_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/socket.h"

namespace sluice::testing {
namespace {

TEST(TcpServerTest, EchoGivesBackWhatCameAndThenFin) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    TcpServer server(Echo, address);
    Socket client = Socket::Connect(server.address());
    EXPECT_TRUE(client.SendPattern(1, 100'000));
    EXPECT_EQ(100'000u, client.ReceivePattern(1, 100'000));
    client.ShutdownWrite();
    EXPECT_EQ("", client.ReceiveToEnd());
    EXPECT_EQ(End::kFin, client.end());
    EXPECT_EQ(1, server.num_accepted());
  }
}

TEST(TcpServerTest, ReceivePatternStopsAtTheFirstWrongByte) {
  TcpServer server(Echo);
  Socket client = Socket::Connect(server.address());
  EXPECT_TRUE(client.SendPattern(1, 1000));
  EXPECT_EQ(0u, client.ReceivePattern(2, 1000));
}

TEST(TcpServerTest, ResetOnCloseIsSeenAsReset) {
  TcpServer server([](Socket& socket) {
    socket.Receive(1);
    socket.ResetOnClose();
  });
  Socket client = Socket::Connect(server.address());
  EXPECT_TRUE(client.Send("x"));
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_EQ(End::kReset, client.end());
}

TEST(TcpServerTest, EndsWhileConnectionsAreOpen) {
  auto server = std::make_unique<TcpServer>(Sink);
  Socket client = Socket::Connect(server->address());
  EXPECT_TRUE(client.Send("x"));
  server.reset();
  client.ReceiveToEnd();
  EXPECT_NE(End::kPatience, client.end());
}

TEST(BlackHoleTest, NeitherAcceptsNorRefuses) {
  BlackHole hole;
  const int port = std::stoi(hole.address().substr(hole.address().rfind(':') + 1));
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(port);
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Socket client(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(-1, connect(client.fd(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)));
  ASSERT_EQ(EINPROGRESS, errno);
  pollfd ready = {.fd = client.fd(), .events = POLLOUT};
  EXPECT_EQ(0, poll(&ready, 1, /*timeout_ms=*/200)) << "connected or refused";
}

}  // namespace
}  // namespace sluice::testing
