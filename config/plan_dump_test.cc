#include "config/plan_dump.h"

#include <gtest/gtest.h>

#include <string>

#include "config/plan.h"

namespace sluice::config {
namespace {

TEST(DumpPlan, ShowsNoSecret) {
  Plan plan;
  plan.tls_profiles.push_back(
      {.certificate_key = {.path = "/key", .contents = "SECRET KEY"}, .passwords = {"SECRET"}});
  const std::string text = DumpPlan(plan);
  EXPECT_EQ(text.find("SECRET"), std::string::npos);
  EXPECT_NE(text.find("certificate_key \"/key\" 10 bytes\n"), std::string::npos) << text;
  EXPECT_NE(text.find("passwords 1\n"), std::string::npos) << text;
}

TEST(DumpPlan, KeepsOneValueOnOneLine) {
  Plan plan;
  plan.process.pid_file = "a\nb";
  EXPECT_NE(DumpPlan(plan).find("pid_file \"a\\nb\"\n"), std::string::npos);
}

TEST(LogLevelName, IsWhatErrorLogTakes) {
  std::string names;
  for (const LogLevel level : kLogLevels) names += std::string(LogLevelName(level)) + " ";
  EXPECT_EQ(names, "emerg alert crit error warn notice info debug ");
}

}  // namespace
}  // namespace sluice::config
