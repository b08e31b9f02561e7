#include "config/parser.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "config/lexer.h"
#include "config/limits.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

class Parser {
 public:
  Parser(const SourceFile& file, DiagnosticList& diagnostics)
      : lexer_(file, diagnostics), diagnostics_(diagnostics) {
    Advance();
  }

  // Directives up to the end of the file or, with an `opener`, up to the '}' that closes it.
  Tree ParseBlock(const Directive* opener, int depth) {
    Tree tree;
    for (;;) {
      switch (token_.kind) {
        case Token::Kind::kWord:
          tree.push_back(ParseDirective(depth));
          break;
        case Token::Kind::kSemicolon:
          diagnostics_.Error(token_.span, "unexpected \";\": no directive stands before it");
          Advance();
          break;
        case Token::Kind::kOpenBrace:
          diagnostics_.Error(token_.span, "unexpected \"{\": no directive stands before it");
          SkipBlock();
          break;
        case Token::Kind::kCloseBrace:
          if (opener == nullptr) {
            diagnostics_.Error(token_.span, "unexpected \"}\": no block is open here");
          }
          Advance();
          if (opener != nullptr) return tree;
          break;
        case Token::Kind::kEnd:
          if (opener != nullptr) ReportOpenBlock(opener->name);
          return tree;
      }
    }
  }

 private:
  void Advance() { token_ = lexer_.Next(); }

  Directive ParseDirective(int depth) {
    Directive directive;
    directive.name = TakeWord(&directive.broken);
    while (token_.kind == Token::Kind::kWord) {
      directive.args.push_back(TakeWord(&directive.broken));
    }
    switch (token_.kind) {
      case Token::Kind::kOpenBrace:
        directive.is_block = true;
        if (depth == kBlockDepthMax) {
          diagnostics_.Error(
              token_.span, absl::StrCat("more than ", kBlockDepthMax, " blocks within each other"));
          SkipBlock();
        } else {
          Advance();
          directive.children = ParseBlock(&directive, depth + 1);
        }
        break;
      case Token::Kind::kSemicolon:
        Advance();
        break;
      case Token::Kind::kCloseBrace:
      case Token::Kind::kEnd:
        ReportNotTerminated(
            directive.name,
            directive.args.empty() ? directive.name.span : directive.args.back().span,
            diagnostics_);
        break;
      case Token::Kind::kWord:
        break;
    }
    return directive;
  }

  Word TakeWord(bool* broken) {
    *broken = *broken || token_.broken;
    Word word{.text = std::move(token_.text), .span = token_.span};
    Advance();
    return word;
  }

  // Skips from a '{' to behind its '}' without recursion: what is in there can be anything.
  void SkipBlock() {
    const Span open = token_.span;
    int depth = 0;
    do {
      if (token_.kind == Token::Kind::kOpenBrace) ++depth;
      if (token_.kind == Token::Kind::kCloseBrace) --depth;
      if (token_.kind == Token::Kind::kEnd) {
        ReportOpenBlock({.text = "{", .span = open});
        return;
      }
      Advance();
    } while (depth > 0);
  }

  // Only for the innermost block: all others end at the same place for the same reason.
  void ReportOpenBlock(const Word& name) {
    if (reported_open_block_) return;
    reported_open_block_ = true;
    diagnostics_.Error(
        token_.span,
        absl::StrCat("unexpected end of file, expecting \"}\" to close ", Quote(name.text),
                     " of line ", name.span.file->LineOf(name.span.begin)));
  }

  Lexer lexer_;
  DiagnosticList& diagnostics_;
  Token token_;
  bool reported_open_block_ = false;
};

}  // namespace

Tree Parse(const SourceFile& file, DiagnosticList& diagnostics) {
  return Parser(file, diagnostics).ParseBlock(/*opener=*/nullptr, /*depth=*/0);
}

void ReportNotTerminated(const Word& name, Span last, DiagnosticList& diagnostics) {
  last.begin = last.end - 1;
  diagnostics.Error(last, absl::StrCat("directive ", Quote(name.text),
                                       " is not terminated by \";\": expected one here"));
}

}  // namespace sluice::config
