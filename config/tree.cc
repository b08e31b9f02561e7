#include "config/tree.h"

#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

void Dump(const Tree& tree, int indent, std::string* out) {
  for (const Directive& directive : tree) {
    absl::StrAppend(out, std::string(indent, ' '), "[", directive.name.text, "]");
    for (const Word& arg : directive.args) absl::StrAppend(out, " [", arg.text, "]");
    if (directive.broken) absl::StrAppend(out, " broken");
    if (directive.is_block) {
      absl::StrAppend(out, " {\n");
      Dump(directive.children, indent + 2, out);
      absl::StrAppend(out, std::string(indent, ' '), "}");
    }
    absl::StrAppend(out, "\n");
  }
}

}  // namespace

std::string DumpTree(const Tree& tree) {
  std::string out;
  Dump(tree, 0, &out);
  return out;
}

}  // namespace sluice::config
