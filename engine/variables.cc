#include "engine/variables.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "engine/host_name.h"
#include "engine/version.h"

namespace sluice::engine {
namespace {

using config::VariableId;

// Seconds with milliseconds, as nginx writes all times.
void AppendMs(int64_t ms, std::string& out) {
  absl::StrAppendFormat(&out, "%d.%03d", ms / 1000, ms % 1000);
}

void AppendNow(VariableId id, std::string& out) {
  timeval now;
  gettimeofday(&now, nullptr);
  if (id == VariableId::kMsec) {
    AppendMs(int64_t{now.tv_sec} * 1000 + now.tv_usec / 1000, out);
    return;
  }
  tm local;
  localtime_r(&now.tv_sec, &local);
  char text[64];
  if (id == VariableId::kTimeLocal) {
    // Months in English, whatever the locale.
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char zone[8];
    strftime(zone, sizeof(zone), "%z", &local);
    absl::StrAppendFormat(&out, "%02d/%s/%d:%02d:%02d:%02d %s", local.tm_mday,
                          kMonths[local.tm_mon], local.tm_year + 1900, local.tm_hour, local.tm_min,
                          local.tm_sec, zone);
    return;
  }
  const size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &local);
  // "+0100" -> "+01:00".
  absl::StrAppend(&out, std::string_view(text, n - 2), ":", std::string_view(text + n - 2, 2));
}

// One entry for each attempt, as nginx lists them.
bool AppendAttempts(VariableId id, std::span<const UpstreamAttempt> attempts, std::string& out) {
  if (attempts.empty()) return false;
  std::string_view separator = "";
  for (const UpstreamAttempt& attempt : attempts) {
    out += separator;
    separator = ", ";
    int64_t ms = UpstreamAttempt::kUnknownMs;
    switch (id) {
      case VariableId::kUpstreamAddr:
        out += attempt.address;
        continue;
      case VariableId::kUpstreamBytesReceived:
        absl::StrAppend(&out, attempt.bytes_received);
        continue;
      case VariableId::kUpstreamBytesSent:
        absl::StrAppend(&out, attempt.bytes_sent);
        continue;
      case VariableId::kUpstreamConnectTime:
        ms = attempt.connect_ms;
        break;
      case VariableId::kUpstreamFirstByteTime:
        ms = attempt.first_byte_ms;
        break;
      case VariableId::kUpstreamSslHandshakeTime:
        ms = attempt.handshake_ms;
        break;
      default:
        ms = attempt.session_ms;
    }
    if (ms == UpstreamAttempt::kUnknownMs) {
      out += '-';
    } else {
      AppendMs(ms, out);
    }
  }
  return true;
}

bool AppendIfAny(std::string_view value, std::string& out) {
  out += value;
  return !value.empty();
}

bool AppendProxyProtocol(const config::Variable& variable, const ProxyHeader& header,
                         std::string& out) {
  if (variable.id == VariableId::kProxyProtocolTlv) {
    const std::optional<std::string> value = FindTlv(header.tlvs, variable.tlv);
    out += value.value_or("");
    return value.has_value();
  }
  const bool of_server = variable.id == VariableId::kProxyProtocolServerAddr ||
                         variable.id == VariableId::kProxyProtocolServerPort;
  const bool of_port = variable.id == VariableId::kProxyProtocolPort ||
                       variable.id == VariableId::kProxyProtocolServerPort;
  const auto& address = of_server ? header.destination : header.source;
  if (!address.has_value()) return false;
  out += of_port ? config::PortText(*address) : config::HostText(*address);
  return true;
}

void AppendVerifyResult(const UpstreamTls& tls, std::string& out) {
  const tls::Failure& failure = tls.failure;
  if (failure.kind == tls::FailureKind::kCertificateUntrusted ||
      failure.kind == tls::FailureKind::kNameMismatch) {
    absl::StrAppend(&out, "FAILED:", failure.text);
  } else {
    out += tls.verify && tls.established ? "SUCCESS" : "NONE";
  }
}

bool AppendUpstreamTls(VariableId id, const UpstreamTls& tls, std::string& out) {
  if (id == VariableId::kUpstreamSslVerifyResult) {
    AppendVerifyResult(tls, out);
    return true;
  }
  if (id == VariableId::kUpstreamSslServerName) return AppendIfAny(tls.server_name, out);
  if (!tls.established) return false;
  switch (id) {
    case VariableId::kUpstreamSslCipher:
      return AppendIfAny(tls.cipher, out);
    case VariableId::kUpstreamSslCurve:
      return AppendIfAny(tls.group, out);
    case VariableId::kUpstreamSslProtocol:
      return AppendIfAny(tls.protocol, out);
    default:
      return AppendIfAny(tls.resumed ? "r" : ".", out);
  }
}

void AppendClientVerify(const ClientTls& tls, std::string& out) {
  if (tls.failure.kind == tls::FailureKind::kCertificateUntrusted && !tls.certificate.empty()) {
    absl::StrAppend(&out, "FAILED:", tls.failure.text);
  } else if (!tls.tolerated.empty()) {
    absl::StrAppend(&out, "FAILED:", tls.tolerated);
  } else {
    out += tls.certificate.empty() ? "NONE" : "SUCCESS";
  }
}

// OpenSSL's names, which nginx logs.
std::string_view CurveName(std::string_view group) {
  if (group == "P-256") return "prime256v1";
  if (group == "P-384") return "secp384r1";
  if (group == "P-521") return "secp521r1";
  return group;
}

bool IsOfCertificate(VariableId id) {
  switch (id) {
    case VariableId::kSslClientCert:
    case VariableId::kSslClientFingerprint:
    case VariableId::kSslClientIDn:
    case VariableId::kSslClientRawCert:
    case VariableId::kSslClientSDn:
    case VariableId::kSslClientSerial:
    case VariableId::kSslClientVEnd:
    case VariableId::kSslClientVRemain:
    case VariableId::kSslClientVStart:
      return true;
    default:
      return false;
  }
}

bool AppendClientTls(VariableId id, const ClientTls& tls, std::string& out) {
  if (id == VariableId::kSslServerName) return AppendIfAny(tls.server_name, out);
  if (id == VariableId::kSslClientVerify) {
    AppendClientVerify(tls, out);
    return true;
  }
  // Also of one that was refused: whose it is, is what the log is read for.
  if (IsOfCertificate(id)) {
    return !tls.certificate.empty() &&
           AppendIfAny(tls.certificate_variable(tls.certificate, id), out);
  }
  if (!tls.established) return false;
  switch (id) {
    case VariableId::kSslAlpnProtocol:
      return AppendIfAny(tls.alpn, out);
    case VariableId::kSslCipher:
      return AppendIfAny(tls.cipher, out);
    case VariableId::kSslCurve:
      return AppendIfAny(CurveName(tls.group), out);
    case VariableId::kSslProtocol:
      return AppendIfAny(tls.protocol, out);
    case VariableId::kSslSessionId:
      return AppendIfAny(absl::BytesToHexString(tls.session_id), out);
    default:
      return AppendIfAny(tls.resumed ? "r" : ".", out);
  }
}

}  // namespace

