#include "engine/listener_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/listener_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"

namespace sluice::engine {
namespace {

using sluice::testing::FreePort;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

config::Address Loopback(int port) {
  const sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

config::Address Loopback6(int port) {
  const sockaddr_in6 address = {
      .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

config::Address Unix(const std::string& path) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

int GetOption(const FileDescriptor& fd, int level, int option) {
  int value = -1;
  socklen_t len = sizeof(value);
  EXPECT_EQ(getsockopt(fd.get(), level, option, &value, &len), 0);
  return value;
}

bool CanConnect(const config::Address& address) {
  FileDescriptor fd(socket(address.family(), SOCK_STREAM, 0));
  return connect(fd.get(), address.sockaddr_ptr(), address.storage_len) == 0;
}

class ListenerSocketsTest : public ::testing::Test {
 protected:
  ListenerSocketsTest() : sockets_(std::make_unique<ListenerSockets>()) {
    unlink(path_.c_str());
    plan_.servers.resize(1);
    plan_.process.num_shards = 2;
  }

  config::Listener& AddListener(const config::Address& address) {
    return plan_.listeners.emplace_back(config::Listener{.address = address, .server = 0});
  }

  // Not in TempDir(), whose name can be longer than sun_path.
  const std::string path_ = absl::StrCat("/tmp/listener_sockets_test.", getpid());
  Logger logger_;
  config::Plan plan_;
  std::unique_ptr<ListenerSockets> sockets_;
};

TEST_F(ListenerSocketsTest, EachShardHasItsOwnSocketOfEachTcpAddress) {
  const int port = FreePort();
  AddListener(Loopback(port));
  AddListener(Loopback6(port));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  for (int shard = 0; shard < 2; ++shard) {
    const std::vector<FileDescriptor> sockets = sockets_->Take(shard);
    ASSERT_THAT(sockets, SizeIs(2));
    for (const FileDescriptor& fd : sockets) {
      EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
      EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_REUSEPORT), 1);
      EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
    }
    EXPECT_EQ(GetOption(sockets[0], SOL_SOCKET, SO_DOMAIN), AF_INET);
    EXPECT_EQ(GetOption(sockets[1], SOL_SOCKET, SO_DOMAIN), AF_INET6);
  }
}

TEST_F(ListenerSocketsTest, OptionsOfListenAreSet) {
  config::Listener& listener = AddListener(Loopback(FreePort()));
  listener.rcvbuf_bytes = 50'000;
  listener.sndbuf_bytes = 60'000;
  listener.fastopen_queue = 7;
  listener.deferred = true;
  listener.keepalive = {config::Keepalive::Mode::kOn, 11, 12, 13};
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  const FileDescriptor fd = std::move(sockets_->Take(1)[0]);
  // The kernel doubles these, see socket(7).
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_RCVBUF), 100'000);
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_SNDBUF), 120'000);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_FASTOPEN), 7);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL), 12);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_KEEPCNT), 13);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(ListenerSocketsTest, DefaultsLeaveTheSystemsSettings) {
  plan_.servers[0].tcp_nodelay = false;
  AddListener(Loopback(FreePort()));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  const FileDescriptor fd = std::move(sockets_->Take(0)[0]);
  const FileDescriptor plain(socket(AF_INET, SOCK_STREAM, 0));
  for (int option : {SO_RCVBUF, SO_SNDBUF, SO_KEEPALIVE}) {
    EXPECT_EQ(GetOption(fd, SOL_SOCKET, option), GetOption(plain, SOL_SOCKET, option));
  }
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

TEST_F(ListenerSocketsTest, WildcardAndASpecificAddressOfOnePortGoTogether) {
  const int port = FreePort();
  const sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  AddListener(config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&any), sizeof(any)));
  AddListener(Loopback(port));
  EXPECT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
}

TEST_F(ListenerSocketsTest, AddressOfAnotherSluiceIsInUse) {
  AddListener(Loopback(FreePort()));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  ListenerSockets second;
  EXPECT_THAT(second.Open(plan_, logger_),
              ElementsAre(absl::StrCat("bind() to ", plan_.listeners[0].address.text,
                                       " failed (98: Address already in use)")));
}

TEST_F(ListenerSocketsTest, EveryAddressThatFailsIsTold) {
  AddListener(Loopback(FreePort()));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  // TEST-NET-1 of RFC 5737: not an address of ours.
  sockaddr_in foreign = {.sin_family = AF_INET, .sin_port = htons(FreePort())};
  ASSERT_EQ(inet_pton(AF_INET, "192.0.2.1", &foreign.sin_addr), 1);
  AddListener(
      config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&foreign), sizeof(foreign)));
  AddListener(Unix("/tmp/missing.listener_sockets_test/sock"));
  ListenerSockets second;
  EXPECT_THAT(
      second.Open(plan_, logger_),
      ElementsAre(HasSubstr("(98: "), AllOf(HasSubstr("bind() to 192.0.2.1:"), HasSubstr("(99: ")),
                  AllOf(HasSubstr("/tmp/missing.listener_sockets_test/sock"), HasSubstr("(2: "))));
}

