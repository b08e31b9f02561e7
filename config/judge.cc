#include "config/judge.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/directives.h"
#include "config/parser.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "config/value.h"

namespace sluice::config {
namespace {

// The row of this name for this context; null if there is none.
const DirectiveSpec* FindSpec(std::string_view name, Context context) {
  for (const DirectiveSpec* spec : FindDirectives(name)) {
    if (spec->contexts & context) return spec;
  }
  return nullptr;
}

bool HasRightArity(const DirectiveSpec& spec, const Directive& directive) {
  const auto num_args = static_cast<int>(directive.args.size());
  return num_args >= spec.args.min && num_args <= spec.args.max;
}

void ReportNoSpec(const Directive& directive, Block& block, DiagnosticList& diagnostics) {
  const Word& name = directive.name;
  block.Mention(name.text);

  uint8_t contexts = 0;
  for (const DirectiveSpec* spec : FindDirectives(name.text)) contexts |= spec->contexts;
  if (contexts != 0) {
    diagnostics.Error(name.span, absl::StrCat("\"", name.text, "\" directive is not allowed in ",
                                              ContextNames(block.context()), ", it belongs in ",
                                              ContextNames(contexts)));
    return;
  }
  if (const RefusedDirective* refused = FindRefusedDirective(name.text)) {
    diagnostics.Error(name.span, absl::StrCat("directive \"", name.text, "\" ", refused->why));
    return;
  }
  std::string message = absl::StrCat("unknown directive ", Quote(name.text));
  if (!diagnostics.full()) {
    const std::vector<std::string_view> names = DirectiveNames(block.context());
    block.Mention(Nearest(name.text, names));
    message += DidYouMean(name.text, names);
  }
  diagnostics.Error(name.span, std::move(message));
}

// `spec` as it is written.
std::string UsageOf(const DirectiveSpec& spec) {
  return absl::StrCat(spec.name, spec.usage.empty() ? "" : " ", spec.usage);
}

// Form and arity.
bool FitsShape(const Directive& directive, const DirectiveSpec& spec, DiagnosticList& diagnostics) {
  const Word& name = directive.name;
  if (spec.form == Form::kBlock && !directive.is_block) {
    diagnostics.Error(
        name.span, absl::StrCat("directive \"", spec.name, "\" has no opening \"{\": expected \"",
                                UsageOf(spec), "\""));
    return false;
  }
  if (spec.form != Form::kBlock && directive.is_block) {
    diagnostics.Error(name.span, absl::StrCat("directive \"", spec.name,
                                              "\" is not terminated by \";\": expected \"",
                                              UsageOf(spec), ";\""));
    return false;
  }
  if (!HasRightArity(spec, directive)) {
    // At the first that is too many, or where one is missing.
    const bool too_many = static_cast<int>(directive.args.size()) > spec.args.max;
    const Span at = too_many ? directive.args[static_cast<size_t>(spec.args.max)].span : name.span;
    diagnostics.Error(at, absl::StrCat("invalid number of arguments in \"", spec.name,
                                       "\" directive: expected \"", UsageOf(spec),
                                       spec.form == Form::kBlock ? "\"" : ";\""));
    return false;
  }
  if (spec.form == Form::kFlag && !ParseFlag(directive.args[0].text).has_value()) {
    diagnostics.Error(directive.args[0].span,
                      absl::StrCat("invalid value ", Quote(directive.args[0].text), " in \"",
                                   spec.name, "\" directive, it must be \"on\" or \"off\""));
    return false;
  }
  return true;
}

// Whether `word` is the first of its line, seen from `previous`, and names a directive.
bool StartsDirective(const Word& previous, const Word& word) {
  const SourceFile& file = *word.span.file;
  return file.LineOf(word.span.begin) > file.LineOf(previous.span.end - 1) &&
         IsDirectiveName(word.text);
}

}  // namespace

Verdict JudgeDirective(const Directive& directive, Block& block, DiagnosticList& diagnostics) {
  const Word& name = directive.name;
  if (directive.broken) {
    block.Mention(name.text);
    return {};
  }
  const DirectiveSpec* spec = FindSpec(name.text, block.context());
  if (spec == nullptr) {
    ReportNoSpec(directive, block, diagnostics);
    return {};
  }
  if (!FitsShape(directive, *spec, diagnostics)) {
    block.Mention(spec->name);
    return {};
  }
  if (!spec->replaced_by.empty()) {
    diagnostics.Warning(name.span, absl::StrCat("\"", spec->name, "\" is deprecated, use \"",
                                                spec->replaced_by, "\" instead"));
    spec = FindSpec(spec->replaced_by, block.context());
  }
  const Directive* first = block.Record(spec->name, &directive);
  if (first != nullptr && spec->repeat == Repeat::kOnce) {
    diagnostics.Error(name.span,
                      absl::StrCat("\"", name.text, "\" directive is duplicate, the first is at ",
                                   first->name.span.Where()));
    return {};
  }
  if (!spec->no_effect.empty()) {
    diagnostics.Notice(
        name.span, absl::StrCat("\"", spec->name, "\" has no effect in sluice: ", spec->no_effect));
    return {};
  }
  return {.spec = spec, .is_first = first == nullptr};
}

std::vector<Directive> SplitAtMissingSemicolons(const Directive& directive, const Block& block,
                                                DiagnosticList& diagnostics) {
  const DirectiveSpec* spec = FindSpec(directive.name.text, block.context());
  const bool fits = spec != nullptr && HasRightArity(*spec, directive) &&
                    spec->args.max != kUnbounded &&
                    directive.is_block == (spec->form == Form::kBlock);
  if (fits || directive.broken) return {};

  std::vector<Directive> parts = {{.name = directive.name}};
  const Word* previous = &directive.name;
  for (const Word& arg : directive.args) {
    if (StartsDirective(*previous, arg)) {
      // Of a block the '{' is missing, not a ';': that is said when the part is judged.
      const DirectiveSpec* before = FindSpec(parts.back().name.text, block.context());
      if (before == nullptr || before->form != Form::kBlock) {
        ReportNotTerminated(parts.back().name, previous->span, diagnostics);
      }
      parts.push_back({.name = arg});
    } else {
      parts.back().args.push_back(arg);
    }
    previous = &arg;
  }
  if (parts.size() == 1) return {};
  parts.back().is_block = directive.is_block;
  parts.back().children = directive.children;
  return parts;
}

}  // namespace sluice::config
