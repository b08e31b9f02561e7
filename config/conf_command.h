// proxy_ssl_conf_command: OpenSSL's configuration commands (SSL_CONF_cmd(3)), as far as BoringSSL
// can do what they ask for.
#ifndef SLUICE_CONFIG_CONF_COMMAND_H_
#define SLUICE_CONFIG_CONF_COMMAND_H_

#include "config/call.h"
#include "config/diagnostic.h"
#include "config/scope.h"

namespace sluice::config {

// The directive's set function: adds to call.server->conf_commands, or reports.
void AddConfCommand(Call& call);

// Applies `scope.conf_commands` to `scope.tls`, once every other directive has been: commands come
// last in nginx, too. Reports what leaves no protocol.
void ApplyConfCommands(ServerScope& scope, DiagnosticList& diagnostics);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_CONF_COMMAND_H_
