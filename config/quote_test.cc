#include "config/quote.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::config {
namespace {

TEST(Quote, LeavesPlainTextAndUtf8Alone) {
  EXPECT_EQ(Quote(""), "\"\"");
  EXPECT_EQ(Quote("/etc/\xC3\xA4.crt"), "\"/etc/\xC3\xA4.crt\"");
}

TEST(Quote, EscapesWhatWouldDriveATerminal) {
  EXPECT_EQ(Quote("a\n\t\r\x1B[2J\x7F"), "\"a\\n\\t\\r\\x1B[2J\\x7F\"");
}

TEST(QuoteWhole, CutsNothing) {
  EXPECT_EQ(QuoteWhole(std::string(1000, 'x')), "\"" + std::string(1000, 'x') + "\"");
}

TEST(Quote, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(Quote(std::string(200, 'x')), "\"" + std::string(200, 'x') + "\"");
  EXPECT_EQ(Quote(std::string(201, 'x')), "\"" + std::string(200, 'x') + "...\"");
  EXPECT_EQ(Quote(std::string(199, 'x') + "\xC3\xA4"), "\"" + std::string(199, 'x') + "...\"");
}

TEST(EscapeControls, LeavesAllElseAsItIs) {
  EXPECT_EQ(EscapeControls("a \"b\" \\x \xC3\xA4\n\x1B[0m\x7F"),
            "a \"b\" \\x \xC3\xA4\\n\\x1B[0m\\x7F");
}

}  // namespace
}  // namespace sluice::config
