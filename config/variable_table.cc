#include "config/variable_table.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "config/suggest.h"

namespace sluice::config {

int VariableTable::IndexOf(std::string_view name, const Span& span) {
  const auto [known, is_new] =
      index_by_name_.try_emplace(std::string(name), static_cast<int>(entries_.size()));
  if (is_new) {
    Entry& entry = entries_.emplace_back();
    entry.variable.name = name;
    entry.first_use = span;
    if (const VariableSpec* spec = FindVariable(name)) {
      entry.variable.id = spec->id;
      entry.defined = true;
    } else if (std::string_view tlv = name; absl::ConsumePrefix(&tlv, kTlvPrefix)) {
      const std::optional<Tlv> known = ParseTlvName(tlv);
      entry.variable.id = VariableId::kProxyProtocolTlv;
      entry.variable.tlv = known.value_or(Tlv());
      entry.defined = known.has_value();
    }
  }
  return known->second;
}

int VariableTable::DefineSet(std::string_view name, const Span& span) {
  const int index = IndexOf(name, span);
  Entry& entry = entries_[index];
  if (!std::exchange(entry.defined, true)) entry.variable.slot = num_slots_++;
  return index;
}

std::vector<Variable> VariableTable::Finish(DiagnosticList& diagnostics) && {
  std::vector<std::string_view> names;
  for (const VariableSpec& spec : AllVariables()) names.push_back(spec.name);
  for (const Entry& entry : entries_) {
    if (entry.defined) names.push_back(entry.variable.name);
  }
  std::vector<Variable> variables;
  for (const Entry& entry : entries_) {
    const std::string& name = entry.variable.name;
    if (!entry.defined) {
      diagnostics.Error(
          entry.first_use,
          IsVariableOfNginx(name)
              ? absl::StrCat("variable \"$", name, "\" of nginx is not supported yet")
              : absl::StrCat("unknown \"", name, "\" variable", DidYouMean(name, names)));
    }
    variables.push_back(entry.variable);
  }
  return variables;
}

}  // namespace sluice::config
