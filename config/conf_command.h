// proxy_ssl_conf_command and ssl_conf_command: OpenSSL's configuration commands (SSL_CONF_cmd(3)),
// as far as BoringSSL can do what they ask for.
#ifndef SLUICE_CONFIG_CONF_COMMAND_H_
#define SLUICE_CONFIG_CONF_COMMAND_H_

#include "config/call.h"
#include "config/diagnostic.h"
#include "config/scope.h"

namespace sluice::config {

// The set functions: add to call.server->conf_commands or client_conf_commands, or report.
void AddConfCommand(Call& call);
void AddServerConfCommand(Call& call);

// Applies `scope.conf_commands` to `scope.tls`, once every other directive has been: commands come
// last in nginx, too. Reports what leaves no protocol.
void ApplyConfCommands(ServerScope& scope, DiagnosticList& diagnostics);
// The same for clients: `scope.client_conf_commands` and `scope.client_tls`.
void ApplyServerConfCommands(ServerScope& scope, DiagnosticList& diagnostics);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_CONF_COMMAND_H_