TEST_F(ListenerSocketsTest, UnixSocketIsSharedByTheShardsAndOpenToAll) {
  AddListener(Unix(path_));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  struct stat a, b, file;
  const std::vector<FileDescriptor> first = sockets_->Take(0);
  const std::vector<FileDescriptor> second = sockets_->Take(1);
  ASSERT_EQ(fstat(first[0].get(), &a), 0);
  ASSERT_EQ(fstat(second[0].get(), &b), 0);
  EXPECT_EQ(a.st_ino, b.st_ino);
  EXPECT_NE(first[0].get(), second[0].get());
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0666u);
  EXPECT_TRUE(CanConnect(plan_.listeners[0].address));
}

TEST_F(ListenerSocketsTest, UnixSocketFileGoesWithItsOwner) {
  AddListener(Unix(path_));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(path_));
  sockets_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListenerSocketsTest, OnlyAddressesThatThePlanBeforeLacksAreOpened) {
  AddListener(Loopback(FreePort()));
  AddListener(Unix(path_));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  const std::vector<FileDescriptor> first = sockets_->Take(0);
  sockets_->Take(1);
  const config::Plan before = plan_;
  plan_.listeners.insert(plan_.listeners.begin(), {.address = Loopback(FreePort()), .server = 0});
  ASSERT_THAT(sockets_->Open(plan_, logger_, &before), IsEmpty());
  const std::vector<FileDescriptor> second = sockets_->Take(1);
  EXPECT_TRUE(second[0].valid());
  EXPECT_FALSE(second[1].valid());
  EXPECT_FALSE(second[2].valid());
}

TEST_F(ListenerSocketsTest, WhenOneAddressFailsNothingNewIsLeftAndNothingOldHarmed) {
  const config::Listener kept = AddListener(Loopback(FreePort()));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  const std::vector<FileDescriptor> first = sockets_->Take(0);
  const config::Plan before = plan_;
  const config::Listener added = AddListener(Loopback(FreePort()));
  AddListener(Unix(path_));
  AddListener(Unix("/tmp/missing.listener_sockets_test/sock"));
  EXPECT_THAT(sockets_->Open(plan_, logger_, &before), ElementsAre(HasSubstr("(2: ")));
  EXPECT_FALSE(CanConnect(added.address));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(CanConnect(kept.address));
}

TEST_F(ListenerSocketsTest, FilesGoWithTheListenersThatAPlanDoesNotHave) {
  AddListener(Unix(path_));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  sockets_->Take(0);
  sockets_->RemoveFilesExcept(plan_);
  EXPECT_TRUE(std::filesystem::exists(path_));
  sockets_->RemoveFilesExcept({});
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListenerSocketsTest, OptionsOfASocketThatListensCanChange) {
  AddListener(Loopback(FreePort()));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  const FileDescriptor fd = std::move(sockets_->Take(0)[0]);
  config::Listener now = plan_.listeners[0];
  config::Server server = plan_.servers[0];
  now.rcvbuf_bytes = 50'000;
  now.fastopen_queue = 7;
  now.deferred = true;
  now.backlog = 3;
  now.keepalive = {config::Keepalive::Mode::kOn, 11, 12, 13};
  server.tcp_nodelay = false;
  ASSERT_TRUE(
      UpdateListenerOptions(fd.get(), plan_.listeners[0], plan_.servers[0], now, server).ok());
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_RCVBUF), 100'000);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_FASTOPEN), 7);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  tcp_info info = {};
  socklen_t len = sizeof(info);
  ASSERT_EQ(getsockopt(fd.get(), IPPROTO_TCP, TCP_INFO, &info, &len), 0);
  EXPECT_EQ(info.tcpi_sacked, 3u);  // Of a socket that listens: the backlog.
  // And back again.
  ASSERT_TRUE(
      UpdateListenerOptions(fd.get(), now, server, plan_.listeners[0], plan_.servers[0]).ok());
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(ListenerSocketsTest, StaleUnixSocketIsReplaced) {
  const config::Address address = Unix(path_);
  {
    FileDescriptor dead(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(dead.get(), address.sockaddr_ptr(), address.storage_len), 0);
    ASSERT_EQ(listen(dead.get(), 1), 0);
  }
  AddListener(address);
  EXPECT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  EXPECT_TRUE(CanConnect(address));
}

TEST_F(ListenerSocketsTest, UnixSocketInUseIsLeftAlone) {
  AddListener(Unix(path_));
  ASSERT_THAT(sockets_->Open(plan_, logger_), IsEmpty());
  {
    ListenerSockets second;
    EXPECT_THAT(second.Open(plan_, logger_), ElementsAre(HasSubstr("(98: ")));
  }
  EXPECT_TRUE(CanConnect(plan_.listeners[0].address));
}

TEST_F(ListenerSocketsTest, FileThatIsNoSocketIsNeverRemoved) {
  std::ofstream(path_) << "precious";
  AddListener(Unix(path_));
  EXPECT_THAT(sockets_->Open(plan_, logger_), ElementsAre(HasSubstr("(98: ")));
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
  unlink(path_.c_str());
}

}  // namespace
}  // namespace sluice::engine
