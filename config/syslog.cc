#include "config/syslog.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "config/endpoint.h"
#include "config/parameter.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

constexpr std::string_view kPrefix = "syslog:";

// RFC 3164 3.1.
constexpr int kDefaultPort = 514;

// RFC 3164 4.1.3.
constexpr size_t kTagBytesMax = 32;

// RFC 3164 4.1.1, in nginx's words: the place of each is its number.
constexpr std::string_view kFacilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};

struct SyslogParameters {
  SyslogTarget target;
  std::string server;
  bool has_severity = false;
};

constexpr Parameter<SyslogParameters> kParameters[] = {
    {"server", "an address such as \"127.0.0.1\", \"logs.example.com:1514\" or \"unix:/dev/log\"",
     [](std::string_view value, SyslogParameters& parameters) {
       parameters.server = value;
       return !value.empty();
     }},
    {"facility",
     "one of kern, user, mail, daemon, auth, intern, lpr, news, uucp, clock, authpriv, ftp, ntp, "
     "audit, alert, cron, local0 to local7",
     [](std::string_view value, SyslogParameters& parameters) {
       const auto* const found = std::find(std::begin(kFacilities), std::end(kFacilities), value);
       parameters.target.facility = static_cast<int>(found - std::begin(kFacilities));
       return found != std::end(kFacilities);
     }},
    {"severity", "one of debug, info, notice, warn, error, crit, alert, emerg",
     [](std::string_view value, SyslogParameters& parameters) {
       const std::optional<LogLevel> level = ParseLogLevel(value);
       parameters.target.severity = level.value_or(LogLevel::kInfo);
       parameters.has_severity = true;
       return level.has_value();
     }},
    {"tag", "1 to 32 letters, digits and underscores",
     [](std::string_view value, SyslogParameters& parameters) {
       parameters.target.tag = value;
       return !value.empty() && value.size() <= kTagBytesMax &&
              std::all_of(value.begin(), value.end(),
                          [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
     }},
    {"nohostname",
     {},
     [](std::string_view, SyslogParameters& parameters) {
       parameters.target.has_hostname = false;
       return true;
     }},
};

std::optional<Address> Resolve(const Call& call, const Word& word, const std::string& server) {
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(server);
  if (!endpoint.ok()) {
    call.Error(word, absl::StrCat(endpoint.status().message(), " in syslog server ", Quote(server),
                                  ": expected ", kParameters[0].expected));
    return std::nullopt;
  }
  const absl::StatusOr<std::vector<Address>> addresses = call.resolver.Resolve(*endpoint);
  if (!addresses.ok()) {
    call.Error(word,
               absl::StrCat(addresses.status().message(), " in syslog server ", Quote(server),
                            ": expected a name that this machine can resolve, or an IP address"));
    return std::nullopt;
  }
  // nginx, too, sends to the first one only.
  const Address& first = addresses->front();
  return endpoint->has_port() ? first : WithPort(first, kDefaultPort);
}

}  // namespace

bool IsSyslog(const Word& word) { return word.text.starts_with(kPrefix); }

std::optional<SyslogTarget> ParseSyslog(const Call& call, const Word& word, SyslogUse use) {
  if (word.text.find('$') != std::string::npos) {
    call.Error(word, absl::StrCat("\"syslog:\" in \"", call.spec.name,
                                  "\" takes no variables, as in nginx: expected fixed values"));
    return std::nullopt;
  }
  SyslogParameters parameters;
  std::vector<std::string_view> seen;
  const std::string_view text = absl::StripPrefix(word.text, kPrefix);
  std::vector<std::string_view> parts;
  if (!text.empty()) parts = absl::StrSplit(text, ',');
  for (const std::string_view part : parts) {
    const Word parameter{.text = std::string(part), .span = word.span};
    if (!SetParameter<SyslogParameters>(call, parameter, kParameters, parameters)) {
      return std::nullopt;
    }
    const std::string_view name = part.substr(0, part.find('='));
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      call.Error(word, absl::StrCat("duplicate syslog parameter ", Quote(name), ": leave one out"));
      return std::nullopt;
    }
    seen.push_back(name);
  }
  if (parameters.server.empty()) {
    call.Error(word, absl::StrCat("no syslog server specified: expected \"syslog:server=\" and ",
                                  kParameters[0].expected));
    return std::nullopt;
  }
  const std::optional<Address> address = Resolve(call, word, parameters.server);
  if (!address.has_value()) return std::nullopt;
  if (parameters.has_severity && use == SyslogUse::kErrorLog) {
    call.diagnostics.Notice(word.span,
                            "parameter \"severity\" has no effect in \"error_log\": the severity "
                            "of a message is its level");
  }
  parameters.target.address = *address;
  return parameters.target;
}

}  // namespace sluice::config
