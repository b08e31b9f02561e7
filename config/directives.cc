#include "config/directives.h"

#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice::config {
namespace {

struct Index {
  std::unordered_map<std::string_view, std::vector<const DirectiveSpec*>> specs;
  std::unordered_map<std::string_view, const RefusedDirective*> refused;
};

const Index& TheIndex() {
  static const Index& index = *[] {
    auto* made = new Index;
    for (const DirectiveSpec& spec : AllDirectives()) made->specs[spec.name].push_back(&spec);
    for (const RefusedDirective& refused : RefusedDirectives()) {
      made->refused[refused.name] = &refused;
    }
    return made;
  }();
  return index;
}

}  // namespace

std::string ContextNames(uint8_t contexts) {
  std::vector<std::string_view> names;
  if (contexts & kMain) names.push_back("the main context");
  if (contexts & kEvents) names.push_back("\"events\"");
  if (contexts & kStream) names.push_back("\"stream\"");
  if (contexts & kServer) names.push_back("\"server\"");
  if (contexts & kUpstream) names.push_back("\"upstream\"");
  return absl::StrJoin(names, " or ");
}

std::span<const DirectiveSpec> AllDirectives() {
  static const auto& all = *[] {
    auto* made = new std::vector<DirectiveSpec>;
    for (const auto table :
         {MainDirectives(), EventsDirectives(), ListenDirectives(), ProxyDirectives(),
          UpstreamDirectives(), BalanceDirectives(), TlsDirectives(), SslDirectives(),
          SessionDirectives(), ProxyProtocolDirectives(), LogDirectives()}) {
      made->insert(made->end(), table.begin(), table.end());
    }
    return made;
  }();
  return all;
}

std::span<const DirectiveSpec* const> FindDirectives(std::string_view name) {
  const auto found = TheIndex().specs.find(name);
  if (found == TheIndex().specs.end()) return {};
  return found->second;
}

const RefusedDirective* FindRefusedDirective(std::string_view name) {
  const auto found = TheIndex().refused.find(name);
  return found == TheIndex().refused.end() ? nullptr : found->second;
}

bool IsDirectiveName(std::string_view name) {
  return !FindDirectives(name).empty() || FindRefusedDirective(name) != nullptr;
}

std::vector<std::string_view> DirectiveNames(Context context) {
  std::vector<std::string_view> names;
  for (const DirectiveSpec& spec : AllDirectives()) {
    if (spec.contexts & context) names.push_back(spec.name);
  }
  for (const DirectiveSpec& spec : AllDirectives()) {
    if (!(spec.contexts & context)) names.push_back(spec.name);
  }
  for (const RefusedDirective& refused : RefusedDirectives()) names.push_back(refused.name);
  return names;
}

}  // namespace sluice::config
