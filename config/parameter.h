// `name` and `name=value` arguments, as of `listen` and of `server` in `upstream`, as data.
#ifndef SLUICE_CONFIG_PARAMETER_H_
#define SLUICE_CONFIG_PARAMETER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/quote.h"

namespace sluice::config {

// One parameter that is set in a T.
template <typename T>
struct Parameter {
  std::string_view name;
  // What the value has to be, for messages. Empty: the parameter has no value.
  std::string_view expected = {};
  // Null: nginx has it, sluice does not. False: the value is bad. Without a value, `value` is
  // empty.
  bool (*set)(std::string_view value, T& object) = nullptr;
  // Without `set`: why sluice will not have it, and what to do instead, behind `parameter "name"`.
  // Empty: it will come.
  std::string_view refused = {};
};

// For `set` functions: stores a value that could be parsed, and returns whether it could.
inline bool SetIfGiven(std::optional<int64_t> value, int* field) {
  if (value.has_value()) *field = static_cast<int>(*value);
  return value.has_value();
}

// Sets what `word`, an argument of `call`, says in `object`, by `table`. False if anything is wrong
// with it: reported.
template <typename T>
bool SetParameter(const Call& call, const Word& word, std::span<const Parameter<T>> table,
                  T& object) {
  const std::string_view text = word.text;
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);

  const Parameter<T>* parameter = nullptr;
  for (const Parameter<T>& row : table) {
    if (row.name == name) parameter = &row;
  }
  if (parameter == nullptr) {
    std::vector<std::string_view> names;
    for (const Parameter<T>& row : table) names.push_back(row.name);
    call.InvalidParameter(word, names);
  } else if (!parameter->refused.empty()) {
    call.Error(word, absl::StrCat("parameter \"", name, "\" ", parameter->refused));
  } else if (parameter->set == nullptr) {
    call.NotSupportedYet(word,
                         absl::StrCat("parameter \"", name, "\" of \"", call.spec.name, "\""));
  } else if (parameter->expected.empty() != (equals == std::string_view::npos)) {
    call.Error(word, parameter->expected.empty()
                         ? absl::StrCat("parameter \"", name, "\" takes no value")
                         : absl::StrCat("parameter \"", name, "\" needs a value: expected \"", name,
                                        "=\" and ", parameter->expected));
  } else if (!parameter->set(value, object)) {
    call.Error(word, absl::StrCat("invalid value ", Quote(value), " of parameter \"", name,
                                  "\": expected ", parameter->expected));
  } else {
    return true;
  }
  return false;
}

// The same for the arguments of `call` from number `first` on.
template <typename T>
bool SetParameters(const Call& call, size_t first, std::span<const Parameter<T>> table, T& object) {
  bool good = true;
  for (size_t i = first; i < call.directive.args.size(); ++i) {
    good &= SetParameter(call, call.arg(i), table, object);
  }
  return good;
}

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_PARAMETER_H_
