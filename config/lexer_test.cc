#include "config/lexer.h"

#include <gtest/gtest.h>

#include <string>

#include "config/diagnostic.h"
#include "config/source_text.h"

namespace sluice::config {
namespace {

// All tokens of `text`: words in brackets, with "!" if broken, marks as they are.
std::string Tokens(const std::string& text, DiagnosticList& diagnostics) {
  const SourceFile file("f", text, 0);
  Lexer lexer(file, diagnostics);
  std::string out;
  for (;;) {
    const Token token = lexer.Next();
    switch (token.kind) {
      case Token::Kind::kWord:
        out += "[" + token.text + "]" + (token.broken ? "!" : "");
        break;
      case Token::Kind::kSemicolon:
        out += ";";
        break;
      case Token::Kind::kOpenBrace:
        out += "{";
        break;
      case Token::Kind::kCloseBrace:
        out += "}";
        break;
      case Token::Kind::kEnd:
        return out;
    }
  }
}

// The same for a text in which nothing is wrong.
std::string GoodTokens(const std::string& text) {
  DiagnosticList diagnostics;
  std::string tokens = Tokens(text, diagnostics);
  EXPECT_EQ(diagnostics.Render(), "") << text;
  return tokens;
}

// The first message about `text`, as LINE:COLUMN MESSAGE, and all tokens.
struct Bad {
  std::string tokens;
  std::string first;
  size_t num_diagnostics = 0;
};
Bad BadTokens(const std::string& text) {
  DiagnosticList diagnostics;
  Bad bad;
  bad.tokens = Tokens(text, diagnostics);
  const std::vector<Diagnostic> sorted = diagnostics.Sorted();
  bad.num_diagnostics = sorted.size();
  if (!sorted.empty()) {
    bad.first = std::to_string(sorted[0].place.line) + ":" +
                std::to_string(sorted[0].place.column) + " " + sorted[0].message;
  }
  return bad;
}

TEST(Lexer, SplitsAtBlanksAndMarks) {
  EXPECT_EQ(GoodTokens("a b;c{d;}\n"), "[a][b];[c]{[d];}");
  EXPECT_EQ(GoodTokens(" \t\r\na\t;"), "[a];");
  EXPECT_EQ(GoodTokens(""), "");
}

TEST(Lexer, TakesCommentsOnlyAtTheStartOfAToken) {
  EXPECT_EQ(GoodTokens("# x; {\na#b; # y\n;#z"), "[a#b];;");
}

TEST(Lexer, KeepsClosingBracesInWords) { EXPECT_EQ(GoodTokens("a}b } c};"), "[a}b]}[c}];"); }

TEST(Lexer, KeepsVariablesTogether) {
  EXPECT_EQ(GoodTokens("${a}b $c;"), "[${a}b][$c];");
  EXPECT_EQ(GoodTokens("x${a}{"), "[x${a}]{");
  EXPECT_EQ(GoodTokens("$a{"), "[$a]{");
  EXPECT_EQ(GoodTokens("a$\\{;"), "[a$\\{];");
}

TEST(Lexer, TakesQuotesOnlyAtTheStartOfAToken) {
  EXPECT_EQ(GoodTokens("\"a;{}# b\" 'c \"d\"' \"it's\" x'y"), "[a;{}# b][c \"d\"][it's][x'y]");
  EXPECT_EQ(GoodTokens("a \"\";"), "[a][];");
}

TEST(Lexer, UndoesTheEscapesThatNginxKnows) {
  EXPECT_EQ(GoodTokens(R"("\"\'\\\t\r\n\d\;" a\ b\;c \# '\'';)"),
            "[\"'\\\t\r\n\\d\\;][a\\ b\\;c][\\#]['];");
}

TEST(Lexer, LetsABracketFollowAQuote) { EXPECT_EQ(GoodTokens("'a') \"b\"{"), "[a][)][b]{"); }

TEST(Lexer, ReportsWhatSticksToAQuote) {
  const Bad bad = BadTokens("a \"b\"c d;");
  EXPECT_EQ(bad.tokens, "[a][b]![d];");
  EXPECT_EQ(bad.first,
            "1:6 unexpected \"c\" after a closing quote: expected a space, \";\" or \"{\"");
}

TEST(Lexer, GoesOnInTheNextLineAfterAQuoteThatIsNotClosed) {
  const Bad bad = BadTokens("a 'b;\nc d;");
  EXPECT_EQ(bad.tokens, "[a][b]!;[c][d];");
  EXPECT_EQ(bad.first,
            "1:3 the quote ' opened here is not closed before the end of the file: a closing ' is "
            "missing");
}

TEST(Lexer, FindsTheQuoteThatWasMeantToBeClosed) {
  const Bad bad = BadTokens("a \"b;\nc \"d\";\n");
  EXPECT_EQ(bad.tokens, "[a][b]!;[c][d];");
  EXPECT_EQ(bad.num_diagnostics, 1u);
  EXPECT_EQ(bad.first.substr(0, 40), "1:3 the quote opened here is closed in l");
}

TEST(Lexer, EndsAtABackslashInFrontOfTheEnd) {
  EXPECT_EQ(GoodTokens("a\\"), "[a\\]");
  EXPECT_EQ(BadTokens("'a\\").tokens, "[a\\]!");
}

TEST(Lexer, BoundsWords) {
  EXPECT_EQ(GoodTokens(std::string(4096, 'x')).size(), 4098u);
  const Bad bad = BadTokens("a " + std::string(4097, 'x') + ";b;");
  EXPECT_EQ(bad.tokens, "[a][]!;[b];");
  EXPECT_EQ(bad.num_diagnostics, 1u);

  EXPECT_EQ(GoodTokens("'" + std::string(4095, 'x') + "';").size(), 4098u);
  EXPECT_EQ(BadTokens("'" + std::string(5000, 'x') + "';").num_diagnostics, 1u);
}

TEST(Lexer, ReportsANulByteOnceAndGivesNoTokens) {
  const Bad bad = BadTokens(std::string("a b;\nc\0{{{\0", 11));
  EXPECT_EQ(bad.tokens, "");
  EXPECT_EQ(bad.first, "2:2 NUL byte: this is not a configuration file");
  EXPECT_EQ(bad.num_diagnostics, 1u);
}

TEST(Lexer, ReportsAByteOrderMark) {
  const Bad bad = BadTokens(
      "\xEF\xBB\xBF"
      "a;");
  EXPECT_EQ(bad.tokens, "[a];");
  EXPECT_EQ(bad.num_diagnostics, 1u);
}

TEST(Lexer, SpansAWordWithItsQuotes) {
  const SourceFile file("f", " 'ab' c", 0);
  DiagnosticList diagnostics;
  Lexer lexer(file, diagnostics);
  const Token quoted = lexer.Next();
  EXPECT_EQ(quoted.span.begin, 1u);
  EXPECT_EQ(quoted.span.end, 5u);
  const Token plain = lexer.Next();
  EXPECT_EQ(plain.span.begin, 6u);
  EXPECT_EQ(plain.span.end, 7u);
  EXPECT_EQ(lexer.Next().span.begin, 7u);
}

}  // namespace
}  // namespace sluice::config
