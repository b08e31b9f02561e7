#include "config/diagnostic.h"

#include <gtest/gtest.h>

#include <string>

#include "config/limits.h"
#include "config/source_text.h"

namespace sluice::config {
namespace {

Span SpanOf(const SourceFile& file, const std::string& text) {
  const auto begin = static_cast<uint32_t>(file.text().find(text));
  return {&file, begin, begin + static_cast<uint32_t>(text.size())};
}

TEST(DiagnosticList, ShowsPlaceMessageLineAndCaret) {
  const SourceFile file("x.conf", "stream {\n    listn 80;\n}\n", 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "listn"), "unknown");
  EXPECT_EQ(list.Render(),
            "x.conf:2:5: error: unknown\n"
            "    listn 80;\n"
            "    ^~~~~\n");
}

// A bug fixed: messages of TLS checks held names of files as they are.
TEST(DiagnosticList, NoMessageAndNoFileNameHoldsControlCharacters) {
  const SourceFile file("x\x1B[31m\n.conf", "a;", 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "a"), "\"bad\r\n\x1B[31m\x7F.crt\" is bad");
  EXPECT_EQ(list.Render(),
            "x\\x1B[31m\\n.conf:1:1: error: \"bad\\r\\n\\x1B[31m\\x7F.crt\" is bad\na;\n^\n");
  EXPECT_EQ(list.Sorted()[0].message, "\"bad\\r\\n\\x1B[31m\\x7F.crt\" is bad");
}

TEST(DiagnosticList, CountsWarnings) {
  DiagnosticList list;
  list.Notice({}, "n");
  list.Error({}, "e");
  EXPECT_EQ(list.num_warnings(), 0);
  for (int i = 0; i < kDiagnosticsKeptMax + 10; ++i) list.Warning({}, std::to_string(i));
  EXPECT_EQ(list.num_warnings(), kDiagnosticsKeptMax + 10);
}

TEST(DiagnosticList, KeepsTheCaretUnderTheTextBehindTabsAndUmlauts) {
  const SourceFile file("f", "\t\xC3\xA4\tbad\xC3\xB6;", 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "bad\xC3\xB6"), "m");
  EXPECT_EQ(list.Render(), "f:1:4: error: m\n\t\xC3\xA4\tbad\xC3\xB6;\n\t \t^~~~\n");
}

// A bug fixed: a place within a character, such as the last byte of a word, had no caret.
TEST(DiagnosticList, MarksTheCharacterThatAPlaceIsIn) {
  const SourceFile file("f", "a\xE2\x82\xAC", 0);
  DiagnosticList list;
  list.Error({&file, 3, 4}, "m");
  EXPECT_EQ(list.Render(), "f:1:2: error: m\na\xE2\x82\xAC\n ^\n");
}

TEST(DiagnosticList, MarksBytesThatAreNoCharacter) {
  const SourceFile file("f", "\x80\x80;", 0);
  DiagnosticList list;
  list.Error({&file, 1, 3}, "m");
  EXPECT_EQ(list.Render(), "f:1:1: error: m\n\x80\x80;\n^~\n");
}

TEST(DiagnosticList, ShowsAWindowOfALongLineWhateverItsBytes) {
  const SourceFile file("f", std::string(2000, '\x80'), 0);
  DiagnosticList list;
  list.Error({&file, 1000, 1001}, "m");
  EXPECT_LE(list.Sorted()[0].line.size(), 3u + 163u + 3u);
}

TEST(DiagnosticList, MarksAPlaceWithoutText) {
  const SourceFile file("f", "ab", 0);
  DiagnosticList list;
  list.Error({&file, 2, 2}, "end");
  EXPECT_EQ(list.Render(), "f:1:3: error: end\nab\n  ^\n");
}

TEST(DiagnosticList, MarksOnlyTheFirstOfSeveralLines) {
  const SourceFile file("f", "a 'b\nc';", 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "'b\nc'"), "m");
  EXPECT_EQ(list.Render(), "f:1:3: error: m\na 'b\n  ^~\n");
}

TEST(DiagnosticList, ShowsAWindowOfALongLine) {
  const SourceFile file("f", std::string(1000, 'a') + " bad " + std::string(1000, 'b'), 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "bad"), "m");
  const Diagnostic diagnostic = list.Sorted()[0];
  EXPECT_EQ(diagnostic.place.column, 1002);
  EXPECT_EQ(diagnostic.line.size(), 3u + 160u + 3u);
  EXPECT_EQ(diagnostic.line.substr(diagnostic.caret.find('^'), 3), "bad");
}

TEST(DiagnosticList, LetsNoControlCharacterThrough) {
  const SourceFile file("f", "\x1B[2Jbad\x7F", 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "bad"), "m");
  EXPECT_EQ(list.Sorted()[0].line, "?[2Jbad?");
}

TEST(DiagnosticList, SortsByFileThenByPlace) {
  const SourceFile first("first", "aa\nbb", 0);
  const SourceFile second("second", "cc", 1);
  DiagnosticList list;
  list.Error(SpanOf(second, "cc"), "3");
  list.Warning(SpanOf(first, "bb"), "2");
  list.Notice(SpanOf(first, "aa"), "1");
  list.Error({}, "0");
  std::string messages;
  for (const Diagnostic& diagnostic : list.Sorted()) messages += diagnostic.message;
  EXPECT_EQ(messages, "0123");
}

TEST(DiagnosticList, KeepsTheSameThingOnce) {
  const SourceFile file("f", "aa", 0);
  DiagnosticList list;
  list.Error(SpanOf(file, "aa"), "m");
  list.Error(SpanOf(file, "aa"), "m");
  list.Error(SpanOf(file, "aa"), "other");
  EXPECT_EQ(list.Sorted().size(), 2u);
}

TEST(DiagnosticList, CountsErrorsOnlyAsErrors) {
  const SourceFile file("f", "aa", 0);
  DiagnosticList list;
  EXPECT_TRUE(list.empty());
  list.Warning(SpanOf(file, "aa"), "w");
  list.Notice(SpanOf(file, "aa"), "n");
  EXPECT_FALSE(list.has_errors());
  EXPECT_FALSE(list.empty());
  list.Error(SpanOf(file, "aa"), "e");
  EXPECT_TRUE(list.has_errors());
}

TEST(DiagnosticList, ShowsErrorsFirstOnceThereAreTooMany) {
  const SourceFile file("f", std::string(2000, 'a'), 0);
  DiagnosticList list;
  for (uint32_t i = 0; i < 150; ++i) list.Warning({&file, i, i + 1}, "a warning");
  list.Error({&file, 1000, 1001}, "the error");
  const std::string text = list.Render();
  EXPECT_NE(text.find("the error"), std::string::npos);
  EXPECT_TRUE(text.ends_with("... and 51 more not shown\n")) << text.substr(text.size() - 100);
}

TEST(DiagnosticList, CountsWhatItNoLongerKeeps) {
  const SourceFile file("f", std::string(5000, 'a'), 0);
  DiagnosticList list;
  for (uint32_t i = 0; i < 3000; ++i) list.Warning({&file, i, i + 1}, "w");
  EXPECT_TRUE(list.full());
  EXPECT_EQ(list.Sorted().size(), static_cast<size_t>(kDiagnosticsKeptMax));
  list.Error({&file, 0, 1}, "late");
  EXPECT_TRUE(list.has_errors());
  EXPECT_TRUE(list.Render().ends_with("... and 2901 more not shown\n"));
}

}  // namespace
}  // namespace sluice::config
