#include "config/load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

class LoadTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = absl::StrCat(testing::TempDir(), "/load_test.", getpid());
    std::filesystem::create_directories(directory_ + "/conf");
    options_.file = "conf/sluice.conf";
    options_.prefix = directory_;
    options_.default_pid_file = "/run/sluice.pid";
    options_.default_error_log = {.file = "/var/log/sluice.log"};
    options_.check_tls = [](const tls::Settings&) { return std::vector<tls::Problem>(); };
    options_.check_client_tls = [](const tls::ServerSettings&) {
      return std::vector<tls::Problem>();
    };
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }

  std::string directory_;
  LoadOptions options_;
};

TEST_F(LoadTest, ReportsAMissingFile) {
  const LoadResult result = Load(options_);
  EXPECT_FALSE(result.plan.has_value());
  EXPECT_EQ(result.diagnostics.Render(),
            absl::StrCat("error: cannot read the configuration file \"", directory_,
                         "/conf/sluice.conf\": open() failed (2: No such file or directory)\n"));
}

TEST_F(LoadTest, StartsLogsAtThePrefixAndOtherFilesAtTheConfiguration) {
  Write("conf/sluice.conf",
        "pid run/pid; error_log logs/error.log; include more.conf;"
        "stream { server { listen 1; proxy_pass 127.0.0.1:1; proxy_ssl on;"
        "  proxy_ssl_trusted_certificate ca; } }");
  Write("conf/more.conf", "worker_processes 3;");
  Write("conf/ca", "CA");
  const LoadResult result = Load(options_);
  ASSERT_TRUE(result.plan.has_value()) << result.diagnostics.Render();
  EXPECT_EQ(result.plan->process.pid_file, directory_ + "/run/pid");
  EXPECT_EQ(result.plan->process.error_logs[0].file, directory_ + "/logs/error.log");
  EXPECT_EQ(result.plan->process.num_shards, 3);
  EXPECT_EQ(result.plan->tls_profiles[0].trusted_certificate.path, directory_ + "/conf/ca");
}

TEST_F(LoadTest, TakesAnAbsoluteFile) {
  Write("conf/sluice.conf", "stream { }");
  options_.file = directory_ + "/conf/sluice.conf";
  options_.prefix = "/nowhere";
  EXPECT_TRUE(Load(options_).plan.has_value());
}

TEST_F(LoadTest, FallsBackToTheGivenDefaults) {
  Write("conf/sluice.conf", "stream { }");
  const LoadResult result = Load(options_);
  ASSERT_TRUE(result.plan.has_value());
  EXPECT_EQ(result.plan->process.pid_file, "/run/sluice.pid");
  ASSERT_EQ(result.plan->process.error_logs.size(), 1u);
  EXPECT_EQ(result.plan->process.error_logs[0].file, "/var/log/sluice.log");
}

TEST_F(LoadTest, HandsOutTheFilesInTheOrderOfReading) {
  Write("conf/sluice.conf", "include b.conf; include a.conf; include b.conf; stream { }");
  Write("conf/a.conf", "# a");
  Write("conf/b.conf", "# b");
  options_.globals = "daemon off;";
  const LoadResult result = Load(options_);
  ASSERT_EQ(result.files.size(), 3u);
  EXPECT_EQ(result.files[0].name(), directory_ + "/conf/sluice.conf");
  EXPECT_EQ(result.files[1].text(), "# b");
  EXPECT_EQ(result.files[2].text(), "# a");
}

TEST_F(LoadTest, JudgesGlobalsAsAPartOfTheMainContext) {
  Write("conf/sluice.conf", "daemon on; stream { }");
  options_.globals = "worker_processes 2; daemon off;";
  const std::string text = Load(options_).diagnostics.Render();
  EXPECT_NE(text.find("sluice.conf:1:1: error: \"daemon\" directive is duplicate, the first is at "
                      "-g:1"),
            std::string::npos)
      << text;

  Write("conf/sluice.conf", "stream { }");
  const LoadResult good = Load(options_);
  ASSERT_TRUE(good.plan.has_value()) << good.diagnostics.Render();
  EXPECT_FALSE(good.plan->process.daemon);
  EXPECT_EQ(good.plan->process.num_shards, 2);
}

TEST_F(LoadTest, LocatesWhatIsWrongInGlobals) {
  Write("conf/sluice.conf", "stream { server { listen 1; proxy_pass 127.0.0.1:1; } }");
  options_.globals = "daemon off; events { } pid x";
  EXPECT_EQ(Load(options_).diagnostics.Render(),
            "-g:1:13: error: block directives are not supported in -g option\n"
            "daemon off; events { } pid x\n"
            "            ^~~~~~\n"
            "-g:1:28: error: directive \"pid\" is not terminated by \";\": expected one here\n"
            "daemon off; events { } pid x\n"
            "                           ^\n");
}

TEST_F(LoadTest, KeepsDiagnosticsWhenTheTextIsGone) {
  Write("conf/sluice.conf", "nonsense;");
  LoadResult result = Load(options_);
  result.files.clear();
  EXPECT_NE(result.diagnostics.Render().find("nonsense;\n^~~~~~~~\n"), std::string::npos);
}

}  // namespace
}  // namespace sluice::config
