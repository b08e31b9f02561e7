// Rows for the PROXY protocol, from clients and to upstreams.
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/cidr.h"
#include "config/directives.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

void SetVersion(Call& call) {
  call.server->proxy_header_version = static_cast<int>(NumberArg(call, 1, 2, 1));
}

void AddRealIpFrom(Call& call) {
  const Word& word = call.arg(0);
  std::vector<Cidr>& networks = call.server->server.real_ip_from;
  if (call.is_first) networks.clear();
  bool has_host_bits;
  absl::StatusOr<Cidr> network = ParseCidr(word.text, &has_host_bits);
  if (!network.ok()) {
    call.Error(word, absl::StrCat(network.status().message(), " ", Quote(word.text), " in \"",
                                  call.spec.name,
                                  "\" directive: expected an address, a network such as "
                                  "\"192.0.2.0/24\", or \"unix:\""));
    return;
  }
  if (has_host_bits) {
    call.Warning(word, absl::StrCat("low address bits of ", word.text, " are meaningless"));
  }
  networks.push_back(*std::move(network));
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "proxy_protocol",
     .contexts = kStream | kServer,
     .form = Form::kFlag,
     .set = SetFlag<&ServerScope::sends_proxy_header>,
     .usage = "on|off",
     .help = "Whether upstreams are sent a PROXY header in front of everything else."},
    {.name = "proxy_protocol_version",
     .contexts = kStream | kServer,
     .set = SetVersion,
     .usage = "1|2",
     .help = "Which version of it."},
    {.name = "proxy_protocol_timeout",
     .contexts = kStream | kServer,
     .set = SetTimeout<&Server::proxy_protocol_timeout_ms>,
     .usage = "TIME",
     .help = "How long the PROXY header of a client may take to come."},
    {.name = "set_real_ip_from",
     .contexts = kStream | kServer,
     .repeat = Repeat::kMany,
     .set = AddRealIpFrom,
     .usage = "ADDRESS|NETWORK|unix:",
     .help = "Load balancers whose PROXY header says who the client is."},
};

}  // namespace

std::span<const DirectiveSpec> ProxyProtocolDirectives() { return kDirectives; }

}  // namespace sluice::config
