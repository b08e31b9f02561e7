// Rows for what a server does with a session by itself.
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

void SetReturn(Call& call) { call.server->return_text = call.ParseTemplate(call.arg(0)); }

void AddSet(Call& call) {
  const Word& variable = call.arg(0);
  const absl::StatusOr<Template> name = Template::Parse(variable.text);
  if (!name.ok() || name->variables().size() != 1 ||
      absl::AsciiStrToLower(variable.text) != absl::StrCat("$", name->variables()[0])) {
    call.Error(variable, absl::StrCat("invalid variable name ", Quote(variable.text),
                                      " in \"set\" directive: expected \"$name\""));
    return;
  }
  const std::string& lower = name->variables()[0];
  if (FindVariable(lower) != nullptr || IsVariableOfNginx(lower) || lower.starts_with(kTlvPrefix) ||
      absl::ascii_isdigit(lower[0])) {
    call.Error(variable, absl::StrCat("the ", Quote(variable.text),
                                      " variable cannot be set: it is one of sluice's own; choose "
                                      "another name"));
    return;
  }
  std::optional<Template> value = call.ParseTemplate(call.arg(1));
  if (!value.has_value()) return;
  call.server->server.sets.push_back(
      {.variable = call.variables.DefineSet(lower, variable.span), .value = *std::move(value)});
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "return",
     .contexts = kServer,
     .set = SetReturn,
     .usage = "VALUE",
     .help = "Sends a value to the client and closes the connection."},
    {.name = "set",
     .contexts = kServer,
     .args = {2, 2},
     .repeat = Repeat::kMany,
     .set = AddSet,
     .usage = "$VARIABLE VALUE",
     .help = "Gives a variable its value when a client has been accepted."},
};

}  // namespace

std::span<const DirectiveSpec> SessionDirectives() { return kDirectives; }

}  // namespace sluice::config
