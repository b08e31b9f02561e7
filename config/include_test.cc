#include "config/include.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/diagnostic.h"
#include "config/source_text.h"
#include "config/system.h"
#include "config/tree.h"

namespace sluice::config {
namespace {

class IncluderTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/include_test." + std::to_string(getpid());
    std::filesystem::create_directories(directory_ + "/sub");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }

  // What `pattern` includes, one tree after the other.
  std::string Open(const std::string& pattern) {
    std::string dump;
    for (const IncludedFile* file : includer_->Open({.text = pattern, .span = {}})) {
      dump += DumpTree(file->tree);
    }
    return dump;
  }

  void Start() { includer_.emplace(directory_, system_, sources_, diagnostics_); }

  std::string directory_;
  const System system_ = ThisSystem();
  SourceSet sources_;
  DiagnosticList diagnostics_;
  std::optional<Includer> includer_;
};

TEST_F(IncluderTest, OpensANameRelativeToTheFolder) {
  Write("a.conf", "a;");
  Start();
  EXPECT_EQ(Open("a.conf"), "[a]\n");
  EXPECT_EQ(Open(directory_ + "/a.conf"), "[a]\n");
  EXPECT_TRUE(diagnostics_.empty());
}

TEST_F(IncluderTest, OpensAllThatMatchInOrder) {
  Write("sub/2.conf", "b;");
  Write("sub/1.conf", "a;");
  Write("sub/3.txt", "c;");
  Start();
  EXPECT_EQ(Open("sub/*.conf"), "[a]\n[b]\n");
  EXPECT_EQ(Open("sub/[23].*"), "[b]\n[c]\n");
  EXPECT_EQ(Open("sub/?.conf"), "[a]\n[b]\n");
}

TEST_F(IncluderTest, TakesAPatternWithoutMatchButNoMissingFile) {
  Start();
  EXPECT_EQ(Open("*.nothing"), "");
  EXPECT_TRUE(diagnostics_.empty());
  EXPECT_EQ(Open("missing.conf"), "");
  EXPECT_TRUE(diagnostics_.has_errors());
}

TEST_F(IncluderTest, ReportsADirectory) {
  Start();
  EXPECT_EQ(Open("sub"), "");
  EXPECT_NE(diagnostics_.Render().find("Is a directory"), std::string::npos);
}

TEST_F(IncluderTest, ParsesAFileOnce) {
  Write("a.conf", "a");
  Start();
  EXPECT_EQ(includer_->Open({.text = "a.conf", .span = {}}),
            includer_->Open({.text = "a.con[f]", .span = {}}));
  EXPECT_EQ(diagnostics_.Sorted().size(), 1u);
}

}  // namespace
}  // namespace sluice::config
