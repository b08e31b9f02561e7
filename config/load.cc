#include "config/load.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "config/compile.h"
#include "config/include.h"
#include "config/parser.h"
#include "config/quote.h"
#include "config/read_file.h"

namespace sluice::config {
namespace {

// nginx's rule: -g is for simple directives.
Tree ParseGlobals(const SourceFile& source, DiagnosticList& diagnostics) {
  Tree tree = Parse(source, diagnostics);
  std::erase_if(tree, [&diagnostics](const Directive& directive) {
    if (!directive.is_block) return false;
    diagnostics.Error(directive.name.span, "block directives are not supported in -g option");
    return true;
  });
  return tree;
}

}  // namespace

LoadResult Load(const LoadOptions& options) {
  LoadResult result;
  SourceSet sources(options.system.read_file);
  const SourceFile* globals = sources.AddText("-g", options.globals);
  const std::string path = ResolvePath(options.prefix, options.file);
  const absl::StatusOr<const SourceFile*> source = sources.Read(path);
  if (!source.ok()) {
    result.diagnostics.Error({}, absl::StrCat("cannot read the configuration file ", Quote(path),
                                              ": ", source.status().message()));
    return result;
  }
  const Tree globals_tree = ParseGlobals(*globals, result.diagnostics);
  const Tree tree = Parse(**source, result.diagnostics);
  const CompileInput input{.globals = globals_tree,
                           .main = tree,
                           .main_source = *source,
                           .prefix = options.prefix,
                           .conf_directory = DirectoryOf(path),
                           .default_pid_file = options.default_pid_file,
                           .default_error_log = options.default_error_log,
                           .system = options.system,
                           .check_tls = options.check_tls,
                           .check_client_tls = options.check_client_tls};
  Includer includer(input.conf_directory, input.system, sources, result.diagnostics);
  result.plan = Compile(input, includer, result.diagnostics);
  result.files = std::move(sources).TakeFiles();
  return result;
}

}  // namespace sluice::config
