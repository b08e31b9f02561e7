// sluice as a process: signals, pid file, command line, limits, and a kernel that says no.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

std::string Front(const std::string& address, const TcpServer& upstream) {
  return absl::StrCat("server { listen ", address, "; proxy_pass ", upstream.address(), "; }");
}

// Whether `client`'s stream still carries bytes both ways.
bool Lives(Socket& client) { return client.Send("x") && client.Receive(1) == "x"; }

class StopTest : public ::testing::Test {
 protected:
  TcpServer upstream_{Echo};
  const std::string address_ = FreeAddress();
  SluiceProcess sluice_{Front(address_, upstream_)};
  Socket client_ = Socket::Connect(address_);

  void ExpectFastStop() {
    EXPECT_EQ("", client_.ReceiveToEnd());
    EXPECT_NE(End::kPatience, client_.end());
    EXPECT_EQ(0, sluice_.Wait());
    EXPECT_FALSE(std::filesystem::exists(sluice_.pid_file()));
  }
  void ExpectGracefulStop() {
    // Nobody listens any more, so a new connection is refused; the old one goes on.
    EXPECT_TRUE(Eventually([&] { return !CanConnect(address_); }));
    EXPECT_TRUE(Lives(client_));
    client_.Close();
    EXPECT_EQ(0, sluice_.Wait());
    EXPECT_FALSE(std::filesystem::exists(sluice_.pid_file()));
  }
};

TEST_F(StopTest, SigtermEndsAtOnce) {
  EXPECT_TRUE(Lives(client_));
  sluice_.Signal(SIGTERM);
  ExpectFastStop();
}

TEST_F(StopTest, SigintEndsAtOnce) {
  EXPECT_TRUE(Lives(client_));
  sluice_.Signal(SIGINT);
  ExpectFastStop();
}

TEST_F(StopTest, SwitchStopEndsAtOnce) {
  EXPECT_TRUE(Lives(client_));
  EXPECT_EQ(0, sluice_.SendBySwitch("stop"));
  ExpectFastStop();
}

TEST_F(StopTest, SigquitLetsConnectionsEnd) {
  EXPECT_TRUE(Lives(client_));
  sluice_.Signal(SIGQUIT);
  ExpectGracefulStop();
}

TEST_F(StopTest, SwitchQuitLetsConnectionsEnd) {
  EXPECT_TRUE(Lives(client_));
  EXPECT_EQ(0, sluice_.SendBySwitch("quit"));
  ExpectGracefulStop();
}

TEST_F(StopTest, SigtermAfterSigquitEndsAtOnce) {
  EXPECT_TRUE(Lives(client_));
  sluice_.Signal(SIGQUIT);
  EXPECT_TRUE(Eventually([&] { return !CanConnect(address_); }));
  sluice_.Signal(SIGTERM);
  ExpectFastStop();
}

TEST_F(StopTest, PidFileHoldsTheProcess) {
  EXPECT_EQ(absl::StrCat(sluice_.pid(), "\n"), ReadFile(sluice_.pid_file()));
}

TEST(ProcessTest, ShutdownTimeoutEndsWhatAGracefulStopWaitsFor) {
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  SluiceProcess sluice(absl::StrCat(SluiceProcess::kMain, "worker_shutdown_timeout 200ms;\n"),
                       Front(address, upstream));
  Socket client = Socket::Connect(address);
  EXPECT_TRUE(Lives(client));
  sluice.Signal(SIGQUIT);
  EXPECT_EQ("", client.ReceiveToEnd());
  EXPECT_NE(End::kPatience, client.end());
  EXPECT_EQ(0, sluice.Wait());
  EXPECT_TRUE(absl::StrContains(sluice.Log(), ", reason: shutdown")) << sluice.Log();
  EXPECT_TRUE(absl::StrContains(sluice.Log(), "worker_shutdown_timeout is over, 1 connections"));
}

