#include "config/lexer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/limits.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool EndsWord(char c) { return IsBlank(c) || c == ';' || c == '{'; }

std::string Unescape(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      text += raw[i];
      continue;
    }
    switch (const char next = raw[++i]) {
      case '"':
      case '\'':
      case '\\':
        text += next;
        break;
      case 't':
        text += '\t';
        break;
      case 'r':
        text += '\r';
        break;
      case 'n':
        text += '\n';
        break;
      default:
        text += '\\';
        text += next;
    }
  }
  return text;
}

}  // namespace

Lexer::Lexer(const SourceFile& file, DiagnosticList& diagnostics)
    : file_(file), text_(file.text()), diagnostics_(diagnostics) {
  const size_t nul = text_.find('\0');
  if (nul != std::string::npos) {
    diagnostics_.Error(SpanOf(nul, nul + 1), "NUL byte: this is not a configuration file");
    pos_ = text_.size();
  } else if (text_.starts_with(kByteOrderMark)) {
    diagnostics_.Error(SpanOf(0, kByteOrderMark.size()),
                       "the file starts with a UTF-8 byte order mark: save it without one");
    pos_ = kByteOrderMark.size();
  }
}

Span Lexer::SpanOf(size_t begin, size_t end) const {
  return {&file_, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
}

Token Lexer::Next() {
  SkipBlanksAndComments();
  if (pos_ >= text_.size()) {
    return {.kind = Token::Kind::kEnd, .span = SpanOf(text_.size(), text_.size())};
  }
  switch (text_[pos_]) {
    case ';':
      return LexMark(Token::Kind::kSemicolon);
    case '{':
      return LexMark(Token::Kind::kOpenBrace);
    case '}':
      return LexMark(Token::Kind::kCloseBrace);
    case '"':
    case '\'':
      return LexQuoted();
    default:
      return LexWord();
  }
}

void Lexer::SkipBlanksAndComments() {
  while (pos_ < text_.size()) {
    if (IsBlank(text_[pos_])) {
      ++pos_;
    } else if (text_[pos_] == '#') {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else {
      return;
    }
  }
}

Token Lexer::LexMark(Token::Kind kind) {
  ++pos_;
  return {.kind = kind, .span = SpanOf(pos_ - 1, pos_)};
}

Token Lexer::WordToken(size_t begin, size_t text_begin, size_t text_end) const {
  return {.kind = Token::Kind::kWord,
          .text = Unescape(std::string_view(text_).substr(text_begin, text_end - text_begin)),
          .span = SpanOf(begin, pos_)};
}

Token Lexer::LexWord() {
  const size_t begin = pos_;
  bool after_dollar = false;
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (EndsWord(c) && !(c == '{' && after_dollar)) break;
    after_dollar = c == '$';
    pos_ = std::min(pos_ + (c == '\\' ? 2 : 1), text_.size());
  }
  if (pos_ - begin <= kWordBytesMax) return WordToken(begin, begin, pos_);

  diagnostics_.Error(
      SpanOf(begin, begin + 1),
      absl::StrCat("too long parameter ", Quote(std::string_view(text_).substr(begin, 20)),
                   "...: ", pos_ - begin, " bytes, at most ", kWordBytesMax));
  return {.kind = Token::Kind::kWord, .broken = true, .span = SpanOf(begin, pos_)};
}

Token Lexer::LexQuoted() {
  const size_t begin = pos_;
  const char quote = text_[begin];
  const size_t limit = std::min(text_.size(), begin + 1 + kWordBytesMax);
  ++pos_;
  while (pos_ < limit && text_[pos_] != quote) pos_ += text_[pos_] == '\\' ? 2 : 1;
  if (pos_ >= limit) {
    const char* why = limit == text_.size() ? "is not closed before the end of the file"
                                            : "is not closed within 4096 bytes";
    return CutQuoted(begin, absl::StrCat("the quote ", std::string(1, quote), " opened here ", why,
                                         ": a closing ", std::string(1, quote), " is missing"));
  }
  const size_t text_end = pos_++;
  // ')' is nginx's own exception: it starts the next word.
  if (pos_ == text_.size() || EndsWord(text_[pos_]) || text_[pos_] == ')') {
    return WordToken(begin, begin + 1, text_end);
  }

  const std::string next = Quote(std::string_view(text_).substr(pos_, 1));
  const int line = file_.LineOf(static_cast<uint32_t>(pos_));
  if (line != file_.LineOf(static_cast<uint32_t>(begin))) {
    // Most likely the quote that closes this one opens another one down there.
    return CutQuoted(begin, absl::StrCat("the quote opened here is closed in line ", line,
                                         ", followed by an unexpected ", next,
                                         ": is its own closing quote missing?"));
  }
  diagnostics_.Error(SpanOf(pos_, pos_ + 1),
                     absl::StrCat("unexpected ", next,
                                  " after a closing quote: expected a space, \";\" or \"{\""));
  while (pos_ < text_.size() && !EndsWord(text_[pos_])) ++pos_;
  Token token = WordToken(begin, begin + 1, text_end);
  token.broken = true;
  return token;
}

Token Lexer::CutQuoted(size_t begin, std::string message) {
  diagnostics_.Error(SpanOf(begin, begin + 1), std::move(message));
  const size_t line_end = std::min(text_.find('\n', begin), text_.size());
  const size_t semicolon = std::string_view(text_).substr(begin, line_end - begin).rfind(';');
  const size_t end = semicolon == std::string_view::npos ? line_end : begin + semicolon;
  pos_ = end;
  Token token = WordToken(begin, begin + 1, end);
  token.broken = true;
  return token;
}

}  // namespace sluice::config
