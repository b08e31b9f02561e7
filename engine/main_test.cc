// Runs the sluice command itself: what it prints, and its exit codes.

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

class SluiceCommandTest : public testing::Test {
 protected:
  SluiceCommandTest() { std::filesystem::create_directories(folder_); }
  ~SluiceCommandTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  void WriteConfig(const std::string& text) { std::ofstream(Path("sluice.conf")) << text; }

  // `arguments` in the shell's grammar; -p is the test's folder.
  Result Run(const std::string& arguments) {
    const int status = std::system(absl::StrCat("engine/sluice -p ", folder_, " ", arguments, " >",
                                                Path("out"), " 2>", Path("err"))
                                       .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read("out"), Read("err")};
  }

  const std::string folder_ = absl::StrCat("/tmp/sluice_command_test.", getpid());
  const std::string good_ =
      "pid run.pid;\nerror_log run.log;\nevents {}\n"
      "stream {\n  server { listen unix:" +
      folder_ + "/sock; proxy_pass 127.0.0.1:1; }\n}\n";
};

TEST_F(SluiceCommandTest, VersionIsOneLine) {
  const Result result = Run("-v");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, MatchesRegex("sluice version: sluice/[0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(SluiceCommandTest, BuildNamesWhatItWasBuiltFrom) {
  const Result result = Run("-V");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, AllOf(StartsWith("sluice version: "), HasSubstr("built with "),
                                HasSubstr("\nBoringSSL "), HasSubstr("liburing 2."),
                                HasSubstr("abseil 20"), HasSubstr("io_uring: Linux ")));
}

TEST_F(SluiceCommandTest, HelpSucceeds) {
  const Result result = Run("-h");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("Usage: sluice"));
}

TEST_F(SluiceCommandTest, UnknownOptionFails) {
  const Result result = Run("-x");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, StartsWith("sluice: invalid option: \"-x\""));
}

TEST_F(SluiceCommandTest, GoodConfigurationIsToldAsByNginx) {
  WriteConfig(good_);
  const Result result = Run("-t");
  EXPECT_EQ(result.exit_code, 0);
  const std::string file = Path("sluice.conf");
  EXPECT_EQ(result.err, absl::StrCat("sluice: the configuration file ", file, " syntax is ok\n",
                                     "sluice: configuration file ", file, " test is successful\n"));
  EXPECT_EQ(result.out, "");
  // Nothing was touched.
  for (const char* name : {"run.pid", "run.log", "sock"}) {
    EXPECT_FALSE(std::filesystem::exists(Path(name))) << name;
  }
}

TEST_F(SluiceCommandTest, QuietTestSaysNothingOfAGoodConfiguration) {
  WriteConfig(good_);
  const Result result = Run("-tq");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
}

TEST_F(SluiceCommandTest, TestShowsTheVersionToo) {
  WriteConfig(good_);
  const Result result = Run("-vt");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, AllOf(StartsWith("sluice version: "), HasSubstr("test is successful")));
}

TEST_F(SluiceCommandTest, BadConfigurationShowsItsMistakesAlsoQuietly) {
  WriteConfig("worker_procesess 1;\nevents {}\nstream { sever {} }\n");
  for (const char* option : {"-t", "-tq"}) {
    const Result result = Run(option);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("sluice.conf:1:1: error: "), HasSubstr("sluice.conf:3:10: error: "),
                      HasSubstr(absl::StrCat("sluice: configuration file ", Path("sluice.conf"),
                                             " test failed\n"))));
  }
}

TEST_F(SluiceCommandTest, StrictTestFailsOnAWarning) {
  WriteConfig(good_ + "worker_cpu_affinity 1 1 1;\n");
  EXPECT_EQ(Run("-t").exit_code, 0);
  for (const char* options : {"-t --strict", "--strict -tq", "-T --strict"}) {
    const Result result = Run(options);
    EXPECT_EQ(result.exit_code, 1) << options;
    EXPECT_THAT(result.err,
                AllOf(HasSubstr(": warning: "),
                      HasSubstr("sluice: 1 warning: taken as errors, as \"--strict\" asks for\n"),
                      HasSubstr(absl::StrCat("sluice: configuration file ", Path("sluice.conf"),
                                             " test failed\n")),
                      Not(HasSubstr("successful"))))
        << options;
    EXPECT_EQ(result.out, "") << options;
  }
}