TEST(ProcessTest, SwitchStopWithoutARunningSluiceFails) {
  TempDir dir;
  const std::string config =
      dir.Write("sluice.conf", absl::StrCat("pid ", dir.File("pid"), "; events {} stream {}"));
  const Finished finished = RunSluice({"-p", dir.path(), "-c", config, "-s", "stop"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_NE(finished.output.npos, finished.output.find(dir.File("pid"))) << finished.output;
}

TEST(ProcessTest, DaemonGoesToTheBackgroundAndLogsToItsFile) {
  TempDir dir;
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  const std::string config = dir.Write(
      "sluice.conf", absl::StrCat("pid sluice.pid; error_log error.log info; events {} stream {",
                                  Front(address, upstream), "}"));
  // The caller gets its prompt back once sluice listens.
  EXPECT_EQ(0, RunSluice({"-p", dir.path(), "-c", config}).exit_code);
  EXPECT_TRUE(Eventually([&] { return !ReadFile(dir.File("sluice.pid")).empty(); }));
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(ReadFile(dir.File("error.log")),
                             absl::StrCat("connected to ", upstream.address()));
  }));
  EXPECT_EQ(0, RunSluice({"-p", dir.path(), "-c", config, "-s", "stop"}).exit_code);
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(dir.File("sluice.pid")); }));
}

TEST(ProcessTest, OneShardServesToo) {
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      "daemon off; error_log stderr; pid sluice.pid; worker_processes 1; events {}\n",
      Front(address, upstream));
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
}

TEST(ProcessTest, AutoShardsPinnedToTheirCpusServe) {
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      "daemon off; error_log stderr; pid sluice.pid; worker_processes auto;\n"
      "worker_cpu_affinity auto; events {}\n",
      Front(address, upstream));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  }
}

// More clients come than there are descriptors for, stay, and leave.
TEST(ProcessTest, OutOfDescriptorsItWaitsQuietlyAndRecovers) {
  constexpr int kNumClients = 200;
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      "daemon off; error_log stderr info; pid sluice.pid; worker_processes 1;\n"
      "worker_rlimit_nofile 64; events { worker_connections 4096; }\n",
      Front(address, upstream));
  const auto began = std::chrono::steady_clock::now();
  for (int round = 0; round < 3; ++round) {
    Socket first = Socket::Connect(address);
    EXPECT_TRUE(Lives(first));
    std::vector<Socket> crowd;
    for (int i = 0; i < kNumClients; ++i) {
      crowd.push_back(Socket::Connect(address));
    }
    // Later ones may be held back, a line a second.
    EXPECT_TRUE(sluice.WaitForLog("(24: Too many open files)"));
    EXPECT_TRUE(Lives(first)) << "a connection that stood before suffers";
    crowd.clear();
    EXPECT_TRUE(Eventually([&] {
      Socket client = Socket::Connect(address);
      return Lives(client);
    })) << "never recovers";
  }
  const auto took =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
  const std::string log = sluice.StopAndGetLog();
  // Each of the two has its line a second.
  for (const char* call : {"accept4()", "socket()"}) {
    EXPECT_LE(CountOccurrences(log, absl::StrCat(call, " failed (24: Too many open files)")),
              took.count() + 2)
        << log;
  }
}

TEST(ProcessTest, BeyondWorkerConnectionsClientsAreClosedAndTheLogSaysSo) {
  TcpServer upstream(Echo);
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      "daemon off; error_log stderr info; pid sluice.pid; worker_processes 1;\n"
      "events { worker_connections 20; }\n",
      Front(address, upstream));
  std::vector<Socket> crowd;
  int num_served = 0;
  for (int i = 0; i < 20; ++i) {
    crowd.push_back(Socket::Connect(address));
    num_served += Lives(crowd.back()) ? 1 : 0;
  }
  // Two connections each, as nginx counts.
  EXPECT_LE(num_served, 10);
  EXPECT_GE(num_served, 8);
  EXPECT_TRUE(sluice.WaitForLog("[alert]"));
  EXPECT_TRUE(sluice.WaitForLog("20 worker_connections are not enough"));
  sluice.AllowAlerts();
}

