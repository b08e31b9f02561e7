#include "engine/probe/options.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/tls_version.h"
#include "config/value.h"
#include "engine/command_line.h"

namespace sluice::engine {
namespace {

// proxy_ssl_verify_depth allows no more either.
constexpr int kVerifyDepthMax = 100;
// RFC 7301 3.1.
constexpr size_t kAlpnNameBytesMax = 255;

absl::Status Wrong(std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; \"sluice --probe --help\" lists the options"));
}

absl::Status WrongValue(std::string_view option, std::string_view value,
                        std::string_view expected) {
  return Wrong(
      absl::StrCat("invalid value \"", absl::CHexEscape(value), "\" for ", option, ": ", expected));
}

absl::StatusOr<ProtocolRange> ParseProtocols(std::string_view value) {
  constexpr std::string_view kExpected =
      "expected some of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3 without a hole between them";
  unsigned bits = 0;
  for (const std::string_view word : absl::StrSplit(value, absl::ByAnyChar(" ,"))) {
    if (word.empty()) continue;
    const std::optional<tls::Version> version = config::ParseTlsVersion(word);
    const auto* found =
        std::find(std::begin(config::kTlsVersions), std::end(config::kTlsVersions), version);
    if (found == std::end(config::kTlsVersions)) return WrongValue("--protocols", value, kExpected);
    bits |= 1u << (found - std::begin(config::kTlsVersions));
  }
  if (bits == 0) return WrongValue("--protocols", value, kExpected);
  const int lowest = std::countr_zero(bits);
  const int highest = std::bit_width(bits) - 1;
  if (std::popcount(bits) != highest - lowest + 1) {
    return WrongValue("--protocols", value, kExpected);
  }
  return ProtocolRange{config::kTlsVersions[lowest], config::kTlsVersions[highest]};
}

absl::Status SetAlpn(std::string_view value, ProbeOptions& options) {
  std::vector<std::string> names;
  for (const std::string_view part : absl::StrSplit(value, ',')) {
    const std::vector<std::string> words = absl::StrSplit(part, ' ', absl::SkipEmpty());
    if (words.empty()) {
      return WrongValue("--alpn", value,
                        "expected names with a comma between them: \"h2,http/1.1\"");
    }
    names.insert(names.end(), words.begin(), words.end());
  }
  for (const std::string& name : names) {
    if (name.size() > kAlpnNameBytesMax) {
      return WrongValue("--alpn", value, "a protocol's name has up to 255 bytes");
    }
  }
  options.alpn = std::move(names);
  return absl::OkStatus();
}

absl::Status SetDuration(std::string_view option, std::string_view value, int64_t* ms) {
  const std::optional<int64_t> parsed = config::ParseDurationMs(value);
  if (!parsed.has_value() || *parsed < 1) {
    return WrongValue(option, value, "expected a time such as \"5s\" or \"500ms\"");
  }
  *ms = *parsed;
  return absl::OkStatus();
}

absl::Status SetNumber(std::string_view option, std::string_view value, int min, int max,
                       int* number) {
  const std::optional<int64_t> parsed = config::ParseNumber(value, min, max);
  if (!parsed.has_value()) {
    return WrongValue(option, value, absl::StrCat("expected a number from ", min, " to ", max));
  }
  *number = static_cast<int>(*parsed);
  return absl::OkStatus();
}

// True: an option without a value, and it has been set.
bool SetFlag(std::string_view option, ProbeOptions& options) {
  if (option == "--help" || option == "-h") {
    options.help = true;
  } else if (option == "--json") {
    options.json = true;
  } else if (option == "--verify") {
    options.verify = true;
  } else if (option == "--no-verify") {
    options.verify = false;
  } else if (option == "--sni") {
    options.send_server_name = true;
  } else if (option == "--no-sni") {
    options.send_server_name = false;
  } else {
    return false;
  }
  return true;
}

struct TextOption {
  std::string_view name;
  std::optional<std::string> ProbeOptions::*field;
};
constexpr TextOption kTextOptions[] = {
    {"--ca", &ProbeOptions::ca},           {"--crl", &ProbeOptions::crl},
    {"--name", &ProbeOptions::name},       {"--cert", &ProbeOptions::certificate},
    {"--ciphers", &ProbeOptions::ciphers}, {"--key", &ProbeOptions::certificate_key},
    {"--groups", &ProbeOptions::groups},   {"--password-file", &ProbeOptions::password_file},
};

constexpr std::string_view kOtherOptionsWithValue[] = {
    "-c",     "-p",     "--server",  "--protocols",   "--verify-depth",
    "--alpn", "--send", "--timeout", "--ticket-wait", "--connections",
};

bool TakesValue(std::string_view option) {
  for (const TextOption& text : kTextOptions) {
    if (text.name == option) return true;
  }
  for (const std::string_view other : kOtherOptionsWithValue) {
    if (other == option) return true;
  }
  return false;
}

