#include "engine/probe/target.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "config/endpoint.h"
#include "config/load.h"
#include "config/read_file.h"
#include "config/resolver.h"
#include "config/system.h"
#include "tls/context.h"
#include "tls/server_context.h"

namespace sluice::engine {
namespace {

// Where distributions keep the CAs that they trust: Debian and Alpine, Red Hat, SUSE.
constexpr const char* kCaBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
};

std::string Quoted(std::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text), "\"");
}

// The canonical form of where a server block listens, for comparing; `text` itself if it is none.
std::string ListenText(std::string_view text) {
  const absl::StatusOr<config::Endpoint> endpoint = config::ParseListen(text);
  if (!endpoint.ok()) return std::string(text);
  switch (endpoint->kind) {
    case config::Endpoint::Kind::kUnix:
      return config::UnixAddress(endpoint->host).text;
    case config::Endpoint::Kind::kIp:
      return config::IpAddress(endpoint->host, endpoint->first_port).text;
    case config::Endpoint::Kind::kName:
      return std::string(text);
  }
  return std::string(text);
}

bool Listens(const config::Plan& plan, size_t server, const std::string& listen) {
  return std::any_of(plan.listeners.begin(), plan.listeners.end(), [&](const auto& listener) {
    return listener.server == static_cast<int>(server) && listener.address.text == listen;
  });
}

std::string ListenersOf(const config::Plan& plan, const config::Server& server) {
  std::vector<std::string_view> texts;
  for (const config::Listener& listener : plan.listeners) {
    if (&plan.servers[listener.server] == &server) texts.push_back(listener.address.text);
  }
  return absl::StrJoin(texts, ", ");
}

// The peers of `upstream` that `address` means when it stands for an upstream.
std::vector<config::Peer> PeersNamed(const config::Upstream& upstream, std::string_view address) {
  if (upstream.name == address) return upstream.peers;
  std::vector<config::Peer> peers;
  for (const config::Peer& peer : upstream.peers) {
    if (peer.name == address || peer.address.text == address) peers.push_back(peer);
  }
  return peers;
}

absl::Status NoSuchServer(const config::Plan& plan, std::string_view address) {
  std::vector<std::string> known;
  for (const config::Server& server : plan.servers) {
    if (server.tls_profile == config::kNoIndex) continue;
    known.push_back(
        absl::StrCat(ListenersOf(plan, server), " to ", plan.upstreams[server.upstream].name));
  }
  if (known.empty()) {
    return absl::NotFoundError("no server block of the configuration has \"proxy_ssl on\"");
  }
  return absl::NotFoundError(
      absl::StrCat("no server block listens on or passes to ", Quoted(address),
                   "; those with proxy_ssl are ", absl::StrJoin(known, "; "),
                   ". To probe any other address with the settings of one, add --server LISTEN"));
}

absl::StatusOr<tls::File> ReadNamed(const std::string& path) {
  absl::StatusOr<std::string> contents = config::ReadFile(path);
  if (!contents.ok()) {
    return absl::NotFoundError(absl::StrCat(Quoted(path), ": ", contents.status().message()));
  }
  return tls::File{.path = path, .contents = *std::move(contents)};
}

// Without a configuration: what a careful one would say.
absl::StatusOr<ProbeTarget> DefaultTarget(const ProbeOptions& options) {
  ProbeTarget target{.origin = "the command line"};
  target.settings.verify = true;
  target.settings.send_server_name = true;
  if (options.verify.value_or(true) && !options.ca.has_value()) {
    for (const char* bundle : kCaBundles) {
      absl::StatusOr<tls::File> file = ReadNamed(bundle);
      if (!file.ok()) continue;
      target.settings.trusted_certificate = *std::move(file);
      break;
    }
    if (!target.settings.trusted_certificate.given()) {
      return absl::NotFoundError(
          "there is no bundle of CAs on this machine: give --ca FILE, or --no-verify");
    }
  }
  return target;
}

absl::StatusOr<ProbeTarget> ConfiguredTarget(const ProbeOptions& options) {
  config::LoadOptions load;
  load.file = options.config_file;
  load.prefix = std::filesystem::absolute(options.prefix).string();
  load.check_tls = tls::CheckSettings;
  load.check_client_tls = tls::CheckServerSettings;
  const config::LoadResult loaded = config::Load(load);
  if (!loaded.plan.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the configuration cannot be used:\n",
                     absl::StripSuffix(loaded.diagnostics.Render(), "\n")));
  }
  absl::StatusOr<ServerChoice> choice = ChooseServer(*loaded.plan, options.address, options.server);
  if (!choice.ok()) return choice.status();
  return ProbeTarget{.origin = absl::StrCat("server block at ", choice->server->where),
                     .settings = loaded.plan->tls_profiles[choice->server->tls_profile],
                     .server = *choice->server,
                     .peers = std::move(choice->peers)};
}

// What is wrong with `address`, which ParseEndpoint refuses for `reason`.
std::string WrongAddress(std::string_view address, std::string_view reason) {
  constexpr std::string_view kBrackets = ": an IPv6 address stands in brackets, [";
  const size_t last_colon = address.rfind(':');
  if (address.find(':') != last_colon && !address.starts_with('[')) {
    const std::string_view host = address.substr(0, last_colon);
    if (config::ParseIpAddress(host).has_value()) {
      return absl::StrCat(Quoted(address), kBrackets, host, "]", address.substr(last_colon));
    }
    if (config::ParseIpAddress(address).has_value()) {
      return absl::StrCat(Quoted(address), kBrackets, address, "]:PORT");
    }
  }
  return absl::StrCat(reason, " in ", Quoted(address), ": expected HOST:PORT");
}

