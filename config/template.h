// A value with variables in it, by nginx's rules ("complex value"): "$host:80", "${name}.crt",
// "$1".
//
//   absl::StatusOr<Template> path = Template::Parse("/keys/$ssl_server_name.key");
//   path->variables();  // {"ssl_server_name"}
//   path->Bind([&](std::string_view name) { return table.IndexOf(name, span); });
//   path->AppendTo(text, [&](int index, std::string& text) { ... });
//
// Names are resolved by whoever compiles the plan, once: from Bind on there are only numbers.
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

  // The empty value.
  Template() = default;

  // Each variable once, in the order of first use, in lower case as nginx compares them; "1" to "9"
  // are captures.
  const std::vector<std::string>& variables() const { return variables_; }
  // There is no variable in it.
  bool constant() const { return variables_.empty(); }
  // As it was written, and the value itself if it is constant.
  const std::string& text() const { return text_; }

  // Puts `literal` in front, taken as it is.
  void Prepend(std::string_view literal);

  // Asks `index_of` for each of variables(), once.
  void Bind(absl::FunctionRef<int(std::string_view name)> index_of);

  // Appends the text with each variable replaced by what `append` appends for the index that Bind
  // was given.
  void AppendTo(std::string& out,
                absl::FunctionRef<void(int index, std::string& out)> append) const;

 private:
  // Text as it is, and the variable behind it: its number in variables_, its index once bound.
  struct Part {
    std::string text;
    size_t number;
    int index = -1;
  };

  size_t NumberOf(std::string_view name);

  std::string text_;
  std::vector<Part> parts_;
  std::string rest_;  // What follows the last part.
  std::vector<std::string> variables_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TEMPLATE_H_
