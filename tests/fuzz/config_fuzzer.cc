// Configuration files: from text to a plan or to diagnostics, on a machine that has no files but
// these.
//
// A line "#file NAME" in an input begins another file, /conf/NAME, that the first, /conf/main, may
// include; what stands in "-g" is the text of that option. Files in /conf/tls have contents.
#include <fnmatch.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "config/diagnostic.h"
#include "config/lexer.h"
#include "config/limits.h"
#include "config/load.h"
#include "config/parser.h"
#include "config/plan_dump.h"
#include "config/tree.h"
#include "tests/fuzz/check.h"
#include "tests/golden/golden_options.h"

namespace sluice::fuzz {
namespace {

using config::Plan;
using config::SourceFile;
using config::Token;
using Files = std::map<std::string, std::string>;

constexpr std::string_view kMain = "/conf/main";

Files Split(std::string_view input) {
  Files files;
  std::string name(kMain);
  while (!input.empty()) {
    const size_t line_end = std::min(input.find('\n'), input.size() - 1);
    std::string_view line = input.substr(0, line_end + 1);
    input.remove_prefix(line.size());
    std::string_view other = line;
    if (absl::ConsumePrefix(&other, "#file ")) {
      name = absl::StrCat("/conf/", absl::StripSuffix(other, "\n"));
      line = "";
    }
    files[name] += line;
  }
  files[std::string(kMain)];
  return files;
}

config::LoadOptions Options(const Files& files) {
  config::LoadOptions options = golden::GoldenOptions(std::string(kMain));
  options.prefix = "/prefix";
  if (const auto globals = files.find("/conf/-g"); globals != files.end()) {
    options.globals = globals->second;
  }
  options.system.read_file = [&files](const std::string& path) -> absl::StatusOr<std::string> {
    const auto found = files.find(path);
    if (found != files.end()) return found->second;
    if (absl::StartsWith(path, "/conf/tls/")) return "contents";
    return absl::NotFoundError("open() failed (2: No such file or directory)");
  };
  options.system.match_files =
      [&files](const std::string& pattern) -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> names;
    for (const auto& [name, text] : files) {
      if (fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) names.push_back(name);
    }
    return names;
  };
  return options;
}

// --- Tokens and trees ----------------------------------------------------------------------------

void CheckTokens(const SourceFile& file) {
  config::DiagnosticList diagnostics;
  config::Lexer lexer(file, diagnostics);
  uint32_t end = 0;
  for (Token token = lexer.Next(); token.kind != Token::Kind::kEnd; token = lexer.Next()) {
    Check(token.span.begin >= end && token.span.begin < token.span.end &&
              token.span.end <= file.text().size(),
          "tokens follow each other in the text");
    Check(!token.broken || diagnostics.has_errors(), "what is broken has been reported");
    end = token.span.end;
  }
  Check(lexer.Next().kind == Token::Kind::kEnd, "nothing comes behind the end");
}

// `word` in quotes. Too long for the lexer: `fits` becomes false.
std::string QuoteWord(const std::string& word, bool& fits) {
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  fits = fits && quoted.size() < config::kWordBytesMax;
  return quoted + "\"";
}

std::string Write(const config::Tree& tree, bool& fits) {
  std::string text;
  for (const config::Directive& directive : tree) {
    text += QuoteWord(directive.name.text, fits);
    for (const config::Word& word : directive.args) {
      absl::StrAppend(&text, " ", QuoteWord(word.text, fits));
    }
    absl::StrAppend(&text, directive.is_block ? " {\n" : ";\n");
    if (directive.is_block) absl::StrAppend(&text, Write(directive.children, fits), "}\n");
  }
  return text;
}

// A tree without mistakes, written as text, is the same tree again.
void CheckTree(const SourceFile& file) {
  config::DiagnosticList diagnostics;
  const config::Tree tree = Parse(file, diagnostics);
  bool fits = true;
  const std::string text = Write(tree, fits);
  if (diagnostics.has_errors() || !fits) return;
  const SourceFile written("written", text, /*order=*/0);
  const config::Tree again = Parse(written, diagnostics);
  CheckEqual(diagnostics.Render(), "", "what is written is without mistakes");
  CheckEqual(DumpTree(tree), DumpTree(again), "a tree survives being written");
}

// --- Diagnostics ---------------------------------------------------------------------------------

size_t NumCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

void CheckDiagnostics(const config::DiagnosticList& diagnostics) {
  const std::string text = diagnostics.Render();
  Check(std::none_of(
            text.begin(), text.end(),
            [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F; }),
        "no control character gets to the terminal", text);
  for (const config::Diagnostic& d : diagnostics.Sorted()) {
    Check(!d.message.empty() && d.message.find('\n') == std::string::npos, "a message is one line",
          text);
    if (d.file.empty()) continue;
    Check(d.place.line >= 1 && d.place.column >= 1, "lines and columns count from 1", text);
    Check(d.line.size() <= 200, "of a long line a part is shown", text);
    Check(std::count(d.caret.begin(), d.caret.end(), '^') == 1, "a caret shows the place", text);
    Check(d.caret.size() <= NumCharacters(d.line) + 1, "the caret is below its line", text);
  }
}

// --- Plans ---------------------------------------------------------------------------------------

template <typename List>
bool IsIndex(int index, const List& list) {
  return index >= 0 && static_cast<size_t>(index) < list.size();
}

template <typename List>
bool IsIndexOrNone(int index, const List& list) {
  return index == config::kNoIndex || IsIndex(index, list);
}

void CheckTemplate(const config::Template& text, const Plan& plan) {
  std::string out;
  text.AppendTo(out, [&plan](int index, std::string&) {
    Check(IsIndex(index, plan.variables), "a template has variables of the plan");
  });
}

void CheckServer(const config::Server& server, const Plan& plan) {
  Check(IsIndexOrNone(server.upstream, plan.upstreams), "a server has an upstream or none");
  Check(IsIndexOrNone(server.tls_profile, plan.tls_profiles), "a server has TLS or none");
  Check(server.connect_timeout_ms > 0 && server.timeout_ms > 0 &&
            server.proxy_protocol_timeout_ms > 0 && server.buffer_bytes > 0,
        "no bound is nothing", server.where);
  Check(!server.error_logs.empty(), "a server has an error log");
  for (const config::AccessLog& log : server.access_logs) {
    Check(IsIndex(log.format, plan.log_formats), "an access log has a format");
    CheckTemplate(log.path, plan);
    if (log.condition.has_value()) CheckTemplate(*log.condition, plan);
  }
  for (const config::SetVariable& set : server.sets) {
    Check(IsIndex(set.variable, plan.variables) &&
              plan.variables[set.variable].id == config::VariableId::kSet,
          "set is of its own variables");
    CheckTemplate(set.value, plan);
  }
  if (server.bind.has_value()) CheckTemplate(server.bind->value, plan);
  CheckTemplate(server.return_text, plan);
}

void CheckUpstream(const config::Upstream& upstream, const Plan& plan) {
  Check(!upstream.peers.empty(), "a group has peers", upstream.name);
  CheckTemplate(upstream.balance.hash_key, plan);
  for (const config::Peer& peer : upstream.peers) {
    Check(peer.address.storage_len > 0, "a peer has an address", peer.name);
    Check(peer.weight >= 1 && peer.weight <= config::kWeightMax && peer.max_fails >= 0 &&
              peer.max_conns >= 0 && peer.fail_timeout_ms >= 0 && peer.slow_start_ms >= 0,
          "a peer's numbers are within their bounds", peer.name);
  }
}

// What the engine takes for granted.
void CheckPlan(const Plan& plan) {
  const config::Process& process = plan.process;
  Check(process.num_shards >= 1 && process.num_shards <= config::kShardsMax, "there are shards");
  Check(!process.error_logs.empty(), "there is an error log");
  Check(process.worker_connections >= 1 &&
            process.worker_connections <= config::kWorkerConnectionsMax,
        "connections are within their bounds");
  std::set<std::string_view> addresses;
  for (const config::Listener& listener : plan.listeners) {
    Check(IsIndex(listener.server, plan.servers), "a listener has a server");
    Check(addresses.insert(listener.address.text).second, "nothing is listened at twice",
          listener.address.text);
  }
  Check(plan.listeners.size() <= static_cast<size_t>(config::kListenersMax),
        "listeners are within their bounds");
  for (const config::Server& server : plan.servers) CheckServer(server, plan);
  for (const config::Upstream& upstream : plan.upstreams) CheckUpstream(upstream, plan);
  for (const config::LogFormat& format : plan.log_formats) CheckTemplate(format.text, plan);
  for (const config::Variable& variable : plan.variables) {
    Check(variable.id != config::VariableId::kSet ||
              (variable.slot >= 0 && variable.slot < plan.num_set_slots),
          "each connection has room for what is set", variable.name);
  }
}

void Run(std::string_view input) {
  const Files files = Split(input);
  const SourceFile main("main", files.at(std::string(kMain)), /*order=*/0);
  CheckTokens(main);
  CheckTree(main);

  const config::LoadOptions options = Options(files);
  const config::LoadResult result = config::Load(options);
  CheckDiagnostics(result.diagnostics);
  Check(result.plan.has_value() == !result.diagnostics.has_errors(),
        "there is a plan or there are errors", result.diagnostics.Render());
  if (!result.plan.has_value()) return;
  CheckPlan(*result.plan);
  const std::string dump = DumpPlan(*result.plan);
  Check(std::none_of(dump.begin(), dump.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7F; }),
        "no control character is in a dump", dump);
  const config::LoadResult again = config::Load(options);
  Check(again.plan.has_value(), "what was good once is good twice");
  CheckEqual(dump, DumpPlan(*again.plan), "the same text gives the same plan");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::fuzz::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
