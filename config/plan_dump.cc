#include "config/plan_dump.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

std::string_view OnOff(bool value) { return value ? "on" : "off"; }

std::string SyslogText(const SyslogTarget& target) {
  return absl::StrCat("syslog ", QuoteWhole(target.address.text), " facility=", target.facility,
                      " severity=", LogLevelName(target.severity), " tag=", target.tag,
                      " hostname=", OnOff(target.has_hostname));
}

// Collects `name value` lines, indented by the blocks that are open.
class Dump {
 public:
  template <typename... Parts>
  void Line(const Parts&... parts) {
    absl::StrAppend(&text_, std::string(indent_, ' '));
    absl::StrAppend(&text_, parts...);
    absl::StrAppend(&text_, "\n");
  }

  template <typename... Parts>
  void Open(const Parts&... parts) {
    Line(parts..., " {");
    indent_ += 2;
  }

  void Close() {
    indent_ -= 2;
    Line("}");
  }

  void ErrorLogs(const std::vector<ErrorLog>& logs) {
    for (const ErrorLog& log : logs) {
      Line("error_log ", log.syslog.has_value() ? SyslogText(*log.syslog) : QuoteWhole(log.file),
           " ", LogLevelName(log.level));
    }
  }

  void File(std::string_view name, const tls::File& file) {
    if (file.given()) {
      Line(name, " ", QuoteWhole(file.path), " ", file.contents.size(), " bytes");
    } else {
      Line(name, " none");
    }
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  int indent_ = 0;
};

void DumpProcess(const Process& process, Dump& dump) {
  dump.Open("process");
  dump.Line("daemon ", OnOff(process.daemon));
  dump.Line("user ", QuoteWhole(process.user));
  dump.Line("group ", QuoteWhole(process.group));
  dump.Line("pid_file ", QuoteWhole(process.pid_file));
  dump.ErrorLogs(process.error_logs);
  dump.Line("num_shards ", process.num_shards);
  for (const std::vector<int>& cpus : process.shard_cpus) {
    dump.Line("shard_cpus ", absl::StrJoin(cpus, ","));
  }
  dump.Line("nofile_limit ", process.nofile_limit);
  dump.Line("worker_connections ", process.worker_connections);
  if (process.shutdown_timeout_ms > 0) {
    dump.Line("shutdown_timeout_ms ", process.shutdown_timeout_ms);
  }
  dump.Close();
}

std::string KeepaliveText(const Keepalive& keepalive) {
  switch (keepalive.mode) {
    case Keepalive::Mode::kSystem:
      return "system";
    case Keepalive::Mode::kOff:
      return "off";
    case Keepalive::Mode::kOn:
      return absl::StrCat(keepalive.idle_s, "s:", keepalive.interval_s, "s:", keepalive.num_probes);
  }
  return "unknown";
}

void DumpListener(const Listener& listener, Dump& dump) {
  dump.Line("listener ", QuoteWhole(listener.address.text), " server=", listener.server,
            " backlog=", listener.backlog, " rcvbuf_bytes=", listener.rcvbuf_bytes,
            " sndbuf_bytes=", listener.sndbuf_bytes, " fastopen_queue=", listener.fastopen_queue,
            " reuseport=", OnOff(listener.reuseport), " ipv6only=", OnOff(listener.ipv6only),
            " deferred=", OnOff(listener.deferred), listener.ssl ? " ssl" : "",
            listener.proxy_protocol ? " proxy_protocol" : "",
            listener.tells_local_address ? " tells_local_address" : "",
            " keepalive=", KeepaliveText(listener.keepalive));
  for (const auto& [name, server] : listener.names.All()) {
    dump.Line("  server_name ", QuoteWhole(name), " server=", server);
  }
}

std::string_view LogEscapeName(LogEscape escape) {
  switch (escape) {
    case LogEscape::kDefault:
      return "default";
    case LogEscape::kJson:
      return "json";
    case LogEscape::kNone:
      return "none";
  }
  return "unknown";
}

void DumpAccessLog(const AccessLog& log, Dump& dump) {
  dump.Line(
      "access_log ", log.syslog.has_value() ? SyslogText(*log.syslog) : QuoteWhole(log.path.text()),
      " format=", log.format,
      log.condition.has_value() ? absl::StrCat(" if=", QuoteWhole(log.condition->text())) : "",
      " buffer_bytes=", log.buffer_bytes, " flush_ms=", log.flush_ms,
      " gzip_level=", log.gzip_level);
}

void DumpSessionHandling(const Server& server, const Plan& plan, Dump& dump) {
  if (server.sent_proxy_header != SentProxyHeader::kNone) {
    dump.Line("sent_proxy_header ",
              server.sent_proxy_header == SentProxyHeader::kVersion1 ? "v1" : "v2");
  }
  dump.Line("proxy_protocol_timeout_ms ", server.proxy_protocol_timeout_ms);
  for (const Cidr& network : server.real_ip_from) dump.Line("real_ip_from ", network.text);
  for (const AccessLog& log : server.access_logs) DumpAccessLog(log, dump);
  const LogFileCache& cache = server.log_file_cache;
  if (cache.max > 0) {
    dump.Line("log_file_cache max=", cache.max, " inactive_ms=", cache.inactive_ms,
              " min_uses=", cache.min_uses, " valid_ms=", cache.valid_ms);
  }
  for (const SetVariable& set : server.sets) {
    dump.Line("set ", plan.variables[set.variable].name, " ", QuoteWhole(set.value.text()));
  }
  if (server.upstream == kNoIndex) dump.Line("return ", QuoteWhole(server.return_text.text()));
}

void DumpServer(int index, const Plan& plan, Dump& dump) {
  const Server& server = plan.servers[index];
  dump.Open("server ", index);
  dump.Line("where ", QuoteWhole(server.where));
  if (server.upstream != kNoIndex) dump.Line("upstream ", server.upstream);
  if (server.tls_profile == kNoIndex) {
    dump.Line("tls_profile none");
  } else {
    dump.Line("tls_profile ", server.tls_profile);
  }
  if (server.client_tls_profile != kNoIndex) {
    dump.Line("client_tls_profile ", server.client_tls_profile);
    dump.Line("client_handshake_timeout_ms ", server.client_handshake_timeout_ms);
  }
  dump.Line("connect_timeout_ms ", server.connect_timeout_ms);
  dump.Line("timeout_ms ", server.timeout_ms);
  dump.Line("buffer_bytes ", server.buffer_bytes, server.buffer_bytes_given ? " given" : "");
  dump.Line("next_upstream ", OnOff(server.next_upstream));
  dump.Line("next_upstream_tries ", server.next_upstream_tries);
  dump.Line("next_upstream_timeout_ms ", server.next_upstream_timeout_ms);
  dump.Line("half_close ", OnOff(server.half_close));
  dump.Line("splice ", OnOff(server.splice));
  dump.Line("strict_close ", OnOff(server.strict_close));
  const CertificateCache& cache = server.certificate_cache;
  dump.Line("certificate_cache max=", cache.max, " inactive_ms=", cache.inactive_ms,
            " valid_ms=", cache.valid_ms);
  dump.Line("socket_keepalive ", OnOff(server.socket_keepalive));
  dump.Line("tcp_nodelay ", OnOff(server.tcp_nodelay));
  if (server.bind.has_value()) {
    dump.Line("bind ", QuoteWhole(server.bind->value.text()),
              server.bind->transparent ? " transparent" : "");
  } else {
    dump.Line("bind none");
  }
  dump.ErrorLogs(server.error_logs);
  DumpSessionHandling(server, plan, dump);
  dump.Close();
}

std::string_view TimeName(Balance::Time time) {
  switch (time) {
    case Balance::Time::kConnect:
      return "connect";
    case Balance::Time::kFirstByte:
      return "first_byte";
    case Balance::Time::kLastByte:
      return "last_byte";
  }
  return "unknown";
}

std::string BalanceText(const Balance& balance) {
  switch (balance.method) {
    case Balance::Method::kRoundRobin:
      return "round_robin";
    case Balance::Method::kHash:
      return absl::StrCat("hash ", QuoteWhole(balance.hash_key.text()));
    case Balance::Method::kConsistentHash:
      return absl::StrCat("hash ", QuoteWhole(balance.hash_key.text()), " consistent");
    case Balance::Method::kLeastConn:
      return "least_conn";
    case Balance::Method::kLeastTime:
      return absl::StrCat("least_time ", TimeName(balance.time),
                          balance.inflight ? " inflight" : "");
    case Balance::Method::kRandom:
      return "random";
    case Balance::Method::kRandomLeastConn:
      return "random two least_conn";
    case Balance::Method::kRandomLeastTime:
      return absl::StrCat("random two least_time=", TimeName(balance.time));
  }
  return "unknown";
}

void DumpUpstream(int index, const Upstream& upstream, Dump& dump) {
  dump.Open("upstream ", index, " ", QuoteWhole(upstream.name),
            upstream.implicit ? " implicit" : "");
  if (!upstream.implicit) dump.Line("balance ", BalanceText(upstream.balance));
  if (!upstream.zone.empty()) dump.Line("zone ", QuoteWhole(upstream.zone));
  for (const Peer& peer : upstream.peers) {
    dump.Line("peer ", QuoteWhole(peer.address.text), " name=", QuoteWhole(peer.name),
              " weight=", peer.weight, " max_fails=", peer.max_fails,
              " fail_timeout_ms=", peer.fail_timeout_ms, " max_conns=", peer.max_conns,
              peer.slow_start_ms > 0 ? absl::StrCat(" slow_start_ms=", peer.slow_start_ms) : "",
              peer.backup ? " backup" : "", peer.down ? " down" : "");
  }
  dump.Close();
}

void DumpTlsProfile(int index, const tls::Settings& settings, Dump& dump) {
  dump.Open("tls_profile ", index);
  dump.File("certificate", settings.certificate);
  dump.File("certificate_key", settings.certificate_key);
  dump.Line("passwords ", settings.passwords.size());
  dump.Line("versions ", tls::VersionName(settings.min_version), " to ",
            tls::VersionName(settings.max_version));
  dump.Line("ciphers ", QuoteWhole(settings.ciphers));
  dump.Line("groups ", QuoteWhole(settings.groups));
  dump.Line("signature_algorithms ", QuoteWhole(settings.signature_algorithms));
  dump.Line("alpn", absl::StrJoin(settings.alpn, "", [](std::string* out, const std::string& name) {
              absl::StrAppend(out, " ", QuoteWhole(name));
            }));
  dump.Line("verify ", OnOff(settings.verify));
  dump.Line("verify_depth ", settings.verify_depth);
  dump.File("trusted_certificate", settings.trusted_certificate);
  dump.File("crl", settings.crl);
  dump.Line("verify_legacy ", OnOff(settings.verify_legacy));
  dump.Line("name ", QuoteWhole(settings.name));
  dump.Line("send_server_name ", OnOff(settings.send_server_name));
  dump.Line("session_reuse ", OnOff(settings.session_reuse));
  dump.Line("ticket_use ", tls::TicketUseName(settings.ticket_use));
  dump.Line("session_cache_bytes ", settings.session_cache_bytes);
  dump.Line("key_log_path ", QuoteWhole(settings.key_log_path));
  dump.Close();
}

std::string SessionCacheText(const tls::ServerSettings& settings) {
  switch (settings.session_cache) {
    case tls::SessionCacheKind::kNone:
      return "none";
    case tls::SessionCacheKind::kBuiltin:
      return absl::StrCat("builtin ", settings.session_cache_sessions);
    case tls::SessionCacheKind::kShared:
      return absl::StrCat("shared ", QuoteWhole(settings.session_cache_name), " ",
                          settings.session_cache_bytes);
  }
  return "unknown";
}

void DumpClientTlsProfile(int index, const tls::ServerSettings& settings, Dump& dump) {
  dump.Open("client_tls_profile ", index);
  for (const tls::ServerSettings::Identity& identity : settings.identities) {
    dump.File("certificate", identity.certificate);
    dump.File("certificate_key", identity.certificate_key);
  }
  dump.Line("passwords ", settings.passwords.size());
  dump.Line("versions ", tls::VersionName(settings.min_version), " to ",
            tls::VersionName(settings.max_version));
  dump.Line("ciphers ", QuoteWhole(settings.ciphers));
  dump.Line("prefer_server_ciphers ", OnOff(settings.prefer_server_ciphers));
  dump.Line("groups ", QuoteWhole(settings.groups));
  dump.Line("signature_algorithms ", QuoteWhole(settings.signature_algorithms));
  dump.Line("alpn", absl::StrJoin(settings.alpn, "", [](std::string* out, const std::string& name) {
              absl::StrAppend(out, " ", QuoteWhole(name));
            }));
  dump.Line("verify_client ", tls::ClientVerificationName(settings.verify_client));
  dump.Line("verify_depth ", settings.verify_depth);
  dump.File("client_certificate", settings.client_certificate);
  dump.File("trusted_certificate", settings.trusted_certificate);
  dump.File("crl", settings.crl);
  dump.Line("reject_handshake ", OnOff(settings.reject_handshake));
  dump.Line("session_cache ", SessionCacheText(settings));
  dump.Line("session_timeout_s ", settings.session_timeout_s);
  dump.Line("session_tickets ", OnOff(settings.session_tickets));
  for (const tls::File& key : settings.ticket_keys) dump.File("ticket_key", key);
  dump.Line("key_log_path ", QuoteWhole(settings.key_log_path));
  dump.Close();
}

}  // namespace

std::string DumpPlan(const Plan& plan) {
  Dump dump;
  DumpProcess(plan.process, dump);
  for (const Listener& listener : plan.listeners) DumpListener(listener, dump);
  for (size_t i = 0; i < plan.servers.size(); ++i) {
    DumpServer(static_cast<int>(i), plan, dump);
  }
  for (size_t i = 0; i < plan.upstreams.size(); ++i) {
    DumpUpstream(static_cast<int>(i), plan.upstreams[i], dump);
  }
  for (size_t i = 0; i < plan.log_formats.size(); ++i) {
    const LogFormat& format = plan.log_formats[i];
    dump.Line("log_format ", i, " ", QuoteWhole(format.name),
              " escape=", LogEscapeName(format.escape), " ", QuoteWhole(format.text.text()));
  }
  for (size_t i = 0; i < plan.tls_profiles.size(); ++i) {
    DumpTlsProfile(static_cast<int>(i), plan.tls_profiles[i], dump);
  }
  for (size_t i = 0; i < plan.client_tls_profiles.size(); ++i) {
    DumpClientTlsProfile(static_cast<int>(i), plan.client_tls_profiles[i], dump);
  }
  return dump.Take();
}

}  // namespace sluice::config
