#include "config/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "config/endpoint.h"

namespace sluice::config {
namespace {

TEST(AddressFromSockaddr, PrintsAsNginxDoes) {
  EXPECT_EQ(IpAddress("127.0.0.1", 12345).text, "127.0.0.1:12345");
  EXPECT_EQ(IpAddress("0:0:0:0:0:0:0:1", 443).text, "[::1]:443");
  EXPECT_EQ(UnixAddress("/run/x.sock").text, "unix:/run/x.sock");
}

TEST(AddressFromSockaddr, KeepsWhatTheKernelNeeds) {
  const Address address = IpAddress("192.0.2.1", 80);
  EXPECT_EQ(address.family(), AF_INET);
  EXPECT_EQ(address.storage_len, sizeof(sockaddr_in));
  const auto* ip4 = reinterpret_cast<const sockaddr_in*>(address.sockaddr_ptr());
  EXPECT_EQ(ntohs(ip4->sin_port), 80);
}

TEST(AddressFromSockaddr, TakesAnUnnamedUnixPeer) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  sockaddr_storage peer;
  socklen_t len = sizeof(peer);
  ASSERT_EQ(getpeername(fds[0], reinterpret_cast<sockaddr*>(&peer), &len), 0);
  EXPECT_EQ(AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&peer), len).text, "unix:");
  close(fds[0]);
  close(fds[1]);
}

TEST(AddressFromSockaddr, TakesAnAbstractNameAndAFullPath) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, "\0name", 5);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  EXPECT_EQ(AddressFromSockaddr(generic, offsetof(sockaddr_un, sun_path) + 5).text, "unix:@name");

  // The kernel lets a path fill sun_path without a NUL (unix(7)).
  memset(address.sun_path, 'x', sizeof(address.sun_path));
  EXPECT_EQ(AddressFromSockaddr(generic, sizeof(address)).text,
            "unix:" + std::string(sizeof(address.sun_path), 'x'));
}

TEST(AddressFromSockaddr, SurvivesAnUnknownFamily) {
  const sockaddr address = {.sa_family = 12345, .sa_data = {}};
  EXPECT_EQ(AddressFromSockaddr(&address, sizeof(address)).text, "unknown");
}

TEST(Address, ComparesByText) {
  EXPECT_EQ(IpAddress("::1", 1), IpAddress("0::1", 1));
  EXPECT_FALSE(IpAddress("::1", 1) == IpAddress("::1", 2));
}

}  // namespace
}  // namespace sluice::config