bool AppendVariable(const config::Variable& variable, const SessionFacts& facts, std::string& out) {
  switch (variable.id) {
    case VariableId::kBinaryRemoteAddr:
      // nginx: what is no IP address is there as text.
      out += config::IpBytes(facts.client).empty() ? config::HostText(facts.client)
                                                   : config::IpBytes(facts.client);
      return true;
    case VariableId::kBytesReceived:
      absl::StrAppend(&out, facts.bytes_received);
      return true;
    case VariableId::kBytesSent:
      absl::StrAppend(&out, facts.bytes_sent);
      return true;
    case VariableId::kConnection:
      absl::StrAppend(&out, facts.number);
      return true;
    case VariableId::kHostname:
      out += HostName();
      return true;
    case VariableId::kNginxVersion:
      out += kVersion;
      return true;
    case VariableId::kPid:
      absl::StrAppend(&out, getpid());
      return true;
    case VariableId::kProtocol:
      out += "TCP";
      return true;
    case VariableId::kRemoteAddr:
      out += config::HostText(facts.client);
      return true;
    case VariableId::kRemotePort:
      out += config::PortText(facts.client);
      return true;
    case VariableId::kServerAddr:
      out += config::HostText(facts.server);
      return true;
    case VariableId::kServerPort:
      out += config::PortText(facts.server);
      return true;
    case VariableId::kSessionTime:
      AppendMs(facts.session_ms, out);
      return true;
    case VariableId::kStatus:
      absl::StrAppendFormat(&out, "%03d", StatusOf(facts.close_reason));
      return true;
    case VariableId::kMsec:
    case VariableId::kTimeIso8601:
    case VariableId::kTimeLocal:
      AppendNow(variable.id, out);
      return true;
    case VariableId::kProxyProtocolAddr:
    case VariableId::kProxyProtocolPort:
    case VariableId::kProxyProtocolServerAddr:
    case VariableId::kProxyProtocolServerPort:
    case VariableId::kProxyProtocolTlv:
      return facts.proxy_header != nullptr &&
             AppendProxyProtocol(variable, *facts.proxy_header, out);
    case VariableId::kRealipRemoteAddr:
      out += config::HostText(facts.peer);
      return true;
    case VariableId::kRealipRemotePort:
      out += config::PortText(facts.peer);
      return true;
    case VariableId::kUpstreamAddr:
    case VariableId::kUpstreamBytesReceived:
    case VariableId::kUpstreamBytesSent:
    case VariableId::kUpstreamConnectTime:
    case VariableId::kUpstreamFirstByteTime:
    case VariableId::kUpstreamSessionTime:
    case VariableId::kUpstreamSslHandshakeTime:
      return AppendAttempts(variable.id, facts.attempts, out);
    case VariableId::kSslAlpnProtocol:
    case VariableId::kSslCipher:
    case VariableId::kSslClientCert:
    case VariableId::kSslClientFingerprint:
    case VariableId::kSslClientIDn:
    case VariableId::kSslClientRawCert:
    case VariableId::kSslClientSDn:
    case VariableId::kSslClientSerial:
    case VariableId::kSslClientVEnd:
    case VariableId::kSslClientVRemain:
    case VariableId::kSslClientVStart:
    case VariableId::kSslClientVerify:
    case VariableId::kSslCurve:
    case VariableId::kSslProtocol:
    case VariableId::kSslServerName:
    case VariableId::kSslSessionId:
    case VariableId::kSslSessionReused:
      return facts.client_tls.has_value() && AppendClientTls(variable.id, *facts.client_tls, out);
    case VariableId::kCloseReason:
      out += CloseReasonName(facts.close_reason);
      return true;
    case VariableId::kUpstreamSslCipher:
    case VariableId::kUpstreamSslCurve:
    case VariableId::kUpstreamSslProtocol:
    case VariableId::kUpstreamSslServerName:
    case VariableId::kUpstreamSslSessionReused:
    case VariableId::kUpstreamSslVerifyResult:
      return facts.upstream_tls.has_value() &&
             AppendUpstreamTls(variable.id, *facts.upstream_tls, out);
    case VariableId::kSet:
      out += facts.set_values[variable.slot];
      return true;
  }
  return false;
}

std::string Evaluate(const config::Template& value, const SessionFacts& facts) {
  std::string text;
  value.AppendTo(text, [&](int index, std::string& out) {
    AppendVariable(facts.plan.variables[index], facts, out);
  });
  return text;
}

std::optional<std::string> EvaluatePath(const config::Template& path, const SessionFacts& facts) {
  std::string text = Evaluate(path, facts);
  for (const std::string_view component : absl::StrSplit(text, '/')) {
    if (component == "..") return std::nullopt;
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return absl::ascii_iscntrl(c); })) {
    return std::nullopt;
  }
  return text;
}

bool IsTrue(const config::Template& condition, const SessionFacts& facts) {
  const std::string value = Evaluate(condition, facts);
  return !value.empty() && value != "0";
}

}  // namespace sluice::engine
