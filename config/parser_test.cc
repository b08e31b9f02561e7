#include "config/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "config/diagnostic.h"
#include "config/limits.h"
#include "config/source_text.h"
#include "config/tree.h"

namespace sluice::config {
namespace {

struct Parsed {
  std::string dump;
  std::string messages;  // "LINE:COLUMN message\n"...
};

Parsed ParseText(const std::string& text) {
  const SourceFile file("f", text, 0);
  DiagnosticList diagnostics;
  Parsed parsed;
  parsed.dump = DumpTree(Parse(file, diagnostics));
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    parsed.messages += std::to_string(diagnostic.place.line) + ":" +
                       std::to_string(diagnostic.place.column) + " " + diagnostic.message + "\n";
  }
  return parsed;
}

TEST(Parser, BuildsBlocksWithinBlocks) {
  const Parsed parsed = ParseText("a 1;stream{server{listen 80;}b;}c{}");
  EXPECT_EQ(parsed.dump,
            "[a] [1]\n"
            "[stream] {\n"
            "  [server] {\n"
            "    [listen] [80]\n"
            "  }\n"
            "  [b]\n"
            "}\n"
            "[c] {\n"
            "}\n");
  EXPECT_EQ(parsed.messages, "");
}

TEST(Parser, TakesAnEmptyText) {
  EXPECT_EQ(ParseText("").dump, "");
  EXPECT_EQ(ParseText("# nothing").messages, "");
}

TEST(Parser, ReportsMarksWithoutADirectiveAndGoesOn) {
  const Parsed parsed = ParseText(";a;{b;{c;}}d;}e;");
  EXPECT_EQ(parsed.dump, "[a]\n[d]\n[e]\n");
  EXPECT_EQ(parsed.messages,
            "1:1 unexpected \";\": no directive stands before it\n"
            "1:4 unexpected \"{\": no directive stands before it\n"
            "1:14 unexpected \"}\": no block is open here\n");
}

TEST(Parser, TakesTheEndOfABlockForAMissingSemicolon) {
  const Parsed parsed = ParseText("a{b 1 }c;");
  EXPECT_EQ(parsed.dump, "[a] {\n  [b] [1]\n}\n[c]\n");
  EXPECT_EQ(parsed.messages, "1:5 directive \"b\" is not terminated by \";\": expected one here\n");
}

TEST(Parser, ReportsAnUnfinishedDirectiveAtTheEnd) {
  EXPECT_EQ(ParseText("a;\nb 12\n# x").messages,
            "2:4 directive \"b\" is not terminated by \";\": expected one here\n");
}

TEST(Parser, ReportsOnlyTheInnermostBlockThatIsOpen) {
  EXPECT_EQ(ParseText("a{\nb{\nc;").messages,
            "3:3 unexpected end of file, expecting \"}\" to close \"b\" of line 2\n");
}

TEST(Parser, BoundsTheDepthOfBlocks) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "a{";
  const Parsed parsed = ParseText(deep + "b;");
  EXPECT_NE(parsed.messages.find("more than 32 blocks within each other"), std::string::npos);
  EXPECT_NE(parsed.messages.find("unexpected end of file"), std::string::npos);

  std::string nested = "x;";
  for (int i = 0; i < kBlockDepthMax; ++i) nested = "a{" + nested + "}";
  EXPECT_EQ(ParseText(nested).messages, "");
}

TEST(Parser, MarksDirectivesWithABrokenWord) {
  EXPECT_EQ(ParseText("a \"b\"c d;e;").dump, "[a] [b] [d] broken\n[e]\n");
}

}  // namespace
}  // namespace sluice::config
