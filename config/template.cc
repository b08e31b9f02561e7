#include "config/template.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// Takes the name that stands behind a "$" off the front of `text`.
absl::StatusOr<std::string_view> TakeName(std::string_view* text) {
  if (!text->empty() && text->front() >= '1' && text->front() <= '9') {
    const std::string_view digit = text->substr(0, 1);
    text->remove_prefix(1);
    return digit;
  }
  const bool in_brackets = text->starts_with('{');
  if (in_brackets) text->remove_prefix(1);
  const auto end = std::find_if_not(text->begin(), text->end(), IsNameCharacter);
  const std::string_view name = text->substr(0, static_cast<size_t>(end - text->begin()));
  text->remove_prefix(name.size());
  if (in_brackets && !text->starts_with('}') && !name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the closing bracket in \"", name, "\" variable is missing"));
  }
  if (name.empty()) return absl::InvalidArgumentError("invalid variable name");
  if (in_brackets) text->remove_prefix(1);
  return name;
}

}  // namespace

absl::StatusOr<Template> Template::Parse(std::string_view text) {
  Template result;
  result.text_ = text;
  for (size_t dollar = text.find('$'); dollar != text.npos; dollar = text.find('$')) {
    std::string literal(text.substr(0, dollar));
    text.remove_prefix(dollar + 1);
    const absl::StatusOr<std::string_view> name = TakeName(&text);
    if (!name.ok()) return name.status();
    result.parts_.push_back({.text = std::move(literal), .number = result.NumberOf(*name)});
  }
  result.rest_ = text;
  return result;
}

size_t Template::NumberOf(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  const auto known = std::find(variables_.begin(), variables_.end(), lower);
  const auto number = static_cast<size_t>(known - variables_.begin());
  if (known == variables_.end()) variables_.push_back(lower);
  return number;
}

void Template::Prepend(std::string_view literal) {
  text_.insert(0, literal);
  (parts_.empty() ? rest_ : parts_.front().text).insert(0, literal);
}

void Template::Bind(absl::FunctionRef<int(std::string_view name)> index_of) {
  std::vector<int> indices;
  for (const std::string& name : variables_) indices.push_back(index_of(name));
  for (Part& part : parts_) part.index = indices[part.number];
}

void Template::AppendTo(std::string& out,
                        absl::FunctionRef<void(int index, std::string& out)> append) const {
  for (const Part& part : parts_) {
    out += part.text;
    append(part.index, out);
  }
  out += rest_;
}

}  // namespace sluice::config
