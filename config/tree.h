// The parsed form of a configuration text: directives within blocks, nothing known about any of
// them. Plain data.
#ifndef SLUICE_CONFIG_TREE_H_
#define SLUICE_CONFIG_TREE_H_

#include <string>
#include <vector>

#include "config/source_text.h"

namespace sluice::config {

// The name of a directive or one of its arguments.
struct Word {
  std::string text;  // Without quotes, escapes undone. May be empty if it was quoted.
  Span span;         // With quotes.
};

// `name arg arg;` or `name arg { children }`.
struct Directive {
  Word name;
  std::vector<Word> args;
  bool is_block = false;
  // A problem within its words has been reported: what it says is not to be judged further.
  bool broken = false;
  std::vector<Directive> children;
};

using Tree = std::vector<Directive>;

// One line for each directive, words in brackets, blocks indented by two:
//   [server] {
//     [listen] [12345]
//   }
std::string DumpTree(const Tree& tree);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TREE_H_
