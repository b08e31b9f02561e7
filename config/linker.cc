#include "config/linker.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "config/conf_command.h"
#include "config/directives.h"
#include "config/limits.h"
#include "config/quote.h"
#include "config/suggest.h"

namespace sluice::config {
namespace {

// Stands for a name that could not be found, which has been reported: that there is none is no
// further mistake, and files are looked at all the same.
constexpr char kNameOfMistake[] = "unknown";

// Warns, with `why`, of the first directive of `table` that this very block has. Settings of a
// whole `stream` are not told where one server has no use for them.
void WarnOfUnused(std::span<const DirectiveSpec> table, std::string_view why, const Block& block,
                  DiagnosticList& diagnostics) {
  for (const DirectiveSpec& spec : table) {
    const Directive* directive = block.SetHereBy(spec.name);
    if (directive == nullptr || !spec.no_effect.empty()) continue;
    diagnostics.Warning(directive->name.span,
                        absl::StrCat("\"", spec.name, "\" has no effect", why));
    return;
  }
}

// Traffic that someone took care to protect, and that would go out in clear.
void WarnOfUnusedTls(const Block& block, DiagnosticList& diagnostics) {
  if (block.Mentions("proxy_ssl") || block.SetBy("proxy_ssl") != nullptr) return;
  WarnOfUnused(TlsDirectives(),
               " without \"proxy_ssl on\": this server sends to its upstream in clear", block,
               diagnostics);
}

// Without a PROXY header there is nothing to take an address from.
void WarnOfUnusedRealIp(const ServerScope& scope, const Block& block, DiagnosticList& diagnostics) {
  const Directive* const directive = block.SetHereBy("set_real_ip_from");
  if (directive == nullptr ||
      std::any_of(scope.listeners.begin(), scope.listeners.end(),
                  [](const PlacedListener& placed) { return placed.listener.proxy_protocol; })) {
    return;
  }
  diagnostics.Warning(directive->name.span,
                      "\"set_real_ip_from\" has no effect: no \"listen\" of this server has "
                      "\"proxy_protocol\"");
}

// Settles the name by which the upstream's certificate is verified, and which is sent as SNI.
// `proxy_pass_name`: the one to use if no other is given.
void FinishTlsName(const Block& block, const std::string& proxy_pass_name, tls::Settings& tls,
                   DiagnosticList& diagnostics) {
  if (!tls.name.empty()) return;
  tls.name = proxy_pass_name;
  const Directive* given = block.SetBy("proxy_ssl_name");
  if (given == nullptr || !given->args[0].text.empty()) return;
  if (!tls.verify && !tls.send_server_name) return;
  diagnostics.Error(
      given->args[0].span,
      absl::StrCat(
          "\"proxy_ssl_name\" is empty: there is no name to ",
          tls.verify ? "verify the upstream's certificate by" : "send to the upstream",
          "; give one",
          proxy_pass_name.empty() ? "" : absl::StrCat(", such as ", Quote(proxy_pass_name))));
  tls.name = kNameOfMistake;
}

// A ring takes memory for each unit of weight.
void CheckRingWeight(const Upstream& upstream, const Word& name, DiagnosticList& diagnostics) {
  int64_t weight = 0;
  for (const Peer& peer : upstream.peers) {
    if (!peer.backup) weight += peer.weight;
  }
  if (weight <= kHashRingWeightMax) return;
  diagnostics.Error(
      name.span,
      absl::StrCat("the weights in upstream ", Quote(name.text), " add up to ", weight,
                   ": expected ", kHashRingWeightMax, " at most for \"hash\" with \"consistent\""));
}

}  // namespace

void Linker::AddUpstream(UpstreamScope scope, const Block& block) {
  const Directive& node = *block.node();
  const Word& name = node.args[0];
  const int index = static_cast<int>(plan_.upstreams.size());
  const auto [group, is_new] =
      groups_.try_emplace(absl::AsciiStrToLower(name.text), Group{index, name.span});
  if (!is_new) {
    diagnostics_.Error(name.span, absl::StrCat("duplicate upstream ", Quote(name.text),
                                               ", the first is at ", group->second.span.Where()));
  }
  const std::vector<Peer>& peers = scope.upstream.peers;
  if (!block.Mentions("server")) {
    diagnostics_.Error(node.name.span,
                       absl::StrCat("no servers are inside upstream ", Quote(name.text),
                                    ": expected \"server ADDRESS:PORT;\""));
  } else if (!peers.empty() &&
             std::all_of(peers.begin(), peers.end(), [](const Peer& p) { return p.backup; })) {
    diagnostics_.Error(node.name.span,
                       absl::StrCat("no servers in upstream ", Quote(name.text),
                                    ": every one is \"backup\", expected one that is not"));
  }
  if (scope.upstream.balance.method == Balance::Method::kConsistentHash) {
    CheckRingWeight(scope.upstream, name, diagnostics_);
  }
  if (scope.zone.has_value()) {
    scope.upstream.zone = scope.zone->name;
    AddZone(*scope.zone);
  }
  scope.upstream.name = name.text;
  plan_.upstreams.push_back(std::move(scope.upstream));
}

void Linker::AddZone(const PlacedZone& zone) {
  PlacedZone& first = zones_.try_emplace(zone.name, zone).first->second;
  if (zone.bytes == 0) return;
  if (first.bytes == 0) {
    first = zone;
  } else if (first.bytes != zone.bytes) {
    diagnostics_.Error(zone.span,
                       absl::StrCat("the size ", zone.bytes, " of shared memory zone ",
                                    Quote(zone.name), " conflicts with already declared size ",
                                    first.bytes, " at ", first.span.Where()));
  }
}

void Linker::CheckZones() {
  for (const auto& [name, zone] : zones_) {
    if (zone.bytes > 0) continue;
    diagnostics_.Error(zone.span,
                       absl::StrCat("zero size shared memory zone ", Quote(name),
                                    ": expected a size in one place, such as \"zone NAME 64k\""));
  }
}

void Linker::AddServer(ServerScope scope, const Block& block) {
  const Word& keyword = block.node()->name;
  const int index = static_cast<int>(plan_.servers.size());
  scope.server.where = keyword.span.Where();

  if (!block.Mentions("listen")) {
    diagnostics_.Error(keyword.span,
                       "no \"listen\" is defined for server: expected \"listen PORT;\"");
  }
  AddListeners(scope, index);
  named_.push_back({.names = scope.server_names, .span = keyword.span});
  if (std::any_of(scope.listeners.begin(), scope.listeners.end(),
                  [](const PlacedListener& placed) { return placed.listener.ssl; })) {
    ApplyServerConfCommands(scope, diagnostics_);
    scope.server.client_tls_profile = client_tls_profiles_.Add(scope, block);
  } else {
    WarnOfUnused(SslDirectives(), ": no \"listen\" of this server has \"ssl\"", block,
                 diagnostics_);
  }
  if (scope.sends_proxy_header) {
    scope.server.sent_proxy_header =
        scope.proxy_header_version == 1 ? SentProxyHeader::kVersion1 : SentProxyHeader::kVersion2;
  }
  WarnOfUnusedRealIp(scope, block, diagnostics_);
  AddAccessLogs(scope, scope.server);

  std::optional<int> upstream;
  std::string name;
  if (const Directive* const returns = block.SetHereBy("return"); returns != nullptr) {
    if (block.SetHereBy("proxy_pass") != nullptr) {
      diagnostics_.Error(returns->name.span,
                         "\"return\" and \"proxy_pass\" in one server: expected one of them");
    }
    scope.server.return_text = scope.return_text.value_or(Template());
    plan_.servers.push_back(std::move(scope.server));
    return;
  }
  if (scope.proxy_pass != nullptr) {
    upstream = FindUpstream(*scope.proxy_pass, &name);
  } else if (!block.Mentions("proxy_pass") && !block.Mentions("pass")) {
    diagnostics_.Error(keyword.span,
                       "no handler for server: expected \"proxy_pass ADDRESS;\" or "
                       "\"return VALUE;\"");
  }
  if (upstream.has_value()) {
    scope.server.upstream = *upstream;
  } else {
    name = kNameOfMistake;
  }
  if (scope.tls_enabled) {
    if (scope.strict_tls) {
      // Who writes "off" means it.
      if (block.SetBy("proxy_ssl_verify") == nullptr) scope.tls.verify = true;
      if (block.SetBy("proxy_ssl_server_name") == nullptr) scope.tls.send_server_name = true;
    }
    FinishTlsName(block, name, scope.tls, diagnostics_);
    ApplyConfCommands(scope, diagnostics_);
    scope.server.tls_profile = tls_profiles_.Add(scope, block);
  } else {
    WarnOfUnusedTls(block, diagnostics_);
  }
  plan_.servers.push_back(std::move(scope.server));
}

void Linker::AddListeners(const ServerScope& scope, int server) {
  for (const PlacedListener& placed : scope.listeners) {
    const Address& address = placed.listener.address;
    if (const auto known = listening_.find(address.text); known != listening_.end()) {
      ShareAddress(placed, server, known->second);
      continue;
    }
    if (plan_.listeners.size() == kListenersMax) {
      if (!has_too_many_listeners_) {
        diagnostics_.Error(placed.span,
                           absl::StrCat("more than ", kListenersMax, " addresses to listen at"));
      }
      has_too_many_listeners_ = true;
      return;
    }
    SharedAddress shared{.first = placed,
                         .listener = static_cast<int>(plan_.listeners.size()),
                         .servers = {server},
                         .last_span = placed.span,
                         .default_span = std::nullopt};
    if (placed.is_default) shared.default_span = placed.span;
    listening_.emplace(address.text, std::move(shared));
    plan_.listeners.push_back(placed.listener);
    plan_.listeners.back().server = server;
  }
}

void Linker::ShareAddress(const PlacedListener& placed, int server, SharedAddress& known) {
  const std::string quoted = Quote(placed.listener.address.text);
  const std::string first = absl::StrCat(", the first is at ", known.first.span.Where());
  Listener& listener = plan_.listeners[static_cast<size_t>(known.listener)];
  if (known.servers.back() == server) {
    diagnostics_.Error(
        placed.span, absl::StrCat("duplicate ", quoted, " address and port pair, the first is at ",
                                  known.last_span.Where()));
    return;
  }
  if (placed.listener.ssl != listener.ssl ||
      placed.listener.proxy_protocol != listener.proxy_protocol) {
    diagnostics_.Error(placed.span, absl::StrCat("\"ssl\" and \"proxy_protocol\" must be the same "
                                                 "in every \"listen\" to ",
                                                 quoted, first));
    return;
  }
  if (placed.has_options && known.first.has_options) {
    diagnostics_.Error(placed.span, absl::StrCat("duplicate listen options for ", quoted, first,
                                                 ": expected them in one of the servers"));
    return;
  }
  const int default_server = listener.server;
  if (placed.has_options) {
    listener = placed.listener;
    listener.server = default_server;
    known.first.has_options = true;
  }
  known.servers.push_back(server);
  known.last_span = placed.span;
  if (!placed.is_default) return;
  if (known.default_span.has_value()) {
    diagnostics_.Error(placed.span,
                       absl::StrCat("a duplicate default server for ", quoted, ", the first is at ",
                                    known.default_span->Where()));
    return;
  }
  known.default_span = placed.span;
  listener.server = server;
}

void Linker::LinkNames() {
  for (const auto& [address, shared] : listening_) {
    if (shared.servers.size() == 1) continue;
    Listener& listener = plan_.listeners[static_cast<size_t>(shared.listener)];
    for (const int server : shared.servers) {
      const Named& named = named_[static_cast<size_t>(server)];
      for (const Word* name : named.names) {
        if (name->text.empty() || !listener.ssl) continue;
        if (listener.names.Add(name->text, server)) continue;
        diagnostics_.Warning(name->span, absl::StrCat("conflicting server name ", Quote(name->text),
                                                      " on ", Quote(address), ", ignored"));
      }
      const bool has_name = std::any_of(named.names.begin(), named.names.end(),
                                        [](const Word* name) { return !name->text.empty(); });
      if (server == listener.server || (has_name && listener.ssl)) continue;
      diagnostics_.Warning(
          named.span,
          absl::StrCat("no client reaches this server at ", Quote(address),
                       listener.ssl ? ": it has no \"server_name\", and is not the default server"
                                    : ": without \"ssl\" only the default server is used there"));
    }
  }
}

std::optional<int> Linker::FindUpstream(const Word& proxy_pass, std::string* name) {
  const auto group = groups_.find(absl::AsciiStrToLower(proxy_pass.text));
  if (group != groups_.end()) {
    *name = proxy_pass.text;
    return group->second.index;
  }
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(proxy_pass.text);
  if (!endpoint.ok()) {
    diagnostics_.Error(
        proxy_pass.span,
        absl::StrCat(endpoint.status().message(), " in upstream ", Quote(proxy_pass.text),
                     ": expected a group, HOST:PORT, [IPV6]:PORT or unix:PATH"));
    return std::nullopt;
  }
  if (endpoint->kind == Endpoint::Kind::kUnix) {
    return FindImplicitUpstream(proxy_pass, *endpoint);
  }
  const auto named = groups_.find(absl::AsciiStrToLower(endpoint->host));
  if (named != groups_.end()) {
    diagnostics_.Error(proxy_pass.span, absl::StrCat("upstream ", Quote(endpoint->host),
                                                     " may not have a port: it "
                                                     "is the group at ",
                                                     named->second.span.Where()));
    return std::nullopt;
  }
  if (!endpoint->has_port()) {
    std::vector<std::string_view> names;
    for (const Upstream& upstream : plan_.upstreams) {
      if (!upstream.implicit) names.push_back(upstream.name);
    }
    const std::string suggestion = diagnostics_.full() ? "" : DidYouMean(proxy_pass.text, names);
    diagnostics_.Error(proxy_pass.span,
                       absl::StrCat("no port in upstream ", Quote(proxy_pass.text),
                                    ", and no \"upstream\" block has this name", suggestion));
    return std::nullopt;
  }
  *name = endpoint->host;
  return FindImplicitUpstream(proxy_pass, *endpoint);
}

std::optional<int> Linker::FindImplicitUpstream(const Word& proxy_pass, const Endpoint& endpoint) {
  const auto known = implicit_.find(proxy_pass.text);
  if (known != implicit_.end()) return known->second;

  const absl::StatusOr<std::vector<Address>> addresses = resolver_.Resolve(endpoint);
  if (!addresses.ok()) {
    diagnostics_.Error(proxy_pass.span, absl::StrCat(addresses.status().message(), " in upstream ",
                                                     Quote(proxy_pass.text)));
    return std::nullopt;
  }
  Upstream upstream{.name = proxy_pass.text, .implicit = true, .peers = {}};
  for (const Address& address : *addresses) {
    upstream.peers.push_back({.address = address, .name = proxy_pass.text});
  }
  const int index = static_cast<int>(plan_.upstreams.size());
  plan_.upstreams.push_back(std::move(upstream));
  implicit_[proxy_pass.text] = index;
  return index;
}

void Linker::AddAccessLogs(const ServerScope& scope, Server& server) {
  for (const PlacedAccessLog& placed : scope.access_logs) {
    const auto format =
        std::find_if(plan_.log_formats.begin(), plan_.log_formats.end(),
                     [&](const LogFormat& known) { return known.name == placed.format->text; });
    if (format == plan_.log_formats.end()) {
      std::vector<std::string_view> names;
      for (const LogFormat& known : plan_.log_formats) names.push_back(known.name);
      diagnostics_.Error(placed.format->span,
                         absl::StrCat("unknown log format ", Quote(placed.format->text),
                                      DidYouMean(placed.format->text, names)));
      continue;
    }
    AccessLog log = placed.log;
    log.format = static_cast<int>(format - plan_.log_formats.begin());
    if (log.path.constant()) {
      const auto [first, is_new] =
          log_files_.try_emplace(log.path.text(), LogFile{log, placed.path->span});
      const AccessLog& known = first->second.log;
      if (known.buffer_bytes != log.buffer_bytes || known.flush_ms != log.flush_ms ||
          known.gzip_level != log.gzip_level) {
        diagnostics_.Error(placed.path->span,
                           absl::StrCat("access_log ", Quote(placed.path->text),
                                        " already defined with conflicting parameters at ",
                                        first->second.span.Where(),
                                        ": give both the same buffer, flush and gzip"));
        continue;
      }
    }
    server.access_logs.push_back(std::move(log));
  }
}

Plan Linker::Finish(Process process, VariableTable variables, const TlsCheck& check,
                    const ClientTlsCheck& check_client) && {
  CheckZones();
  LinkNames();
  tls_profiles_.Check(check);
  client_tls_profiles_.Check(check_client);
  plan_.process = std::move(process);
  plan_.num_set_slots = variables.num_slots();
  plan_.variables = std::move(variables).Finish(diagnostics_);
  plan_.tls_profiles = std::move(tls_profiles_).Take();
  plan_.client_tls_profiles = std::move(client_tls_profiles_).Take();
  const bool uses_server_addr =
      std::any_of(plan_.variables.begin(), plan_.variables.end(),
                  [](const Variable& variable) { return variable.id == VariableId::kServerAddr; });
  for (const auto& [address, shared] : listening_) {
    Listener& listener = plan_.listeners[static_cast<size_t>(shared.listener)];
    const bool sends_header =
        std::any_of(shared.servers.begin(), shared.servers.end(), [this](int server) {
          return plan_.servers[static_cast<size_t>(server)].sent_proxy_header !=
                 SentProxyHeader::kNone;
        });
    listener.tells_local_address =
        IsWildcard(listener.address) && (uses_server_addr || sends_header);
  }
  return std::move(plan_);
}

}  // namespace sluice::config
