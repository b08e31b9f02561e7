#include "config/compile.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/judge.h"
#include "config/limits.h"
#include "config/linker.h"
#include "config/quote.h"
#include "config/resolver.h"
#include "config/scope.h"

namespace sluice::config {
namespace {

// A block that is to be entered once its surroundings are complete.
struct PendingBlock {
  const Directive* node;
  Context inside;
};

// Where directives are being set, and the blocks met on the way.
struct Site {
  Block& block;
  ServerScope* server = nullptr;
  UpstreamScope* upstream = nullptr;
  std::vector<PendingBlock> pending = {};
};

class Compiler {
 public:
  Compiler(const CompileInput& input, Includer& includer, DiagnosticList& diagnostics)
      : input_(input),
        includer_(includer),
        diagnostics_(diagnostics),
        resolver_(input.system),
        linker_(input.system, resolver_, diagnostics) {}

  std::optional<Plan> Run() {
    Block block(kMain, /*node=*/nullptr, /*around=*/nullptr);
    Site site{.block = block};
    Walk(input_.globals, site);
    open_files_.push_back(input_.main_source);
    Walk(input_.main, site);
    open_files_.pop_back();
    FinishProcess(block);
    for (const PendingBlock& pending : site.pending) {
      if (pending.inside == kEvents) CompileEvents(*pending.node);
      if (pending.inside == kStream) CompileStream(*pending.node);
    }
    if (!block.Mentions("stream") && !diagnostics_.has_errors()) {
      diagnostics_.Error({},
                         absl::StrCat("no \"stream\" block in ", Quote(input_.main_source->name()),
                                      ": there is nothing to proxy"));
    }
    Plan plan = std::move(linker_).Finish(std::move(main_.process), std::move(variables_),
                                          input_.check_tls, input_.check_client_tls);
    if (diagnostics_.has_errors()) return std::nullopt;
    return plan;
  }

 private:
  // --- The walk over one block ------------------------------------------------------------------

  // Sets every simple directive of `tree`, with what it includes, in the order of the text, and
  // leaves its blocks in `site.pending`: what surrounds a block is complete before it is entered.
  void Walk(const Tree& tree, Site& site) {
    for (const Directive& directive : tree) {
      std::vector<Directive> parts = SplitAtMissingSemicolons(directive, site.block, diagnostics_);
      if (parts.empty()) {
        Visit(directive, site);
        continue;
      }
      for (Directive& part : parts) {
        split_off_.push_back(std::move(part));
        Visit(split_off_.back(), site);
      }
    }
  }

  void Visit(const Directive& directive, Site& site) {
    if (num_directives_ == kDirectivesMax) {
      diagnostics_.Error(directive.name.span,
                         absl::StrCat("more than ", kDirectivesMax,
                                      " directives, counting each included file as often as it is "
                                      "included"));
    }
    if (++num_directives_ > kDirectivesMax) return;

    const Verdict verdict = JudgeDirective(directive, site.block, diagnostics_);
    if (verdict.spec == nullptr) return;
    if (verdict.spec->form == Form::kBlock) {
      site.pending.push_back({&directive, verdict.spec->inside});
    } else if (verdict.spec->set == nullptr) {
      Include(directive.args[0], site);
    } else {
      Call call{.directive = directive,
                .spec = *verdict.spec,
                .is_first = verdict.is_first,
                .prefix = input_.prefix,
                .conf_directory = input_.conf_directory,
                .system = input_.system,
                .resolver = resolver_,
                .diagnostics = diagnostics_,
                .variables = variables_,
                .main = main_,
                .server = site.server,
                .upstream = site.upstream};
      verdict.spec->set(call);
    }
  }

  void Include(const Word& pattern, Site& site) {
    for (const IncludedFile* file : includer_.Open(pattern)) {
      if (std::find(open_files_.begin(), open_files_.end(), file->source) != open_files_.end()) {
        diagnostics_.Error(pattern.span,
                           absl::StrCat(Quote(file->source->name()),
                                        " includes itself, here or by way of others"));
        continue;
      }
      if (open_files_.size() > kIncludeDepthMax) {
        diagnostics_.Error(pattern.span, absl::StrCat("more than ", kIncludeDepthMax,
                                                      " files that include each other"));
        continue;
      }
      open_files_.push_back(file->source);
      Walk(file->tree, site);
      open_files_.pop_back();
    }
  }