absl::Status SetValue(std::string_view option, std::string_view value, ProbeOptions& options) {
  if (value.empty()) return Wrong(absl::StrCat(option, " needs a value"));
  for (const TextOption& text : kTextOptions) {
    if (text.name != option) continue;
    options.*text.field = std::string(value);
    return absl::OkStatus();
  }
  if (option == "-c") {
    options.config_file = value;
  } else if (option == "-p") {
    options.prefix = value;
    if (!options.prefix.ends_with('/')) options.prefix += '/';
  } else if (option == "--server") {
    options.server = value;
  } else if (option == "--protocols") {
    const absl::StatusOr<ProtocolRange> protocols = ParseProtocols(value);
    if (!protocols.ok()) return protocols.status();
    options.protocols = *protocols;
  } else if (option == "--verify-depth") {
    return SetNumber(option, value, 0, kVerifyDepthMax, &options.verify_depth.emplace());
  } else if (option == "--alpn") {
    return SetAlpn(value, options);
  } else if (option == "--send") {
    if (!absl::CUnescape(value, &options.send)) {
      return WrongValue(option, value, "only escapes of C such as \\r\\n stand behind a backslash");
    }
  } else if (option == "--timeout") {
    return SetDuration(option, value, &options.timeout_ms);
  } else if (option == "--ticket-wait") {
    return SetDuration(option, value, &options.ticket_wait_ms);
  } else {  // --connections.
    return SetNumber(option, value, 2, kProbeConnectionsMax, &options.num_connections);
  }
  return absl::OkStatus();
}

absl::Status CheckTogether(const ProbeOptions& options) {
  if (options.address.empty()) return Wrong("--probe needs an address");
  if (options.certificate.has_value() != options.certificate_key.has_value()) {
    return Wrong(options.certificate.has_value() ? "--cert needs --key with it"
                                                 : "--key needs --cert with it");
  }
  if (options.password_file.has_value() && !options.certificate_key.has_value() &&
      options.config_file.empty()) {
    return Wrong("--password-file needs --key with it");
  }
  if (!options.server.empty() && options.config_file.empty()) {
    return Wrong("--server picks a server block of a configuration: add -c FILE");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProbeOptions> ParseProbeArguments(std::span<const char* const> arguments) {
  ProbeOptions options;
  options.prefix = kDefaultPrefix;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with('-')) {
      if (!options.address.empty()) {
        return Wrong(absl::StrCat("one address at a time: \"", absl::CHexEscape(argument),
                                  "\" is the second"));
      }
      options.address = argument;
      continue;
    }
    if (SetFlag(argument, options)) continue;
    const size_t equals = argument.find('=');
    const std::string_view option = argument.substr(0, equals);
    if (!TakesValue(option)) {
      return Wrong(absl::StrCat("invalid option: \"", absl::CHexEscape(argument), "\""));
    }
    std::string_view value;
    if (equals != argument.npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    }
    if (absl::Status status = SetValue(option, value, options); !status.ok()) return status;
  }
  if (options.help) return options;
  if (absl::Status status = CheckTogether(options); !status.ok()) return status;
  return options;
}

std::string ProbeHelpText() {
  return R"(Usage: sluice --probe ADDRESS [options]

Connects to a TLS upstream as sluice would, and tells what it does: version, cipher, certificates,
tickets, whether sessions resume, and how long all that takes.

ADDRESS is HOST:PORT or unix:PATH; with -c also the listening address of a server block, the name
of an upstream group, or one server of a group.

As a server block of a configuration:
  -c FILE               use the proxy_ssl settings of FILE; what is given below goes before them
  -p PREFIX             where a relative FILE starts (default: /etc/sluice/)
  --server LISTEN       the block that listens there, if ADDRESS does not tell, or for any address

By options:
  --ca FILE             trusted CAs (without -c: this machine's, if it has a bundle)
  --crl FILE            revocation lists
  --verify, --no-verify whether to verify (without -c: yes)
  --verify-depth N      how many intermediate CAs a chain may have (default: 1)
  --name NAME           the name in the certificate (default: the host of ADDRESS)
  --sni, --no-sni       whether to send the name (without -c: yes)
  --cert FILE --key FILE client certificate and its key
  --password-file FILE  passwords of the key, one a line
  --protocols LIST      such as "TLSv1.2 TLSv1.3"
  --ciphers LIST        as in proxy_ssl_ciphers
  --groups LIST         as in proxy_ssl_groups
  --alpn LIST           such as "h2,http/1.1"

How to probe:
  --connections N       connections one after the other for each version (default: 5)
  --timeout TIME        for each step: connect, handshake, close (default: 10s)
  --ticket-wait TIME    quiet time after which no more tickets are expected (default: 250ms)
  --send TEXT           say this when a handshake is done: some upstreams give their tickets only
                        with an answer; escapes such as \r\n are understood
  --json                for programs; docs/probe.md describes the fields

Exit code: 0 all is well, 1 the upstream cannot be used as configured, 2 there is no report: wrong
usage, a file or a configuration that cannot be used, or stdout cannot be written.
)";
}

}  // namespace sluice::engine
