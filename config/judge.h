// Whether a directive, as written, fits a row of the tables, and what was probably meant if not.
#ifndef SLUICE_CONFIG_JUDGE_H_
#define SLUICE_CONFIG_JUDGE_H_

#include <vector>

#include "config/diagnostic.h"
#include "config/directive.h"
#include "config/scope.h"
#include "config/tree.h"

namespace sluice::config {

struct Verdict {
  const DirectiveSpec* spec = nullptr;  // Null: wrong, and reported, or without effect.
  bool is_first = true;                 // Of its name in its block.
};

// Looks up the row of `directive` in the context of `block` and checks all that a row says by its
// fields: context, form, arity, on|off, repetition. Records the directive in `block`.
Verdict JudgeDirective(const Directive& directive, Block& block, DiagnosticList& diagnostics);

// A forgotten ';' makes the next line a part of the directive: `listen 80` and `proxy_pass b;`
// become one. If `directive` does not fit its row, and a line within it starts with the name of a
// directive, the missing ';' is reported there and the parts are returned, in order. Else empty.
std::vector<Directive> SplitAtMissingSemicolons(const Directive& directive, const Block& block,
                                                DiagnosticList& diagnostics);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_JUDGE_H_
