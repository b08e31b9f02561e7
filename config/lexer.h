// Configuration text -> tokens, by nginx's rules (ngx_conf_read_token):
//
//   word     anything up to a blank, ';' or '{'. `${` does not end it; '}' and '#' inside do not.
//   "..."    or '...': blanks, ';' and braces are text. Behind the closing quote there must be a
//            blank, ';', '{' or ')'.
//   \        takes the next character with it. \" \' \\ \t \r \n become what they stand for; of
//            any other pair both characters stay.
//   #        at the start of a token: a comment up to the end of the line.
#ifndef SLUICE_CONFIG_LEXER_H_
#define SLUICE_CONFIG_LEXER_H_

#include <cstdint>
#include <string>

#include "config/diagnostic.h"
#include "config/source_text.h"

namespace sluice::config {

struct Token {
  enum class Kind : uint8_t { kWord, kSemicolon, kOpenBrace, kCloseBrace, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;     // kWord only: without quotes, escapes undone.
  bool broken = false;  // kWord only: a problem with it has been reported.
  Span span;            // With quotes. kEnd: empty, behind the last character.
};

class Lexer {
 public:
  // Both must outlive the lexer. A file with a NUL byte is no text: it is reported once and has no
  // tokens.
  Lexer(const SourceFile& file, DiagnosticList& diagnostics);

  // The next token; kEnd for ever after the last. What is wrong is reported, and the lexer goes on
  // at the most likely place: behind a quote that is not closed, with the rest of its line.
  Token Next();

 private:
  void SkipBlanksAndComments();
  Token LexMark(Token::Kind kind);
  Token LexWord();
  Token LexQuoted();
  Token WordToken(size_t begin, size_t text_begin, size_t text_end) const;
  // Ends a quoted word that should have been closed, within its first line, and reports `message`.
  Token CutQuoted(size_t begin, std::string message);
  Span SpanOf(size_t begin, size_t end) const;

  const SourceFile& file_;
  const std::string& text_;
  DiagnosticList& diagnostics_;
  size_t pos_ = 0;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_LEXER_H_
