// Logs that are rotated while sluice writes them.
#include <signal.h>

#include <filesystem>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

constexpr char kMain[] =
    "daemon off; error_log error.log info; pid sluice.pid; worker_processes 2;\n"
    "events { worker_connections 4096; }\n";

TEST(ReopenTest, EachLineIsInTheOneFileOrTheOther) {
  constexpr int kRotations = 10;
  constexpr int kClients = 300;
  TcpServer upstream(Greet("hello"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(kMain, absl::Substitute("log_format short \"$$status\";\n"
                                               "access_log access.log short;\n"
                                               "server { listen $0; proxy_pass $1; }",
                                               address, upstream.address()));
  std::thread clients([&] {
    for (int i = 0; i < kClients; ++i) {
      EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
    }
  });
  const std::string errors = absl::StrCat(sluice.prefix(), "/error.log");
  const std::string accesses = absl::StrCat(sluice.prefix(), "/access.log");
  std::string all_errors;
  std::string all_accesses;
  for (int i = 0; i < kRotations; ++i) {
    const std::string number = absl::StrCat(".", i);
    std::filesystem::rename(errors, errors + number);
    std::filesystem::rename(accesses, accesses + number);
    EXPECT_EQ(0, sluice.SendBySwitch("reopen"));
    // The error log is opened last.
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(errors); }));
    ASSERT_TRUE(std::filesystem::exists(accesses));
    all_errors += ReadFile(errors + number);
    all_accesses += ReadFile(accesses + number);
  }
  clients.join();
  sluice.StopAndGetLog();
  all_errors += ReadFile(errors);
  all_accesses += ReadFile(accesses);
  EXPECT_EQ(kClients, CountOccurrences(all_accesses, "200\n"));
  EXPECT_EQ(kClients, CountOccurrences(all_errors, " disconnected, "));
  EXPECT_EQ(kRotations, CountOccurrences(all_errors, ": reopening logs\n"));
  EXPECT_EQ(0, CountOccurrences(all_errors, "[emerg]"));
  EXPECT_TRUE(all_errors.ends_with(": exit\n"));
}

TEST(ReopenTest, FileThatCannotBeOpenedAgainStaysAndIsNamed) {
  TcpServer upstream(Greet("hello"));
  TempDir logs;
  std::filesystem::create_directory(logs.File("folder"));
  const std::string address = FreeAddress();
  SluiceProcess sluice(
      absl::Substitute("daemon off; error_log $0 info; pid sluice.pid; events {}\n",
                       logs.File("folder/error.log")),
      absl::Substitute("server { listen $0; proxy_pass $1; }", address, upstream.address()));
  std::filesystem::rename(logs.File("folder"), logs.File("moved"));
  sluice.Signal(SIGUSR1);
  const auto log = [&] { return ReadFile(logs.File("moved/error.log")); };
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(log(), absl::StrCat("[emerg] ", sluice.pid(), "#")) &&
           absl::StrContains(log(), absl::StrCat("open() \"", logs.File("folder/error.log"),
                                                 "\" failed (2: No such file or directory)"));
  }));
  EXPECT_EQ("hello", Socket::Connect(address).ReceiveToEnd());
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(log(), " disconnected, "); }));
}

}  // namespace
}  // namespace sluice::testing
