// Rows for listening sockets.
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

std::optional<int64_t> ParseSocketBuffer(std::string_view value) {
  const std::optional<int64_t> bytes = ParseSize(value);
  return bytes.has_value() && *bytes >= 1 && *bytes <= kIntMax ? bytes : std::nullopt;
}

// An empty part of so_keepalive leaves the system's setting, which is 0.
std::optional<int64_t> ParseKeepaliveSeconds(std::string_view part) {
  if (part.empty()) return 0;
  const std::optional<int64_t> ms = ParseDurationMs(part);
  if (!ms.has_value() || *ms % 1000 != 0 || *ms / 1000 > kKeepaliveSecondsMax) return std::nullopt;
  return *ms / 1000;
}

bool SetKeepalive(std::string_view value, Listener& listener) {
  Keepalive& keepalive = listener.keepalive;
  keepalive = {};
  if (value == "on" || value == "off") {
    keepalive.mode = value == "on" ? Keepalive::Mode::kOn : Keepalive::Mode::kOff;
    return true;
  }
  // IDLE:INTERVAL:PROBES; what is behind the last colon given may be left out.
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const size_t colon = &part == &parts[2] ? std::string_view::npos : value.find(':');
    part = value.substr(0, colon);
    value.remove_prefix(colon == std::string_view::npos ? value.size() : colon + 1);
  }
  const auto probes = parts[2].empty() ? 0 : ParseNumber(parts[2], 0, kKeepaliveProbesMax);
  keepalive.mode = Keepalive::Mode::kOn;
  return SetIfGiven(ParseKeepaliveSeconds(parts[0]), &keepalive.idle_s) &&
         SetIfGiven(ParseKeepaliveSeconds(parts[1]), &keepalive.interval_s) &&
         SetIfGiven(probes, &keepalive.num_probes) &&
         (keepalive.idle_s > 0 || keepalive.interval_s > 0 || keepalive.num_probes > 0);
}

constexpr Parameter<Listener> kParameters[] = {
    {"backlog", "a number from 1 to 2147483647",
     [](std::string_view value, Listener& listener) {
       return SetIfGiven(ParseNumber(value, 1, kIntMax), &listener.backlog);
     }},
    {"rcvbuf", "a size such as \"64k\", from 1 to 2147483647 bytes",
     [](std::string_view value, Listener& listener) {
       return SetIfGiven(ParseSocketBuffer(value), &listener.rcvbuf_bytes);
     }},
    {"sndbuf", "a size such as \"64k\", from 1 to 2147483647 bytes",
     [](std::string_view value, Listener& listener) {
       return SetIfGiven(ParseSocketBuffer(value), &listener.sndbuf_bytes);
     }},
    {"fastopen", "a number from 0 to 2147483647",
     [](std::string_view value, Listener& listener) {
       return SetIfGiven(ParseNumber(value, 0, kIntMax), &listener.fastopen_queue);
     }},
    {"so_keepalive",
     "\"on\", \"off\" or IDLE:INTERVAL:PROBES such as \"30m::10\", times up to 32767s, probes up "
     "to 127",
     SetKeepalive},
    {"ipv6only", "\"on\" or \"off\"",
     [](std::string_view value, Listener& listener) {
       listener.ipv6only = value == "on";
       return value == "on" || value == "off";
     }},
    {"reuseport",
     {},
     [](std::string_view, Listener& listener) { return listener.reuseport = true; }},
    {"deferred", {}, [](std::string_view, Listener& listener) { return listener.deferred = true; }},
    // Every address is bound on its own: what `bind` asks for is always so.
    {"bind", {}, [](std::string_view, Listener&) { return true; }},
    {"ssl", {}, [](std::string_view, Listener& listener) { return listener.ssl = true; }},
    {"proxy_protocol",
     {},
     [](std::string_view, Listener& listener) { return listener.proxy_protocol = true; }},
    // Read by SetListen.
    {"default_server", {}, [](std::string_view, Listener&) { return true; }},
    {.name = "udp", .refused = "is not for sluice, which proxies TCP: leave this server to nginx"},
    {.name = "multipath",
     .refused = "is not for sluice: remove it, clients with Multipath TCP fall back to TCP"},
    {.name = "setfib", .refused = "is for FreeBSD, sluice runs on Linux: remove it"},
    {.name = "accept_filter",
     .refused = "is for FreeBSD, sluice runs on Linux: use \"deferred\" instead"},
};

// Takes back what an address of this family cannot have, and says so.
void DropInapplicable(const Call& call, int family, Listener* listener) {
  const Listener defaults;
  for (size_t i = 1; i < call.directive.args.size(); ++i) {
    const Word& word = call.arg(i);
    const std::string_view name = std::string_view(word.text).substr(0, word.text.find('='));
    const bool is_for_ip6 = name == "ipv6only";
    const bool is_for_tcp = name == "so_keepalive" || name == "deferred" || name == "fastopen";
    if (family == AF_INET6 || !(is_for_ip6 || (is_for_tcp && family == AF_UNIX))) continue;
    call.Warning(word, absl::StrCat("\"", name, "\" has no effect on ",
                                    family == AF_UNIX ? "a unix socket" : "an IPv4 address"));
  }
  if (family == AF_UNIX) {
    listener->keepalive = defaults.keepalive;
    listener->deferred = defaults.deferred;
    listener->fastopen_queue = defaults.fastopen_queue;
  }
  if (family != AF_INET6) listener->ipv6only = defaults.ipv6only;
}

void SetListen(Call& call) {
  const Word& where = call.arg(0);
  const absl::StatusOr<Endpoint> endpoint = ParseListen(where.text);
  if (!endpoint.ok()) {
    call.Error(where, absl::StrCat(endpoint.status().message(), " in ", Quote(where.text),
                                   " of the \"listen\" directive: expected PORT, ADDRESS:PORT, "
                                   "[IPV6]:PORT or unix:PATH"));
    return;
  }
  const absl::StatusOr<std::vector<Address>> addresses = call.resolver.Resolve(*endpoint);
  if (!addresses.ok()) {
    call.Error(where, absl::StrCat(addresses.status().message(), " in ", Quote(where.text),
                                   " of the \"listen\" directive"));
    return;
  }
  Listener options;
  if (!SetParameters<Listener>(call, 1, kParameters, options)) return;
  DropInapplicable(call, addresses->front().family(), &options);
  // All but what is agreed on with every server of the address.
  bool has_options = false;
  bool is_default = false;
  for (size_t i = 1; i < call.directive.args.size(); ++i) {
    const std::string& text = call.arg(i).text;
    is_default |= text == "default_server";
    has_options |= text != "default_server" && text != "ssl" && text != "proxy_protocol";
  }
  for (const Address& address : *addresses) {
    for (int port = endpoint->first_port; port <= endpoint->last_port; ++port) {
      PlacedListener placed{.listener = options,
                            .is_default = is_default,
                            .has_options = has_options,
                            .span = where.span};
      placed.listener.address = WithPort(address, port);
      call.server->listeners.push_back(std::move(placed));
    }
  }
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "listen",
     .contexts = kServer,
     .args = {1, kUnbounded},
     .repeat = Repeat::kMany,
     .set = SetListen,
     .usage = "PORT|ADDRESS:PORT|unix:PATH [PARAMETER]...",
     .help = "An address to accept connections at; PORT may be a range FIRST-LAST."},
};

}  // namespace

std::span<const DirectiveSpec> ListenDirectives() { return kDirectives; }

}  // namespace sluice::config
