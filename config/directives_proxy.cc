// Rows for relaying: where to, timeouts, buffers, retries.
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/endpoint.h"
#include "config/limits.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

void SetProxyPass(Call& call) {
  // Resolved once all groups are known: a group may stand behind its use.
  if (!call.RefuseVariables(call.arg(0))) call.server->proxy_pass = &call.arg(0);
}

void SetBufferSize(Call& call) {
  Server& server = call.server->server;
  const int64_t bytes = SizeArg(call, 1, kBufferBytesMax, 0);
  if (bytes == 0) return;  // Reported.
  server.buffer_bytes = bytes;
  server.buffer_bytes_given = true;
  if (bytes < kBufferBytesMin) {
    call.diagnostics.Notice(
        call.arg(0).span,
        absl::StrCat("each direction may hold ", kBufferBytesMin >> 10, "k all the same"));
  }
}

void SetBind(Call& call) {
  const Word& where = call.arg(0);
  std::optional<ProxyBind>& bind = call.server->server.bind;
  bind.reset();
  if (where.text == "off" && call.directive.args.size() == 1) return;
  std::optional<Template> value = call.ParseTemplate(where);
  if (!value.has_value()) return;
  const std::optional<Address> address = ParseIpAddress(where.text);
  if (value->constant() && !address.has_value()) {
    call.Error(where, absl::StrCat("invalid address ", Quote(where.text),
                                   " in \"proxy_bind\" directive: expected an IP address, with or "
                                   "without a port, \"off\", or a variable"));
    return;
  }
  bind = ProxyBind{.address = address.value_or(Address()), .value = *std::move(value)};
  if (call.directive.args.size() == 1) return;
  if (call.arg(1).text == "transparent") {
    bind->transparent = true;
  } else {
    static constexpr std::string_view kKnown[] = {"transparent"};
    call.InvalidParameter(call.arg(1), kKnown);
  }
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "proxy_pass",
     .contexts = kServer,
     .set = SetProxyPass,
     .usage = "UPSTREAM|ADDRESS:PORT|unix:PATH",
     .help = "Where connections go: an \"upstream\" group or one address."},
    {.name = "proxy_connect_timeout",
     .contexts = kStream | kServer,
     .set = SetTimeout<&Server::connect_timeout_ms>,
     .usage = "TIME",
     .help = "How long connecting to an upstream may take."},
    {.name = "proxy_timeout",
     .contexts = kStream | kServer,
     .set = SetTimeout<&Server::timeout_ms>,
     .usage = "TIME",
     .help = "How long neither side may be read from or written to."},
    {.name = "proxy_buffer_size",
     .contexts = kStream | kServer,
     .set = SetBufferSize,
     .usage = "SIZE",
     .help = "How much of each direction is held."},
    {.name = "proxy_downstream_buffer",
     .contexts = kStream | kServer,
     .usage = "SIZE",
     .replaced_by = "proxy_buffer_size"},
    {.name = "proxy_upstream_buffer",
     .contexts = kStream | kServer,
     .usage = "SIZE",
     .replaced_by = "proxy_buffer_size"},
    {.name = "proxy_next_upstream",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&Server::next_upstream>,
     .usage = "on|off",
     .help = "Whether to try another peer if one cannot be connected to."},
    {.name = "proxy_next_upstream_tries",
     .contexts = kStream | kServer,
     .set = SetNumber<&Server::next_upstream_tries, 0, std::numeric_limits<int>::max()>,
     .usage = "NUMBER",
     .help = "The most peers to try; 0: no bound."},
    {.name = "proxy_next_upstream_timeout",
     .contexts = kStream | kServer,
     .set = SetDurationMs<&Server::next_upstream_timeout_ms>,
     .usage = "TIME",
     .help = "How long to go on trying; 0: no bound."},
    {.name = "proxy_half_close",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&Server::half_close>,
     .usage = "on|off",
     .help = "Whether each direction may end on its own."},
    {.name = "proxy_splice",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&Server::splice>,
     .usage = "on|off",
     .help = "Whether bulk without TLS may be passed on by splice(2), which copies nothing."},
    {.name = "proxy_socket_keepalive",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&Server::socket_keepalive>,
     .usage = "on|off",
     .help = "SO_KEEPALIVE for connections to upstreams."},
    {.name = "tcp_nodelay",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&Server::tcp_nodelay>,
     .usage = "on|off",
     .help = "TCP_NODELAY on both sides."},
    {.name = "proxy_bind",
     .contexts = kStream | kServer,
     .args = {1, 2},
     .set = SetBind,
     .usage = "ADDRESS [transparent]|off",
     .help = "The local address of connections to upstreams."},
};

}  // namespace

std::span<const DirectiveSpec> ProxyDirectives() { return kDirectives; }

}  // namespace sluice::config