TEST(ProcessTest, ClosedStandardFilesBecomeDevNull) {
  TempDir dir;
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  const std::string config = dir.Write(
      "sluice.conf", absl::StrCat("daemon off; pid sluice.pid; error_log error.log info; events {} "
                                  "stream {",
                                  Front(address, upstream), "}"));
  ChildProcess sluice({"sh", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", SluiceBinary(), "-p",
                       dir.path(), "-c", config});
  ASSERT_TRUE(Eventually([&] { return !ReadFile(dir.File("sluice.pid")).empty(); }));
  for (const char* fd : {"0", "1", "2"}) {
    EXPECT_EQ("/dev/null",
              std::filesystem::read_symlink(absl::StrCat("/proc/", sluice.pid(), "/fd/", fd)));
  }
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  sluice.Signal(SIGTERM);
  EXPECT_EQ(0, sluice.Wait());
}

TEST(ProcessTest, SecondStartWithThePidFileOfTheFirstIsRefused) {
  TcpServer upstream(Echo);
  SluiceProcess first(Front(FreeAddress(), upstream));
  TempDir dir;
  const std::string config = dir.Write(
      "sluice.conf", absl::StrCat("daemon off; error_log stderr; pid ", first.pid_file(),
                                  "; events {} stream {", Front(FreeAddress(), upstream), "}"));
  const Finished second = RunSluice({"-p", dir.path(), "-c", config});
  EXPECT_EQ(1, second.exit_code);
  EXPECT_NE(second.output.npos, second.output.find(absl::StrCat(": process ", first.pid(), ";")))
      << second.output;
  // The first one's file is as it was, and still works.
  EXPECT_EQ(absl::StrCat(first.pid(), "\n"), ReadFile(first.pid_file()));
  EXPECT_EQ(0, first.SendBySwitch("stop"));
  EXPECT_EQ(0, first.Wait());
}

