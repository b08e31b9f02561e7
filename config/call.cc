#include "config/call.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "config/value.h"

namespace sluice::config {
namespace {

absl::StatusOr<Template> ParseOrReport(const Call& call, const Word& value) {
  absl::StatusOr<Template> parsed = Template::Parse(value.text);
  if (!parsed.ok()) {
    call.Error(value, absl::StrCat(parsed.status().message(), " in \"", call.spec.name,
                                   "\" directive: expected \"$name\" or \"${name}\" behind \"$\""));
  }
  return parsed;
}

}  // namespace

void Call::Error(const Word& at, std::string message) const {
  diagnostics.Error(at.span, std::move(message));
}

void Call::Warning(const Word& at, std::string message) const {
  diagnostics.Warning(at.span, std::move(message));
}

void Call::InvalidValue(const Word& at, std::string_view expected) const {
  Error(at, absl::StrCat("invalid value ", Quote(at.text), " in \"", spec.name,
                         "\" directive: expected ", expected));
}

void Call::InvalidParameter(const Word& at, std::span<const std::string_view> known) const {
  const std::string_view key = std::string_view(at.text).substr(0, at.text.find('='));
  Error(at, absl::StrCat("invalid parameter ", Quote(at.text), " in \"", spec.name, "\" directive",
                         DidYouMean(key, known)));
}

void Call::NotSupportedYet(const Word& at, std::string_view what) const {
  Error(at, absl::StrCat(what, " is not supported yet"));
}

std::optional<Template> Call::ParseTemplate(const Word& value) const {
  absl::StatusOr<Template> parsed = ParseOrReport(*this, value);
  if (!parsed.ok()) return std::nullopt;
  parsed->Bind([&](std::string_view name) { return variables.IndexOf(name, value.span); });
  return *std::move(parsed);
}

bool Call::RefuseVariables(const Word& value) const {
  const absl::StatusOr<Template> parsed = ParseOrReport(*this, value);
  if (!parsed.ok()) return true;
  for (const std::string& name : parsed->variables()) {
    Error(value, absl::StrCat("variable \"$", name, "\" in \"", spec.name,
                              "\" is not supported yet: expected a fixed value"));
  }
  return !parsed->variables().empty();
}

int64_t NumberArg(const Call& call, int64_t min, int64_t max, int64_t otherwise) {
  const std::optional<int64_t> number = ParseNumber(call.arg(0).text, min, max);
  if (number.has_value()) return *number;
  call.InvalidValue(call.arg(0), absl::StrCat("a number from ", min, " to ", max));
  return otherwise;
}

int64_t SizeArg(const Call& call, int64_t min, int64_t max, int64_t otherwise) {
  const std::optional<int64_t> bytes = ParseSize(call.arg(0).text);
  if (bytes.has_value() && *bytes >= min && *bytes <= max) return *bytes;
  call.InvalidValue(call.arg(0), absl::StrCat("a size such as \"16k\" or \"1m\", from ", min,
                                              " to ", max, " bytes"));
  return otherwise;
}

int64_t DurationMsArg(const Call& call, int64_t otherwise) {
  const std::optional<int64_t> duration_ms = ParseDurationMs(call.arg(0).text);
  if (duration_ms.has_value()) return *duration_ms;
  call.InvalidValue(call.arg(0), "a time such as \"10s\", \"500ms\" or \"1h 30m\", up to \"10y\"");
  return otherwise;
}

bool FlagArg(const Call& call) {
  // The compiler has looked at it: Form::kFlag.
  return ParseFlag(call.arg(0).text).value_or(false);
}

}  // namespace sluice::config
