// Compiles every *.conf of this folder and compares what comes out:
//
//   x.plan    the dump of the plan; there is none if the configuration must be refused.
//   x.errors  everything that is reported; there is none if nothing is.
//
// To add a case, write x.conf, then have the other two written and read them with care:
//
//   UPDATE_GOLDEN=1 bazel run //tests/golden:golden_test
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "config/load.h"
#include "config/plan_dump.h"
#include "tests/golden/golden_options.h"

namespace sluice::golden {
namespace {

// Empty if there is no such file.
std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Writes `text`, or removes the file if there is none.
void WriteOrRemove(const std::string& path, const std::string& text) {
  if (text.empty()) {
    std::filesystem::remove(path);
  } else {
    std::ofstream(path) << text;
  }
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, GivesThePlanAndTheDiagnosticsBesideIt) {
  const config::LoadResult result = config::Load(GoldenOptions(GetParam()));
  const std::string plan = result.plan.has_value() ? config::DumpPlan(*result.plan) : "";
  const std::string errors = result.diagnostics.Render();
  EXPECT_EQ(result.plan.has_value(), !result.diagnostics.has_errors());

  const std::string stem = absl::StrReplaceAll(GetParam(), {{".conf", ""}});
  if (getenv("UPDATE_GOLDEN") != nullptr) {
    const char* workspace = getenv("BUILD_WORKSPACE_DIRECTORY");
    ASSERT_NE(workspace, nullptr) << "UPDATE_GOLDEN works with `bazel run` only";
    const std::string base = absl::StrCat(workspace, "/", kDirectory, "/", stem);
    WriteOrRemove(base + ".plan", plan);
    WriteOrRemove(base + ".errors", errors);
    return;
  }
  const std::string base = absl::StrCat(kDirectory, "/", stem);
  EXPECT_EQ(plan, ReadAll(base + ".plan"));
  EXPECT_EQ(errors, ReadAll(base + ".errors"));
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest, testing::ValuesIn(ConfigurationNames()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           return absl::StrReplaceAll(info.param, {{".conf", ""}});
                         });

TEST(GoldenFolder, HasNoResultWithoutItsConfiguration) {
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != ".plan" && path.extension() != ".errors") continue;
    std::filesystem::path conf = path;
    EXPECT_TRUE(std::filesystem::exists(conf.replace_extension(".conf"))) << path;
  }
}

}  // namespace
}  // namespace sluice::golden