TEST(ProcessTest, SwitchStopSparesAProcessThatHasGotTheNumberOfADeadSluice) {
  TempDir dir;
  const std::string config =
      dir.Write("sluice.conf", absl::StrCat("pid ", dir.File("pid"), "; events {} stream {}"));
  ChildProcess stranger({"cat", "/dev/zero"});
  dir.Write("pid", absl::StrCat(stranger.pid(), "\n"));
  const Finished finished = RunSluice({"-p", dir.path(), "-c", config, "-s", "stop"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_NE(finished.output.npos, finished.output.find("sluice is not running")) << finished.output;
  EXPECT_FALSE(stranger.HasEnded());
}

// Opening a FIFO waits for its other end, unless it is asked not to.
TEST(ProcessTest, FifosThatNobodyReadsAreErrors) {
  TempDir dir;
  ASSERT_EQ(0, mkfifo(dir.File("fifo").c_str(), 0600));
  for (const char* directives :
       {"pid fifo; error_log stderr;", "pid sluice.pid; error_log fifo;"}) {
    const std::string config = dir.Write(
        "sluice.conf", absl::Substitute("daemon off; $0 events {} stream { server { listen $1; "
                                        "proxy_pass 127.0.0.1:1; } }",
                                        directives, FreeAddress()));
    const Finished finished = RunSluice({"-p", dir.path(), "-c", config});
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_NE(finished.output.npos, finished.output.find(dir.File("fifo"))) << finished.output;
  }
  dir.Write("sluice.conf", "pid fifo; events {} stream {}");
  EXPECT_EQ(1, RunSluice({"-p", dir.path(), "-s", "stop"}).exit_code);
}

// Runs a command with some of sluice's system calls failing: `injection` is strace's.
Finished RunRefused(const std::string& injection, const std::vector<std::string>& arguments) {
  TempDir dir;
  std::vector<std::string> argv = {"strace", "-f", "-qq", "-o", dir.File("trace"),
                                   // The leak check of a sanitized build cannot run under strace.
                                   "-E", "ASAN_OPTIONS=detect_leaks=0", "-e",
                                   absl::StrCat("inject=", injection), SluiceBinary()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunToEnd(argv);
}

struct Refusal {
  const char* call;
  const char* error;
};

class RefusingKernelTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusingKernelTest, IsOneLineThatNamesTheCauseAndExitOne) {
  TempDir dir;
  const std::string config = dir.Write(
      "sluice.conf", absl::Substitute("daemon off; error_log stderr; pid sluice.pid; events {} "
                                      "stream { server { listen $0; proxy_pass 127.0.0.1:1; } }",
                                      FreeAddress()));
  const auto [call, error] = GetParam();
  const Finished finished =
      RunRefused(absl::StrCat(call, ":error=", error), {"-p", dir.path(), "-c", config});
  EXPECT_EQ(1, finished.exit_code) << finished.output;
  EXPECT_EQ(1, CountOccurrences(finished.output, "\n")) << finished.output;
  EXPECT_NE(finished.output.npos, finished.output.find("io_uring")) << finished.output;
  if (std::string_view(error) == "EPERM") {
    EXPECT_NE(finished.output.npos, finished.output.find(call)) << finished.output;
    EXPECT_NE(finished.output.npos, finished.output.find("seccomp")) << finished.output;
  }
  EXPECT_FALSE(std::filesystem::exists(dir.File("sluice.pid")));
}

INSTANTIATE_TEST_SUITE_P(
    Start, RefusingKernelTest,
    ::testing::Values(Refusal{"io_uring_setup", "EPERM"}, Refusal{"io_uring_setup", "ENOSYS"},
                      Refusal{"io_uring_setup", "ENOMEM"}, Refusal{"io_uring_setup", "EINVAL"},
                      Refusal{"io_uring_register", "EPERM"}, Refusal{"io_uring_register", "ENOSYS"},
                      Refusal{"io_uring_register", "ENOMEM"},
                      Refusal{"io_uring_register", "EINVAL"}, Refusal{"io_uring_enter", "EPERM"},
                      Refusal{"io_uring_enter", "ENOSYS"}, Refusal{"io_uring_enter", "EINVAL"}),
    [](const auto& info) { return absl::StrCat(info.param.call, "_", info.param.error); });

TEST(ProcessTest, ConfigurationTestWorksWithoutIoUring) {
  TempDir dir;
  const std::string config =
      dir.Write("sluice.conf", "events {} stream { server { listen 1; proxy_pass 127.0.0.1:2; } }");
  const Finished finished = RunRefused("io_uring_setup:error=EPERM", {"-t", "-c", config});
  EXPECT_EQ(0, finished.exit_code) << finished.output;
}

TEST(ProcessTest, BuildInformationSaysThatIoUringCannotBeUsed) {
  const Finished finished = RunRefused("io_uring_setup:error=ENOSYS", {"-V"});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_NE(finished.output.npos, finished.output.find("\nio_uring: cannot be used: "))
      << finished.output;
}

// EAGAIN: the kernel has no memory for operations just now.
TEST(ProcessTest, LackOfMemoryInTheKernelPasses) {
  TempDir dir;
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  const std::string config = dir.Write(
      "sluice.conf", absl::StrCat("daemon off; error_log stderr; pid sluice.pid; worker_processes "
                                  "1; events {} stream {",
                                  Front(address, upstream), "}"));
  // The first is that of the start; from then on every third fails.
  ChildProcess sluice({"strace", "-f", "-qq", "-o", dir.File("trace"), "-E",
                       "ASAN_OPTIONS=detect_leaks=0", "-e",
                       "inject=io_uring_enter:error=EAGAIN:when=3+3", "-e", "trace=io_uring_enter",
                       SluiceBinary(), "-p", dir.path(), "-c", config});
  ASSERT_TRUE(Eventually([&] { return !ReadFile(dir.File("sluice.pid")).empty(); }));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  }
  EXPECT_NE(std::string::npos, ReadFile(dir.File("trace")).find("EAGAIN"));
  EXPECT_EQ(0, RunSluice({"-p", dir.path(), "-c", config, "-s", "stop"}).exit_code);
  EXPECT_EQ(0, sluice.Wait()) << sluice.Output();
}

}  // namespace
}  // namespace sluice::testing
