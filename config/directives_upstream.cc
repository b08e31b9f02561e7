// Rows for groups of upstream servers.
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/endpoint.h"
#include "config/limits.h"
#include "config/parameter.h"
#include "config/quote.h"
#include "config/value.h"

namespace sluice::config {
namespace {

constexpr int kIntMax = std::numeric_limits<int>::max();

constexpr Parameter<Peer> kParameters[] = {
    {"weight", "a number from 1 to 65535",
     [](std::string_view value, Peer& peer) {
       return SetIfGiven(ParseNumber(value, 1, kWeightMax), &peer.weight);
     }},
    {"max_fails", "a number from 0 to 2147483647",
     [](std::string_view value, Peer& peer) {
       return SetIfGiven(ParseNumber(value, 0, kIntMax), &peer.max_fails);
     }},
    {"fail_timeout", "a time such as \"10s\", up to \"10y\"",
     [](std::string_view value, Peer& peer) {
       const std::optional<int64_t> ms = ParseDurationMs(value);
       peer.fail_timeout_ms = ms.value_or(0);
       return ms.has_value();
     }},
    {"max_conns", "a number from 0 to 2147483647",
     [](std::string_view value, Peer& peer) {
       return SetIfGiven(ParseNumber(value, 0, kIntMax), &peer.max_conns);
     }},
    {"slow_start", "a time such as \"30s\", up to \"10y\"",
     [](std::string_view value, Peer& peer) {
       const std::optional<int64_t> ms = ParseDurationMs(value);
       peer.slow_start_ms = ms.value_or(0);
       return ms.has_value();
     }},
    {"backup", {}, [](std::string_view, Peer& peer) { return peer.backup = true; }},
    {"down", {}, [](std::string_view, Peer& peer) { return peer.down = true; }},
    {"resolve"},
    {"service"},
};

// Reports a parameter that the method of the group, where it stands in front, does not take. A
// backup in front of the method is taken, as in nginx.
void CheckMethodTakes(const Call& call, const Peer& peer) {
  if (call.upstream->upstream.balance.takes_backup_and_slow_start()) return;
  for (const Word& word : call.directive.args) {
    const bool backup = peer.backup && word.text == "backup";
    const bool slow_start = peer.slow_start_ms > 0 && word.text.starts_with("slow_start=");
    if (!backup && !slow_start) continue;
    call.Error(word, absl::StrCat("balancing method does not support parameter \"",
                                  backup ? "backup" : "slow_start",
                                  "\": remove it, or choose another than "
                                  "\"",
                                  call.upstream->method->name.text, "\" at ",
                                  call.upstream->method->name.span.Where()));
  }
}

void AddPeer(Call& call) {
  const Word& where = call.arg(0);
  Peer peer;
  peer.name = where.text;
  SetParameters<Peer>(call, 1, kParameters, peer);
  CheckMethodTakes(call, peer);

  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(where.text);
  if (!endpoint.ok()) {
    call.Error(where, absl::StrCat(endpoint.status().message(), " in upstream ", Quote(where.text),
                                   ": expected HOST:PORT, [IPV6]:PORT or unix:PATH"));
    return;
  }
  if (endpoint->kind != Endpoint::Kind::kUnix && !endpoint->has_port()) {
    call.Error(where, absl::StrCat("no port in upstream ", Quote(where.text),
                                   ": expected \"server ", where.text, ":PORT\""));
    return;
  }
  const absl::StatusOr<std::vector<Address>> addresses = call.resolver.Resolve(*endpoint);
  if (!addresses.ok()) {
    call.Error(where,
               absl::StrCat(addresses.status().message(), " in upstream ", Quote(where.text)));
    return;
  }
  for (const Address& address : *addresses) {
    peer.address = address;
    call.upstream->upstream.peers.push_back(peer);
  }
}

void SetZone(Call& call) {
  const Word& name = call.arg(0);
  if (name.text.empty()) {
    call.Error(name, "invalid zone name \"\": expected \"zone NAME [SIZE]\"");
    return;
  }
  PlacedZone zone{.name = name.text, .span = name.span};
  if (call.directive.args.size() == 2) {
    const Word& size = call.arg(1);
    const std::optional<int64_t> bytes = ParseSize(size.text);
    if (!bytes.has_value()) {
      call.Error(size, absl::StrCat("invalid zone size ", Quote(size.text),
                                    ": expected a size such as \"64k\" or \"1m\""));
      return;
    }
    if (*bytes < kZoneBytesMin) {
      call.Error(size, absl::StrCat("zone ", Quote(name.text), " is too small: expected ",
                                    kZoneBytesMin / 1024, "k at least"));
      return;
    }
    zone.bytes = *bytes;
  }
  call.upstream->zone = std::move(zone);
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "upstream",
     .contexts = kStream,
     .form = Form::kBlock,
     .repeat = Repeat::kMany,
     .usage = "NAME { ... }",
     .help = "A group of servers that share connections.",
     .inside = kUpstream},
    {.name = "server",
     .contexts = kUpstream,
     .args = {1, kUnbounded},
     .repeat = Repeat::kMany,
     .set = AddPeer,
     .usage = "HOST:PORT|unix:PATH [PARAMETER]...",
     .help = "A member of the group; each address of HOST is a peer of its own."},
    {.name = "zone",
     .contexts = kUpstream,
     .args = {1, 2},
     .set = SetZone,
     .usage = "NAME [SIZE]",
     .help = "A name for the group's state, which all shards share in any case."},
};

}  // namespace

std::span<const DirectiveSpec> UpstreamDirectives() { return kDirectives; }

}  // namespace sluice::config
