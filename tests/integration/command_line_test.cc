// What the command line says, and with which exit code.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/sluice_process.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

constexpr char kGood[] =
    "events {}\n"
    "stream {\n"
    "    server {\n"
    "        listen 127.0.0.1:12345;\n"
    "        proxy_pass 127.0.0.1:12346;\n"
    "    }\n"
    "}\n";

// A mistake on each of ten lines.
constexpr char kTenMistakes[] =
    "events {}\n"
    "worker_proceses 2;\n"
    "error_log stderr loud;\n"
    "stream {\n"
    "    upstream backend { server 127.0.0.1:99999; }\n"
    "    server {\n"
    "        listen 127.0.0.1:12345 backlogg=5;\n"
    "        proxy_pass backend backend2;\n"
    "        proxy_ssl on; tcp_nodelay maybe;\n"
    "        proxy_connect_timeout 5parsecs;\n"
    "        proxy_ssl_protocols TLSv1.9;\n"
    "        proxy_ssl_certificate /no/such/file.crt;\n"
    "        worker_connections 5;\n"
    "    }\n"
    "}\n";
const std::set<int> kLinesAtFault = {2, 3, 5, 7, 8, 9, 10, 11, 12, 13};

TEST(CommandLineTest, TestOfAGoodFileSaysSo) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kGood);
  const Finished finished = RunSluice({"-t", "-c", config});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output,
                                absl::StrCat("configuration file ", config, " test is successful")))
      << finished.output;
}

TEST(CommandLineTest, QuietTestOfAGoodFileSaysNothing) {
  TempDir dir;
  const Finished finished = RunSluice({"-t", "-q", "-c", dir.Write("sluice.conf", kGood)});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_EQ("", finished.output);
}

TEST(CommandLineTest, EveryMistakeIsAnErrorWithItsPlace) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kTenMistakes);
  const Finished finished = RunSluice({"-t", "-c", config});
  EXPECT_EQ(1, finished.exit_code);
  std::set<int> lines_told;
  for (const std::string_view line : absl::StrSplit(finished.output, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 4));
    if (parts.size() == 5 && parts[0] == config && parts[3] == " error") {
      lines_told.insert(std::stoi(parts[1]));
      EXPECT_GT(std::stoi(parts[2]), 0) << line;
    }
  }
  EXPECT_EQ(kLinesAtFault, lines_told) << finished.output;
}

TEST(CommandLineTest, AMistakeKeepsSluiceFromStarting) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kTenMistakes);
  EXPECT_EQ(1, RunSluice({"-p", dir.path(), "-c", config}).exit_code);
}

TEST(CommandLineTest, AMissingFileIsNamed) {
  const Finished finished = RunSluice({"-t", "-c", "/no/such/sluice.conf"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "/no/such/sluice.conf")) << finished.output;
}

TEST(CommandLineTest, RelativePathsStandUnderThePrefix) {
  TempDir dir;
  dir.Write("sluice.conf", absl::StrCat("include more.conf;\n", kGood));
  dir.Write("more.conf", "worker_processes 3;\n");
  const Finished finished = RunSluice({"-p", dir.path(), "-c", "sluice.conf", "--dump-plan"});
  EXPECT_EQ(0, finished.exit_code) << finished.output;
  EXPECT_TRUE(absl::StrContains(finished.output, "127.0.0.1:12345")) << finished.output;
}

TEST(CommandLineTest, DumpShowsEachFileUnderItsName) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", absl::StrCat("include more.conf;\n", kGood));
  const std::string more = dir.Write("more.conf", "worker_processes 3;\n");
  const Finished finished = RunSluice({"-T", "-c", config});
  EXPECT_EQ(0, finished.exit_code);
  for (const std::string& file : {config, more}) {
    EXPECT_TRUE(absl::StrContains(
        finished.output, absl::StrCat("# configuration file ", file, ":\n", ReadFile(file))))
        << finished.output;
  }
}

TEST(CommandLineTest, DumpsThatDoNotFitFail) {
  TempDir dir;
  // Longer than what stdout buffers, so that the error comes before its end.
  const std::string config =
      dir.Write("sluice.conf", absl::StrCat(kGood, "#", std::string(100'000, '.'), "\n"));
  for (const char* option : {"-T", "--dump-plan"}) {
    const Finished finished = RunToEnd(
        {"sh", "-c", "exec \"$0\" \"$@\" >/dev/full", SluiceBinary(), option, "-c", config});
    EXPECT_EQ(1, finished.exit_code) << option;
    EXPECT_TRUE(absl::StrContains(finished.output, "stdout failed (28: No space left on device)"))
        << finished.output;
  }
}

TEST(CommandLineTest, TestGoesBeforeASignal) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kGood);
  const Finished finished = RunSluice({"-t", "-s", "stop", "-p", dir.path(), "-c", config});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "test is successful")) << finished.output;
}

TEST(CommandLineTest, PlanAndSignalTogetherAreRefused) {
  const Finished finished = RunSluice({"-s", "stop", "--dump-plan"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(
      absl::StrContains(finished.output, "\"--dump-plan\" and \"-s\" cannot be used together"))
      << finished.output;
}

TEST(CommandLineTest, DirectivesFromTheCommandLineCount) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kGood);
  EXPECT_EQ(0, RunSluice({"-t", "-q", "-c", config, "-g", "worker_processes 3;"}).exit_code);
  EXPECT_EQ(1, RunSluice({"-t", "-q", "-c", config, "-g", "worker_processes x;"}).exit_code);
}

TEST(CommandLineTest, VersionAndHelpEndWithZero) {
  for (const char* option : {"-v", "-V", "-h"}) {
    const Finished finished = RunSluice({option});
    EXPECT_EQ(0, finished.exit_code) << option;
    EXPECT_TRUE(absl::StrContains(finished.output, "sluice")) << finished.output;
  }
  const std::string details = RunSluice({"-V"}).output;
  for (const char* part : {"BoringSSL", "liburing", "abseil", "io_uring"}) {
    EXPECT_TRUE(absl::StrContainsIgnoreCase(details, part)) << part << " in " << details;
  }
}

TEST(CommandLineTest, AnUnknownOptionIsNamed) {
  const Finished finished = RunSluice({"-x"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "\"x\"") ||
              absl::StrContains(finished.output, "\"-x\""))
      << finished.output;
}

TEST(CommandLineTest, AnUnknownSignalIsNamed) {
  const Finished finished = RunSluice({"-s", "jump"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "\"jump\"") ||
              absl::StrContains(finished.output, "\"-s jump\""))
      << finished.output;
}

}  // namespace
}  // namespace sluice::testing
