// What a row's `set` function is called with, and the set functions that most rows share.
#ifndef SLUICE_CONFIG_CALL_H_
#define SLUICE_CONFIG_CALL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/diagnostic.h"
#include "config/directive.h"
#include "config/resolver.h"
#include "config/scope.h"
#include "config/system.h"
#include "config/template.h"
#include "config/tree.h"
#include "config/variable_table.h"

namespace sluice::config {

// Lives for one call. Everything it points to is the compiler's.
struct Call {
  const Directive& directive;
  const DirectiveSpec& spec;
  // The first of its name in its block: what is inherited is to be replaced, not added to.
  bool is_first;
  const std::string& prefix;          // Relative log and pid files start here,
  const std::string& conf_directory;  // all other relative files here.
  const System& system;
  Resolver& resolver;
  DiagnosticList& diagnostics;
  VariableTable& variables;
  MainScope& main;
  ServerScope* server;      // Null outside stream and server.
  UpstreamScope* upstream;  // Null outside upstream.

  const Word& arg(size_t i) const { return directive.args[i]; }

  void Error(const Word& at, std::string message) const;
  void Warning(const Word& at, std::string message) const;

  // `invalid value "x" in "name" directive: expected ...`
  void InvalidValue(const Word& at, std::string_view expected) const;
  // `invalid parameter "x" in "name" directive`, with a suggestion out of `known`.
  void InvalidParameter(const Word& at, std::span<const std::string_view> known) const;
  // `what` is a part of nginx's language that sluice does not have.
  void NotSupportedYet(const Word& at, std::string_view what) const;
  // `value` with its variables bound; none if it is bad: reported.
  std::optional<Template> ParseTemplate(const Word& value) const;
  // Reports and returns true if `value` has a variable in it, good or bad, which sluice would take
  // literally.
  bool RefuseVariables(const Word& value) const;
};

// The object that fields of type T are set in.
template <typename T>
T& Target(Call& call) {
  if constexpr (std::is_same_v<T, Process>) {
    return call.main.process;
  } else if constexpr (std::is_same_v<T, MainScope>) {
    return call.main;
  } else if constexpr (std::is_same_v<T, Server>) {
    return call.server->server;
  } else if constexpr (std::is_same_v<T, ServerScope>) {
    return *call.server;
  } else if constexpr (std::is_same_v<T, tls::ServerSettings>) {
    return call.server->client_tls;
  } else {
    static_assert(std::is_same_v<T, tls::Settings>);
    return call.server->tls;
  }
}

// Values of arg(0), reported if they are bad: then the result is the one given as `otherwise`.
int64_t NumberArg(const Call& call, int64_t min, int64_t max, int64_t otherwise);
int64_t SizeArg(const Call& call, int64_t min, int64_t max, int64_t otherwise);
int64_t DurationMsArg(const Call& call, int64_t otherwise);
bool FlagArg(const Call& call);

template <typename Class, typename Field>
Class ClassOf(Field Class::*);
template <typename Class, typename Field>
Field FieldOf(Field Class::*);

// Set functions: `kField` is a pointer to the member that arg(0) goes to.
template <auto kField>
void SetFlag(Call& call) {
  Target<decltype(ClassOf(kField))>(call).*kField = FlagArg(call);
}

template <auto kField, int64_t kMin, int64_t kMax>
void SetNumber(Call& call) {
  auto& field = Target<decltype(ClassOf(kField))>(call).*kField;
  field = static_cast<decltype(FieldOf(kField))>(NumberArg(call, kMin, kMax, field));
}

template <auto kField, int64_t kMin, int64_t kMax>
void SetSize(Call& call) {
  auto& field = Target<decltype(ClassOf(kField))>(call).*kField;
  field = SizeArg(call, kMin, kMax, field);
}

template <auto kField>
void SetDurationMs(Call& call) {
  auto& field = Target<decltype(ClassOf(kField))>(call).*kField;
  field = DurationMsArg(call, field);
}

// Without 0: nginx would close every connection at once; who writes it means "never".
template <auto kField>
void SetTimeout(Call& call) {
  auto& field = Target<decltype(ClassOf(kField))>(call).*kField;
  const int64_t duration_ms = DurationMsArg(call, field);
  if (duration_ms == 0) {
    call.InvalidValue(call.arg(0), "a time above 0, such as \"10s\" or \"24h\"");
    return;
  }
  field = duration_ms;
}

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_CALL_H_
