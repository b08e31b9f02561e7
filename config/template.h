// A value with variables in it, by nginx's rules ("complex value"): "$host:80", "${name}.crt",
// "$1".
//
//   absl::StatusOr<Template> path = Template::Parse("/keys/$ssl_server_name.key");
//   path->variables();  // {"ssl_server_name"}
//   path->Evaluate([&](size_t i) { return values[i]; });
//
// Names are resolved by whoever compiles the plan, once: Evaluate asks by number.
#ifndef SLUICE_CONFIG_TEMPLATE_H_
#define SLUICE_CONFIG_TEMPLATE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace sluice::config {

class Template {
 public:
  // `$name` takes as many letters, digits and underscores as follow, `${name}` ends where it says,
  // `$1` to `$9` take one digit; there is no way to write a "$" itself. Fails with nginx's words:
  // "invalid variable name", "the closing bracket in "x" variable is missing".
  static absl::StatusOr<Template> Parse(std::string_view text);

  // Each variable once, in the order of first use, in lower case as nginx compares them; "1" to "9"
  // are captures. Empty: the value is always the same.
  const std::vector<std::string>& variables() const { return variables_; }

  // The text with each variable replaced by what `value_of` says for its number in variables().
  std::string Evaluate(absl::FunctionRef<std::string_view(size_t variable)> value_of) const;

 private:
  // Text as it is, and the variable behind it.
  struct Part {
    std::string text;
    size_t variable;
  };

  size_t NumberOf(std::string_view name);

  std::vector<Part> parts_;
  std::string rest_;  // What follows the last part.
  std::vector<std::string> variables_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TEMPLATE_H_
