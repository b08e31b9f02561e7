#include "config/source_text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>

namespace sluice::config {
namespace {

TEST(SourceFile, FindsPlacesFromOneOn) {
  const SourceFile file("f", "ab\n\ncd", 0);
  const auto expect = [&file](uint32_t offset, int line, int column) {
    EXPECT_EQ(file.PlaceOf(offset).line, line) << offset;
    EXPECT_EQ(file.PlaceOf(offset).column, column) << offset;
    EXPECT_EQ(file.LineOf(offset), line) << offset;
  };
  expect(0, 1, 1);
  expect(1, 1, 2);
  expect(2, 1, 3);  // The line end belongs to its line.
  expect(3, 2, 1);
  expect(4, 3, 1);
  expect(6, 3, 3);  // Behind the last character.
}

TEST(SourceFile, CountsCharactersNotBytes) {
  const SourceFile file("f", "\xC3\xA4\xE2\x82\xACx", 0);
  EXPECT_EQ(file.PlaceOf(5).column, 3);
}

TEST(SourceFile, GivesLinesWithoutTheirEnd) {
  const SourceFile file("f", "ab\r\n\ncd", 0);
  EXPECT_EQ(file.Line(1), "ab");
  EXPECT_EQ(file.Line(2), "");
  EXPECT_EQ(file.Line(3), "cd");
}

TEST(SourceFile, TakesAnEmptyText) {
  const SourceFile file("f", "", 0);
  EXPECT_EQ(file.PlaceOf(0).line, 1);
  EXPECT_EQ(file.Line(1), "");
}

TEST(SourceSet, ReadsAFileOnceAndKeepsItsAddress) {
  const std::string path = testing::TempDir() + "/source_text_test.conf";
  std::ofstream(path) << "text";
  SourceSet set;
  const absl::StatusOr<const SourceFile*> first = set.Read(path);
  ASSERT_TRUE(first.ok());
  for (int i = 0; i < 100; ++i) set.AddText("-g", "x");
  EXPECT_EQ(*set.Read(path), *first);
  EXPECT_EQ((*first)->text(), "text");

  const std::vector<SourceFile> files = std::move(set).TakeFiles();
  ASSERT_EQ(files.size(), 1u);  // Texts that are no files do not count.
  EXPECT_EQ(files[0].name(), path);
}

TEST(SourceSet, TellsWhyAFileCannotBeRead) {
  SourceSet set;
  EXPECT_EQ(set.Read("/nowhere/x").status().message(),
            "open() failed (2: No such file or directory)");
}

TEST(Span, NamesFileAndLine) {
  const SourceFile file("dir/f", "a\nb\n", 0);
  EXPECT_EQ((Span{&file, 2, 3}).Where(), "dir/f:2");
}

}  // namespace
}  // namespace sluice::config