// The addresses of HOST:PORT or unix:PATH, and in `*host` the name that TLS would know it by.
absl::StatusOr<std::vector<config::Peer>> ResolvePeers(const std::string& address,
                                                       std::string* host) {
  const absl::StatusOr<config::Endpoint> endpoint = config::ParseEndpoint(address);
  if (!endpoint.ok()) {
    return absl::InvalidArgumentError(WrongAddress(address, endpoint.status().message()));
  }
  if (endpoint->kind != config::Endpoint::Kind::kUnix) {
    if (!endpoint->has_port()) {
      return absl::InvalidArgumentError(
          absl::StrCat("no port in ", Quoted(address), ": expected HOST:PORT"));
    }
    *host = endpoint->host;
  }
  const config::System system = config::ThisSystem();
  const auto addresses = config::Resolver(system).Resolve(*endpoint);
  if (!addresses.ok()) {
    return absl::UnavailableError(
        absl::StrCat(Quoted(address), ": ", addresses.status().message()));
  }
  std::vector<config::Peer> peers;
  for (const config::Address& one : *addresses) {
    peers.push_back({.address = one, .name = address});
  }
  return peers;
}

absl::Status ApplyOptions(const ProbeOptions& options, tls::Settings& settings) {
  const struct {
    const std::optional<std::string>& path;
    tls::File& file;
  } kFiles[] = {{options.ca, settings.trusted_certificate},
                {options.crl, settings.crl},
                {options.certificate, settings.certificate},
                {options.certificate_key, settings.certificate_key}};
  for (const auto& [path, file] : kFiles) {
    if (!path.has_value()) continue;
    absl::StatusOr<tls::File> read = ReadNamed(*path);
    if (!read.ok()) return read.status();
    file = *std::move(read);
  }
  if (options.password_file.has_value()) {
    const absl::StatusOr<tls::File> file = ReadNamed(*options.password_file);
    if (!file.ok()) return file.status();
    settings.passwords = absl::StrSplit(file->contents, absl::ByAnyChar("\r\n"), absl::SkipEmpty());
  }
  settings.verify = options.verify.value_or(settings.verify);
  settings.verify_depth = options.verify_depth.value_or(settings.verify_depth);
  settings.send_server_name = options.send_server_name.value_or(settings.send_server_name);
  settings.name = options.name.value_or(settings.name);
  settings.ciphers = options.ciphers.value_or(settings.ciphers);
  settings.groups = options.groups.value_or(settings.groups);
  settings.alpn = options.alpn.value_or(settings.alpn);
  if (options.protocols.has_value()) {
    settings.min_version = options.protocols->min;
    settings.max_version = options.protocols->max;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServerChoice> ChooseServer(const config::Plan& plan, std::string_view address,
                                          std::string_view listen) {
  const std::string address_listen = ListenText(address);
  const std::string picked_listen = ListenText(listen);
  std::vector<ServerChoice> choices;
  bool plain_only = false;
  for (size_t i = 0; i < plan.servers.size(); ++i) {
    const config::Server& server = plan.servers[i];
    if (!listen.empty() && !Listens(plan, i, picked_listen)) continue;
    const config::Upstream& upstream = plan.upstreams[server.upstream];
    ServerChoice choice{.server = &server, .peers = PeersNamed(upstream, address)};
    if (choice.peers.empty() && Listens(plan, i, address_listen)) choice.peers = upstream.peers;
    if (choice.peers.empty() && listen.empty()) continue;
    if (server.tls_profile == config::kNoIndex) {
      plain_only = true;
      continue;
    }
    choices.push_back(std::move(choice));
  }
  if (choices.empty()) {
    if (plain_only) {
      return absl::FailedPreconditionError(
          absl::StrCat("the server block of ", Quoted(listen.empty() ? address : listen),
                       " has no \"proxy_ssl on\": there is no TLS to probe"));
    }
    if (!listen.empty()) {
      return absl::NotFoundError(
          absl::StrCat("no server block listens on ", Quoted(listen), " (--server)"));
    }
    return NoSuchServer(plan, address);
  }
  for (const ServerChoice& choice : choices) {
    if (choice.server->tls_profile == choices[0].server->tls_profile) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("server blocks with different proxy_ssl settings use ", Quoted(address),
                     ": at ", choices[0].server->where, " (", ListenersOf(plan, *choices[0].server),
                     ") and at ", choice.server->where, " (", ListenersOf(plan, *choice.server),
                     "); pick one with --server LISTEN"));
  }
  return choices[0];
}

absl::StatusOr<ProbeTarget> FindTarget(const ProbeOptions& options) {
  absl::StatusOr<ProbeTarget> target =
      options.config_file.empty() ? DefaultTarget(options) : ConfiguredTarget(options);
  if (!target.ok()) return target;
  if (target->peers.empty()) {
    std::string host;
    absl::StatusOr<std::vector<config::Peer>> peers = ResolvePeers(options.address, &host);
    if (!peers.ok()) return peers.status();
    target->peers = *std::move(peers);
    if (target->settings.name.empty()) target->settings.name = host;
  }
  if (absl::Status status = ApplyOptions(options, target->settings); !status.ok()) return status;
  return target;
}

}  // namespace sluice::engine