  // --- Contexts ---------------------------------------------------------------------------------

  void FinishProcess(const Block& block) {
    Process& process = main_.process;
    const std::vector<int>& usable_cpus = input_.system.usable_cpus;
    if (main_.shards_auto) {
      process.num_shards = std::min(static_cast<int>(usable_cpus.size()), kShardsMax);
    }
    if (process.pid_file.empty()) process.pid_file = input_.default_pid_file;
    // As in nginx, where there is a file to tell what does not get to a syslog server.
    if (std::all_of(process.error_logs.begin(), process.error_logs.end(),
                    [](const ErrorLog& log) { return log.syslog.has_value(); })) {
      process.error_logs.push_back(input_.default_error_log);
    }
    if (block.SetBy("worker_cpu_affinity") != nullptr) {
      FinishAffinity(block.SetBy("worker_cpu_affinity")->name);
    }
  }

  void FinishAffinity(const Word& name) {
    Process& process = main_.process;
    const std::vector<int>& usable_cpus = input_.system.usable_cpus;
    for (const std::vector<int>& mask : main_.cpu_masks) {
      for (const int cpu : mask) {
        if (std::find(usable_cpus.begin(), usable_cpus.end(), cpu) != usable_cpus.end()) continue;
        diagnostics_.Warning(name.span, absl::StrCat("CPU ", cpu, " is not usable here"));
      }
    }
    if (main_.affinity_auto) {
      for (const int cpu : main_.cpu_masks.empty() ? usable_cpus : main_.cpu_masks[0]) {
        process.shard_cpus.push_back({cpu});
      }
      return;
    }
    if (main_.cpu_masks.empty()) return;  // None was good: reported.
    const auto num_shards = static_cast<size_t>(process.num_shards);
    if (main_.cpu_masks.size() != num_shards) {
      diagnostics_.Warning(name.span,
                           absl::StrCat(main_.cpu_masks.size(), " masks for ", num_shards,
                                        " worker_processes: the last mask is used for those that "
                                        "have none, masks that are too many for nothing"));
    }
    process.shard_cpus = main_.cpu_masks;
    process.shard_cpus.resize(num_shards, main_.cpu_masks.back());
  }

  void CompileEvents(const Directive& node) {
    Block block(kEvents, &node, /*around=*/nullptr);
    Site site{.block = block};
    Walk(node.children, site);
  }

  void CompileStream(const Directive& node) {
    Block block(kStream, &node, /*around=*/nullptr);
    ServerScope inherited;
    inherited.server.error_logs = main_.process.error_logs;
    Site site{.block = block, .server = &inherited};
    Walk(node.children, site);
    linker_.SetLogFormats(std::move(main_.log_formats));
    for (const PendingBlock& pending : site.pending) {
      if (pending.inside == kUpstream) CompileUpstream(*pending.node);
    }
    for (const PendingBlock& pending : site.pending) {
      if (pending.inside == kServer) CompileServer(*pending.node, block, inherited);
    }
    if (!block.Mentions("server")) {
      diagnostics_.Warning(node.name.span,
                           "no \"server\" block in \"stream\": there is nothing to listen at");
    }
  }

  void CompileUpstream(const Directive& node) {
    Block block(kUpstream, &node, /*around=*/nullptr);
    UpstreamScope scope;
    Site site{.block = block, .upstream = &scope};
    Walk(node.children, site);
    linker_.AddUpstream(std::move(scope), block);
  }

  void CompileServer(const Directive& node, const Block& stream, const ServerScope& inherited) {
    Block block(kServer, &node, &stream);
    ServerScope scope = inherited;
    Site site{.block = block, .server = &scope};
    Walk(node.children, site);
    linker_.AddServer(std::move(scope), block);
  }

  const CompileInput& input_;
  Includer& includer_;
  DiagnosticList& diagnostics_;
  Resolver resolver_;
  Linker linker_;
  VariableTable variables_;
  MainScope main_;
  // The files whose text is being walked, outermost first.
  std::vector<const SourceFile*> open_files_;
  // Directives that stand in no tree: blocks point to them.
  std::deque<Directive> split_off_;
  int num_directives_ = 0;
};

}  // namespace

std::optional<Plan> Compile(const CompileInput& input, Includer& includer,
                            DiagnosticList& diagnostics) {
  return Compiler(input, includer, diagnostics).Run();
}

}  // namespace sluice::config
