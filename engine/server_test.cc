// The whole life of the process, each time in a child of its own.

#include "engine/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/file_descriptor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

config::Address Loopback(int port) {
  const sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// A TCP socket bound to a port of loopback; `*address` is where.
FileDescriptor Bound(config::Address* address) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  *address = Loopback(0);
  EXPECT_EQ(bind(fd.get(), address->sockaddr_ptr(), address->storage_len), 0);
  sockaddr_in bound;
  socklen_t len = sizeof(bound);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &len), 0);
  *address = Loopback(ntohs(bound.sin_port));
  return fd;
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
    upstream_ = Bound(&upstream_address_);
    // Room for connections that no test accepts.
    EXPECT_EQ(listen(upstream_.get(), 4096), 0);
    config::Address address;
    Bound(&address);  // And closed at once: the port is free.
    plan_.process.daemon = false;
    plan_.process.pid_file = Path("pid");
    plan_.process.error_logs = {{.file = Path("log"), .level = config::LogLevel::kInfo}};
    plan_.process.num_shards = 2;
    plan_.listeners.push_back({.address = address, .server = 0});
    plan_.servers.push_back({.upstream = 0, .error_logs = plan_.process.error_logs});
    plan_.upstreams.push_back({.name = "u", .peers = {{.address = upstream_address_}}});
  }
  ~ServerTest() override {
    if (pid_ > 0) kill(pid_, SIGKILL);
    std::filesystem::remove_all(folder_);
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }

  // Runs the plan in a child, after `prepare` there. Does not wait for anything.
  void Start(const std::function<void()>& prepare = [] {}) {
    int out[2];
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDERR_FILENO);
      prepare();
      Logger logger;
      const int code = RunServer(plan_, logger, [this] {
        while (loader_hangs_) pause();
        return loaded_;
      });
      // Without the test program's own end, but with the leak check where there is one.
      exit(code);
    }
    close(out[1]);
    stderr_ = FileDescriptor(out[0]);
  }

  // Connects to the proxy, trying until it listens.
  FileDescriptor Connect() {
    while (true) {
      FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const config::Address& address = plan_.listeners[0].address;
      if (connect(fd.get(), address.sockaddr_ptr(), address.storage_len) == 0) return fd;
      EXPECT_EQ(errno, ECONNREFUSED);
      if (waitpid(pid_, nullptr, WNOHANG) != 0) {
        ADD_FAILURE() << "the server has ended: " << Stderr();
        return {};
      }
    }
  }

  // A connection through the proxy: the client's and the upstream's end, both working.
  std::pair<FileDescriptor, FileDescriptor> ConnectThrough() {
    FileDescriptor client = Connect();
    FileDescriptor upstream(accept(upstream_.get(), nullptr, nullptr));
    char byte = 0;
    EXPECT_EQ(write(client.get(), "x", 1), 1);
    EXPECT_EQ(read(upstream.get(), &byte, 1), 1);
    EXPECT_EQ(write(upstream.get(), "y", 1), 1);
    EXPECT_EQ(read(client.get(), &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    return {std::move(client), std::move(upstream)};
  }

  // -1: killed by a signal.
  int ExitCode() {
    int status;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // All that the child has written; blocks until it has ended.
  std::string Stderr() {
    std::string text;
    char part[4096];
    ssize_t count;
    while ((count = read(stderr_.get(), part, sizeof(part))) > 0) text.append(part, count);
    return text;
  }

  const std::string folder_ = absl::StrCat("/tmp/server_test.", getpid());
  FileDescriptor upstream_;
  config::Address upstream_address_;
  config::Plan plan_;
  LoadedPlan loaded_;          // What a reload finds,
  bool loader_hangs_ = false;  // if it ever does.
  pid_t pid_ = 0;
  FileDescriptor stderr_;
};

TEST_F(ServerTest, FastStopEndsConnectionsAndCleansUp) {
  for (int signal : {SIGTERM, SIGINT}) {
    Start();
    auto [client, upstream] = ConnectThrough();
    EXPECT_EQ(Read("pid"), absl::StrCat(pid_, "\n"));
    kill(pid_, signal);
    char byte;
    EXPECT_LE(read(client.get(), &byte, 1), 0);
    EXPECT_EQ(ExitCode(), 0);
    EXPECT_FALSE(std::filesystem::exists(Path("pid")));
    EXPECT_THAT(Read("log"), HasSubstr("[notice] "));
    EXPECT_TRUE(Read("log").ends_with(": exit\n"));
    EXPECT_EQ(Stderr(), "");
  }
}

TEST_F(ServerTest, GracefulStopLetsConnectionsEnd) {
  Start();
  auto [client, upstream] = ConnectThrough();
  kill(pid_, SIGQUIT);
  // Refuses new ones. Until all shards have closed their sockets one may still get in, or be reset
  // by the very close.
  int error = 0;
  while (error == 0 || error == ECONNRESET) {
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const config::Address& address = plan_.listeners[0].address;
    error = connect(fd.get(), address.sockaddr_ptr(), address.storage_len) == 0 ? 0 : errno;
  }
  EXPECT_EQ(error, ECONNREFUSED);
  // ... and still carries the old one.
  char byte = 0;
  EXPECT_EQ(write(upstream.get(), "z", 1), 1);
  EXPECT_EQ(read(client.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'z');
  EXPECT_EQ(waitpid(pid_, nullptr, WNOHANG), 0);
  client = FileDescriptor();
  upstream = FileDescriptor();
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(ServerTest, FastStopOvertakesAGracefulOne) {
  Start();
  auto [client, upstream] = ConnectThrough();
  kill(pid_, SIGQUIT);
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(ServerTest, OtherSignalsAreIgnored) {
  Start();
  auto [client, upstream] = ConnectThrough();
  for (int signal : {SIGUSR2, SIGWINCH}) kill(pid_, signal);
  auto [client2, upstream2] = ConnectThrough();
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
  EXPECT_THAT(Read("log"), AllOf(HasSubstr("(SIGUSR2) received, and ignored"),
                                 HasSubstr("(SIGWINCH) received, and ignored")));
}

TEST_F(ServerTest, SighupReloadsInNginxsWords) {
  loaded_.plan = plan_;
  loaded_.messages = {{config::LogLevel::kWarn, "beware"}};
  Start();
  auto [client, upstream] = ConnectThrough();
  kill(pid_, SIGHUP);
  while (Read("log").find(": reconfigured: 1 listeners") == std::string::npos) usleep(1000);
  auto [client2, upstream2] = ConnectThrough();
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
  EXPECT_THAT(Read("log"), AllOf(HasSubstr("signal 1 (SIGHUP) received, reconfiguring\n"),
                                 HasSubstr(": reconfiguring\n"), HasSubstr("[warn]")));
}

TEST_F(ServerTest, StopDoesNotWaitForAReloadThatHangs) {
  loader_hangs_ = true;
  Start();
  auto [client, upstream] = ConnectThrough();
  kill(pid_, SIGHUP);
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
  EXPECT_FALSE(std::filesystem::exists(Path("pid")));
  EXPECT_TRUE(Read("log").ends_with(": exit\n"));
}

TEST_F(ServerTest, Sigusr1ReopensLogsInNginxsWords) {
  Start();
  auto [client, upstream] = ConnectThrough();
  std::filesystem::rename(Path("log"), Path("log.1"));
  kill(pid_, SIGUSR1);
  while (!std::filesystem::exists(Path("log"))) usleep(1000);
  auto [client2, upstream2] = ConnectThrough();
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
  EXPECT_THAT(Read("log.1"), AllOf(HasSubstr("signal 10 (SIGUSR1) received, reopening logs\n"),
                                   HasSubstr(": reopening logs\n")));
  EXPECT_THAT(Read("log"), AllOf(HasSubstr("connected to"), HasSubstr(": exit\n")));
}

TEST_F(ServerTest, LogsCanBeReopenedByTheUserThatSluiceHasBecome) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  plan_.process.user = "nobody";
  Start();
  auto [client, upstream] = ConnectThrough();
  std::filesystem::rename(Path("log"), Path("log.1"));
  // As logrotate's `create` does without arguments: with the owner of the file before.
  struct stat before;
  ASSERT_EQ(stat(Path("log.1").c_str(), &before), 0);
  EXPECT_NE(before.st_uid, 0u);
  std::ofstream(Path("log")) << "";
  ASSERT_EQ(chown(Path("log").c_str(), before.st_uid, before.st_gid), 0);
  kill(pid_, SIGUSR1);
  auto [client2, upstream2] = ConnectThrough();
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
  EXPECT_THAT(Read("log"), HasSubstr(": exit\n"));
  EXPECT_THAT(Read("log.1"), Not(HasSubstr("[emerg]")));
}

TEST_F(ServerTest, AddressInUseFailsWithNginxsWords) {
  plan_.listeners[0].address = upstream_address_;
  Start();
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(Stderr(), HasSubstr(absl::StrCat("sluice: [emerg] bind() to ", upstream_address_.text,
                                               " failed (98: Address already in use)\n")));
  EXPECT_THAT(Read("log"), HasSubstr("[emerg]"));
  EXPECT_FALSE(std::filesystem::exists(Path("pid")));
}

TEST_F(ServerTest, LogThatCannotBeOpenedFails) {
  plan_.servers[0].error_logs = {{.file = Path("missing/log")}};
  Start();
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(Stderr(), HasSubstr(absl::StrCat("[emerg] open() \"", Path("missing/log"))));
}

TEST_F(ServerTest, PidFileThatCannotBeMadeFails) {
  plan_.process.pid_file = Path("missing/pid");
  Start();
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(Stderr(), HasSubstr("missing/pid"));
}

TEST_F(ServerTest, MissingUserFails) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  plan_.process.user = "no-such-user";
  Start();
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(Stderr(), HasSubstr("user \"no-such-user\" does not exist"));
  EXPECT_FALSE(std::filesystem::exists(Path("pid")) && !Read("pid").empty());
}

TEST_F(ServerTest, TooLittleLockedMemoryFailsWithTheCure) {
  if (geteuid() != 0) GTEST_SKIP() << "the limit of this user may be used up by others";
  plan_.process.user = "nobody";
  Start([] {
    const rlimit little = {65536, 65536};
    setrlimit(RLIMIT_MEMLOCK, &little);
  });
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(Stderr(), AllOf(HasSubstr("65536 bytes"), HasSubstr("LimitMEMLOCK=infinity")));
}

TEST_F(ServerTest, DaemonsCommandReturnsWhenItServes) {
  plan_.process.daemon = true;
  Start();
  EXPECT_EQ(ExitCode(), 0);
  // At once, without trying again.
  FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const config::Address& address = plan_.listeners[0].address;
  EXPECT_EQ(connect(client.get(), address.sockaddr_ptr(), address.storage_len), 0);
  pid_t daemon = 0;
  std::stringstream(Read("pid")) >> daemon;
  ASSERT_GT(daemon, 0);
  kill(daemon, SIGTERM);
  // Its stderr ends with it.
  EXPECT_EQ(Stderr(), "");
}

TEST_F(ServerTest, DaemonsCommandFailsWithTheDaemonsError) {
  plan_.process.daemon = true;
  plan_.listeners[0].address = upstream_address_;
  Start();
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(Stderr(), HasSubstr("(98: Address already in use)"));
}

}  // namespace
}  // namespace sluice::engine
