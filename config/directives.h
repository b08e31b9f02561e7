// All directives, in the open.
#ifndef SLUICE_CONFIG_DIRECTIVES_H_
#define SLUICE_CONFIG_DIRECTIVES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "config/directive.h"

namespace sluice::config {

// The tables, each in the file of its name.
std::span<const DirectiveSpec> MainDirectives();           // directives_main.cc
std::span<const DirectiveSpec> EventsDirectives();         // directives_events.cc
std::span<const DirectiveSpec> ListenDirectives();         // directives_listen.cc
std::span<const DirectiveSpec> ProxyDirectives();          // directives_proxy.cc
std::span<const DirectiveSpec> UpstreamDirectives();       // directives_upstream.cc
std::span<const DirectiveSpec> BalanceDirectives();        // directives_balance.cc
std::span<const DirectiveSpec> TlsDirectives();            // directives_tls.cc
std::span<const DirectiveSpec> SslDirectives();            // directives_ssl.cc
std::span<const DirectiveSpec> SessionDirectives();        // directives_session.cc
std::span<const DirectiveSpec> ProxyProtocolDirectives();  // directives_proxy_protocol.cc
std::span<const DirectiveSpec> LogDirectives();            // directives_log.cc

// A directive that nginx has, in a place where sluice could meet it, and that sluice refuses.
struct RefusedDirective {
  std::string_view name;
  // Continues the sentence `directive "x" ...`.
  std::string_view why;
};
std::span<const RefusedDirective> RefusedDirectives();  // directives_refused.cc

// Every row of every table, in the order above.
std::span<const DirectiveSpec> AllDirectives();

// The rows of this name: none, one, or one for each meaning (`server`). Their contexts are
// disjoint.
std::span<const DirectiveSpec* const> FindDirectives(std::string_view name);

// Null if there is none of this name.
const RefusedDirective* FindRefusedDirective(std::string_view name);

// Whether nginx or sluice has a directive of this name.
bool IsDirectiveName(std::string_view name);

// All names, those that may stand in `context` first: candidates for a suggestion.
std::vector<std::string_view> DirectiveNames(Context context);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_DIRECTIVES_H_
