#include "config/include.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "config/parser.h"
#include "config/quote.h"
#include "config/read_file.h"

namespace sluice::config {

Includer::Includer(std::string directory, const System& system, SourceSet& sources,
                   DiagnosticList& diagnostics)
    : directory_(std::move(directory)),
      system_(system),
      sources_(sources),
      diagnostics_(diagnostics) {}

std::vector<const IncludedFile*> Includer::Open(const Word& pattern) {
  const std::string path = ResolvePath(directory_, pattern.text);
  const auto known = by_pattern_.find(path);
  if (known != by_pattern_.end()) return known->second;

  bool all_read = true;
  std::vector<const IncludedFile*> files;
  for (const std::string& name : Expand(pattern, path)) {
    const absl::StatusOr<const SourceFile*> source = sources_.Read(name);
    if (!source.ok()) {
      diagnostics_.Error(pattern.span, absl::StrCat("cannot include ", Quote(name), ": ",
                                                    source.status().message()));
      all_read = false;
      continue;
    }
    const IncludedFile*& file = by_source_[*source];
    if (file == nullptr) {
      files_.push_back({.source = *source, .tree = Parse(**source, diagnostics_)});
      file = &files_.back();
    }
    files.push_back(file);
  }
  // A failure is looked for, and reported, at every place that includes the file.
  if (all_read) by_pattern_[path] = files;
  return files;
}

std::vector<std::string> Includer::Expand(const Word& pattern, const std::string& path) {
  // The same test as nginx's: without one of these it must be a file that is there.
  if (path.find_first_of("*?[") == std::string::npos) return {path};
  absl::StatusOr<std::vector<std::string>> names = system_.match_files(path);
  if (names.ok()) return *std::move(names);
  diagnostics_.Error(pattern.span,
                     absl::StrCat("cannot list ", Quote(path), ": ", names.status().message()));
  return {};
}

}  // namespace sluice::config
