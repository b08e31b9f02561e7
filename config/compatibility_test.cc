// docs/compatibility.md against the directive tables: what sluice knows, and what it refuses, is
// documented, and nothing else is.

#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "config/directives.h"
#include "config/variable.h"
#include "gtest/gtest.h"

namespace sluice::config {
namespace {

// The state of each directive, by name, from the rows "| `name` | state | notes |".
std::map<std::string, std::string> ReadStates() {
  std::ifstream file("docs/compatibility.md");
  EXPECT_TRUE(file.is_open());
  std::map<std::string, std::string> states;
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    EXPECT_EQ(cells.size(), 3u) << line;
    std::string_view name = cells[0];
    absl::ConsumePrefix(&name, "| `");
    absl::ConsumeSuffix(&name, "`");
    EXPECT_TRUE(states.emplace(name, cells[1]).second) << "twice: " << line;
  }
  return states;
}

TEST(Compatibility, PageAndTablesSayTheSame) {
  std::map<std::string, std::string> states = ReadStates();
  for (const DirectiveSpec& spec : AllDirectives()) {
    const auto found = states.find(std::string(spec.name));
    if (found == states.end()) {
      // `server` has two rows in the tables and one on the page.
      EXPECT_TRUE(FindDirectives(spec.name).size() > 1) << "undocumented: " << spec.name;
      continue;
    }
    const std::string& state = found->second;
    if (!spec.no_effect.empty()) {
      EXPECT_EQ(state, "no effect") << spec.name;
    } else {
      EXPECT_TRUE(state == "same" || state == "differs" || state == "own" ||
                  (spec.name == "load_module" && state == "no"))
          << spec.name << ": " << state;
    }
    states.erase(found);
  }
  for (const RefusedDirective& refused : RefusedDirectives()) {
    const bool not_yet = refused.why.find("not supported yet") != refused.why.npos;
    EXPECT_EQ(states[std::string(refused.name)], not_yet ? "not yet" : "no") << refused.name;
    states.erase(std::string(refused.name));
  }
  for (const auto& [name, state] : states) {
    ADD_FAILURE() << name << " is documented as \"" << state << "\", but in no table";
  }
}

// The state of each variable, by name, from the rows "| $name | state | what it is |".
std::map<std::string, std::string> ReadVariableStates() {
  std::ifstream file("docs/compatibility.md");
  std::map<std::string, std::string> states;
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("| $")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    EXPECT_EQ(cells.size(), 3u) << line;
    EXPECT_TRUE(states.emplace(cells[0].substr(3), cells[1]).second) << "twice: " << line;
  }
  return states;
}

TEST(Compatibility, PageAndVariablesSayTheSame) {
  std::map<std::string, std::string> states = ReadVariableStates();
  for (const VariableSpec& spec : AllVariables()) {
    const std::string& state = states[std::string(spec.name)];
    EXPECT_TRUE(state == "same" || state == "differs" || state == "own")
        << spec.name << ": " << state;
    states.erase(std::string(spec.name));
  }
  EXPECT_EQ(states.erase(std::string(kTlvPrefix) + "*"), 1u);
  for (const std::string_view name : VariablesNotSupported()) {
    const std::string row = std::string(name) + (name.ends_with('_') ? "*" : "");
    EXPECT_EQ(states[row], "not yet") << name;
    states.erase(row);
  }
  for (const auto& [name, state] : states) {
    ADD_FAILURE() << "$" << name << " is documented as \"" << state << "\", but in no table";
  }
}

}  // namespace
}  // namespace sluice::config
