#include "config/variable.h"

#include <algorithm>

namespace sluice::config {
namespace {

constexpr VariableSpec kVariables[] = {
    {"binary_remote_addr", VariableId::kBinaryRemoteAddr,
     "the client's IP address as 4 or 16 bytes"},
    {"bytes_received", VariableId::kBytesReceived, "bytes from the client"},
    {"bytes_sent", VariableId::kBytesSent, "bytes to the client"},
    {"connection", VariableId::kConnection,
     "the connection's number; clients and upstreams are numbered together, from 1"},
    {"hostname", VariableId::kHostname, "the machine's name"},
    {"msec", VariableId::kMsec, "seconds since 1970, with milliseconds"},
    {"nginx_version", VariableId::kNginxVersion, "sluice's version"},
    {"pid", VariableId::kPid, "the process's number"},
    {"protocol", VariableId::kProtocol, "always TCP"},
    {"remote_addr", VariableId::kRemoteAddr, "the client's address, without its port"},
    {"remote_port", VariableId::kRemotePort, "the client's port"},
    {"server_addr", VariableId::kServerAddr, "the address that the client connected to"},
    {"server_port", VariableId::kServerPort, "the port that the client connected to"},
    {"session_time", VariableId::kSessionTime,
     "seconds since the client was accepted, with milliseconds"},
    {"status", VariableId::kStatus, "how the session ended, in nginx's numbers"},
    {"time_iso8601", VariableId::kTimeIso8601, "local time as ISO 8601 has it"},
    {"time_local", VariableId::kTimeLocal, "local time as in the Common Log Format"},
    {"proxy_protocol_addr", VariableId::kProxyProtocolAddr,
     "the client's address in the PROXY header"},
    {"proxy_protocol_port", VariableId::kProxyProtocolPort, "the client's port in it"},
    {"proxy_protocol_server_addr", VariableId::kProxyProtocolServerAddr,
     "the address in it that the client connected to"},
    {"proxy_protocol_server_port", VariableId::kProxyProtocolServerPort, "the port, likewise"},
    {"realip_remote_addr", VariableId::kRealipRemoteAddr,
     "the address that the connection came from, whatever set_real_ip_from has made of it"},
    {"realip_remote_port", VariableId::kRealipRemotePort, "the port, likewise"},
    {"upstream_addr", VariableId::kUpstreamAddr, "the peers tried, in turn"},
    {"upstream_bytes_received", VariableId::kUpstreamBytesReceived, "bytes from each of them"},
    {"upstream_bytes_sent", VariableId::kUpstreamBytesSent, "bytes to each of them"},
    {"upstream_connect_time", VariableId::kUpstreamConnectTime,
     "seconds until each was connected, the TLS handshake included"},
    {"upstream_first_byte_time", VariableId::kUpstreamFirstByteTime,
     "seconds until the first byte came from each"},
    {"upstream_session_time", VariableId::kUpstreamSessionTime,
     "seconds that the session with each took"},
    {"ssl_alpn_protocol", VariableId::kSslAlpnProtocol,
     "the protocol chosen in the client's handshake (ALPN)"},
    {"ssl_cipher", VariableId::kSslCipher, "the client's cipher suite, OpenSSL's name"},
    {"ssl_client_cert", VariableId::kSslClientCert,
     "the client's certificate in PEM form, each line but the first behind a tab"},
    {"ssl_client_fingerprint", VariableId::kSslClientFingerprint,
     "SHA-1 of the client's certificate"},
    {"ssl_client_i_dn", VariableId::kSslClientIDn, "its issuer's name, as RFC 2253 writes names"},
    {"ssl_client_raw_cert", VariableId::kSslClientRawCert, "the client's certificate in PEM form"},
    {"ssl_client_s_dn", VariableId::kSslClientSDn, "its subject's name"},
    {"ssl_client_serial", VariableId::kSslClientSerial, "its serial number, in hexadecimal"},
    {"ssl_client_v_end", VariableId::kSslClientVEnd, "when it ends to be valid"},
    {"ssl_client_v_remain", VariableId::kSslClientVRemain, "days until then"},
    {"ssl_client_v_start", VariableId::kSslClientVStart, "when it begins to be valid"},
    {"ssl_client_verify", VariableId::kSslClientVerify,
     "SUCCESS, FAILED: and why, or NONE without a certificate"},
    {"ssl_curve", VariableId::kSslCurve, "the client's key exchange group"},
    {"ssl_protocol", VariableId::kSslProtocol, "the client's TLS version"},
    {"ssl_server_name", VariableId::kSslServerName, "whom the client asked for (SNI)"},
    {"ssl_session_id", VariableId::kSslSessionId, "the session's identifier, in hexadecimal"},
    {"ssl_session_reused", VariableId::kSslSessionReused,
     "\"r\" if the client resumed a session, else \".\""},
    {"close_reason", VariableId::kCloseReason, "how the session ended, in a word"},
    {"upstream_ssl_cipher", VariableId::kUpstreamSslCipher, "the cipher suite, OpenSSL's name"},
    {"upstream_ssl_curve", VariableId::kUpstreamSslCurve, "the key exchange group"},
    {"upstream_ssl_handshake_time", VariableId::kUpstreamSslHandshakeTime,
     "seconds that the TLS handshake with each took"},
    {"upstream_ssl_protocol", VariableId::kUpstreamSslProtocol, "the TLS version"},
    {"upstream_ssl_server_name", VariableId::kUpstreamSslServerName, "the name sent as SNI"},
    {"upstream_ssl_session_reused", VariableId::kUpstreamSslSessionReused,
     "\"r\" if the session was resumed, else \".\""},
    {"upstream_ssl_verify_result", VariableId::kUpstreamSslVerifyResult,
     "SUCCESS, FAILED: and why, or NONE"},
};

// Each row stands at its VariableId.
constexpr bool InOrder() {
  size_t i = 0;
  for (const VariableSpec& spec : kVariables) {
    if (static_cast<size_t>(spec.id) != i++) return false;
  }
  return i == static_cast<size_t>(VariableId::kProxyProtocolTlv);
}
static_assert(InOrder());

constexpr std::string_view kNotSupported[] = {
    "geoip_",     "limit_conn_status", "mqtt_preread_", "ssl_ciphers", "ssl_client_sigalg",
    "ssl_curves", "ssl_preread_",      "ssl_sigalg",
};

}  // namespace

std::span<const VariableSpec> AllVariables() { return kVariables; }

const VariableSpec* FindVariable(std::string_view name) {
  const auto* found = std::find_if(std::begin(kVariables), std::end(kVariables),
                                   [&](const VariableSpec& spec) { return spec.name == name; });
  return found == std::end(kVariables) ? nullptr : found;
}

bool IsVariableOfNginx(std::string_view name) {
  return std::any_of(std::begin(kNotSupported), std::end(kNotSupported),
                     [&](std::string_view known) {
                       return known.ends_with('_') ? name.starts_with(known) : name == known;
                     });
}

std::span<const std::string_view> VariablesNotSupported() { return kNotSupported; }

}  // namespace sluice::config