TEST_F(SluiceCommandTest, StrictTestTakesNotices) {
  WriteConfig(good_ + "env TZ;\n");
  const Result result = Run("-t --strict");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, AllOf(HasSubstr(": notice: "), HasSubstr("test is successful")));
}

TEST_F(SluiceCommandTest, StrictStartIsRefusedOnAWarning) {
  WriteConfig(good_ + "worker_cpu_affinity 1 1 1;\n");
  const Result result = Run("--strict");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr(": warning: "), HasSubstr("as \"--strict\" asks for\n")));
  for (const char* name : {"run.pid", "run.log", "sock"}) {
    EXPECT_FALSE(std::filesystem::exists(Path(name))) << name;
  }
}

TEST_F(SluiceCommandTest, MistakesAreNotCountedAsWarnings) {
  WriteConfig(good_ + "worker_cpu_affinity 1 1 1;\nworker_procesess 1;\n");
  EXPECT_THAT(Run("-t --strict").err, AllOf(HasSubstr("test failed"), Not(HasSubstr("--strict"))));
}

TEST_F(SluiceCommandTest, MissingConfigurationIsNamed) {
  const Result result = Run("-c nowhere.conf");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr(Path("nowhere.conf")));
}

TEST_F(SluiceCommandTest, DumpShowsEveryFile) {
  WriteConfig(good_ + "include more.conf;\n");
  std::ofstream(Path("more.conf")) << "worker_processes 3;\n";
  const Result result = Run("-T");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, absl::StrCat("# configuration file ", Path("sluice.conf"), ":\n", good_,
                                     "include more.conf;\n\n", "# configuration file ",
                                     Path("more.conf"), ":\nworker_processes 3;\n\n"));
}

TEST_F(SluiceCommandTest, PlanIsDumpedWithDefaultsAndGlobals) {
  WriteConfig(good_);
  const Result result = Run("--dump-plan -g 'worker_processes 3;'");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("num_shards 3"), HasSubstr(Path("run.pid"))));
}

TEST_F(SluiceCommandTest, SignalWithoutARunningSluiceFails) {
  WriteConfig(good_);
  EXPECT_EQ(Run("-s quit").exit_code, 1);
  EXPECT_THAT(Run("-s stop").err, HasSubstr("sluice is not running"));
  // Left behind by one that was killed; the number is another process's by now.
  std::ofstream(Path("run.pid")) << getpid() << "\n";
  EXPECT_THAT(Run("-s stop").err, HasSubstr("sluice is not running"));
}

TEST_F(SluiceCommandTest, StartsInTheBackgroundAndStopsBySignal) {
  WriteConfig(good_);
  const Result started = Run("");
  ASSERT_EQ(started.exit_code, 0) << started.err;
  EXPECT_EQ(started.err, "");
  EXPECT_TRUE(std::filesystem::exists(Path("run.pid")));
  EXPECT_TRUE(std::filesystem::exists(Path("sock")));
  // A second one does not take over.
  const pid_t running = std::stoi(Read("run.pid"));
  const Result second = Run("");
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, AllOf(StartsWith("sluice: [emerg] another sluice runs"),
                                HasSubstr(absl::StrCat(": process ", running, ";"))));
  EXPECT_THAT(Read("run.pid"), StartsWith(absl::StrCat(running)));
  const Result stopped = Run("-s stop");
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(stopped.err, "");
  while (std::filesystem::exists(Path("run.pid"))) usleep(1000);
  EXPECT_FALSE(std::filesystem::exists(Path("sock")));
}

}  // namespace
