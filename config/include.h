// The files that `include` names.
#ifndef SLUICE_CONFIG_INCLUDE_H_
#define SLUICE_CONFIG_INCLUDE_H_

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/diagnostic.h"
#include "config/source_text.h"
#include "config/system.h"
#include "config/tree.h"

namespace sluice::config {

struct IncludedFile {
  const SourceFile* source = nullptr;
  Tree tree;
};

// Reads and parses each file once, however often it is included, and owns the trees.
class Includer {
 public:
  // `directory`: what relative names start from, the main file's folder. All others must outlive
  // the includer.
  Includer(std::string directory, const System& system, SourceSet& sources,
           DiagnosticList& diagnostics);

  // The files that `pattern` means, in the order in which they are to be read: the one of that
  // name, or, with one of `*?[` in it, all that match, sorted; that may be none. What cannot be
  // read is reported at `pattern` and left out.
  std::vector<const IncludedFile*> Open(const Word& pattern);

 private:
  std::vector<std::string> Expand(const Word& pattern, const std::string& path);

  const std::string directory_;
  const System& system_;
  SourceSet& sources_;
  DiagnosticList& diagnostics_;
  std::deque<IncludedFile> files_;
  std::unordered_map<const SourceFile*, const IncludedFile*> by_source_;
  std::unordered_map<std::string, std::vector<const IncludedFile*>> by_pattern_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_INCLUDE_H_
