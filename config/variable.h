// The variables of the configuration language: their names, and what the plan keeps of one.
//
// A name is looked up once, when a plan is made. From then on a variable is its index in
// Plan::variables, and what it is worth at the moment is up to engine/variables.h.
#ifndef SLUICE_CONFIG_VARIABLE_H_
#define SLUICE_CONFIG_VARIABLE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/tlv.h"

namespace sluice::config {

enum class VariableId : uint8_t {
  // ngx_stream_core_module.
  kBinaryRemoteAddr,
  kBytesReceived,
  kBytesSent,
  kConnection,
  kHostname,
  kMsec,
  kNginxVersion,
  kPid,
  kProtocol,
  kRemoteAddr,
  kRemotePort,
  kServerAddr,
  kServerPort,
  kSessionTime,
  kStatus,
  kTimeIso8601,
  kTimeLocal,
  kProxyProtocolAddr,
  kProxyProtocolPort,
  kProxyProtocolServerAddr,
  kProxyProtocolServerPort,
  // ngx_stream_realip_module.
  kRealipRemoteAddr,
  kRealipRemotePort,
  // ngx_stream_upstream_module.
  kUpstreamAddr,
  kUpstreamBytesReceived,
  kUpstreamBytesSent,
  kUpstreamConnectTime,
  kUpstreamFirstByteTime,
  kUpstreamSessionTime,
  // ngx_stream_ssl_module.
  kSslAlpnProtocol,
  kSslCipher,
  kSslClientCert,
  kSslClientFingerprint,
  kSslClientIDn,
  kSslClientRawCert,
  kSslClientSDn,
  kSslClientSerial,
  kSslClientVEnd,
  kSslClientVRemain,
  kSslClientVStart,
  kSslClientVerify,
  kSslCurve,
  kSslProtocol,
  kSslServerName,
  kSslSessionId,
  kSslSessionReused,
  // sluice's own.
  kCloseReason,
  kUpstreamSslCipher,
  kUpstreamSslCurve,
  kUpstreamSslHandshakeTime,
  kUpstreamSslProtocol,
  kUpstreamSslServerName,
  kUpstreamSslSessionReused,
  kUpstreamSslVerifyResult,
  // $proxy_protocol_tlv_NAME.
  kProxyProtocolTlv,
  // Made by `set`.
  kSet,
};

struct VariableSpec {
  std::string_view name;
  VariableId id;
  std::string_view help;  // What it is, with its unit.
};

// What the names of kProxyProtocolTlv begin with.
inline constexpr std::string_view kTlvPrefix = "proxy_protocol_tlv_";

// Every variable that is always there and has one name, in the order of VariableId.
std::span<const VariableSpec> AllVariables();

// Null if there is none of this name, which is in lower case.
const VariableSpec* FindVariable(std::string_view name);

// Whether nginx has a stream variable of this name that sluice does not have yet.
bool IsVariableOfNginx(std::string_view name);
// Their names; what ends in "_" is a prefix.
std::span<const std::string_view> VariablesNotSupported();

// One variable that a plan uses.
struct Variable {
  std::string name;
  VariableId id = VariableId::kSet;
  int slot = 0;  // kSet: which of a connection's values, from 0.
  Tlv tlv = {};  // kProxyProtocolTlv only.
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_VARIABLE_H_
