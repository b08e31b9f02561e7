// A log format and the values of its variables, which peers have a say in.
//
// The first line of an input is the format. What follows, cut at NUL bytes, are values: names that
// are no variable's are made by `set` and take them in turn; the first is also the path of the
// client's socket, the second the TLVs of its PROXY header, the third what the upstream tells.
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/address.h"
#include "config/plan.h"
#include "config/template.h"
#include "config/variable.h"
#include "engine/log_line.h"
#include "engine/variables.h"
#include "tests/fuzz/check.h"

namespace sluice::fuzz {
namespace {

using config::LogEscape;
using config::Template;
using config::VariableId;
using engine::SessionFacts;

// --- What readers of a log do --------------------------------------------------------------------

int HexDigit(char c) {
  Check(absl::ascii_isxdigit(c), "hex digits follow an escape");
  return c <= '9' ? c - '0' : absl::ascii_toupper(c) - 'A' + 10;
}

// The value that stands as `text` in a line, by the rules of escape=default.
std::string ReadDefault(std::string_view text) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    Check(absl::ascii_isprint(text[i]) && text[i] != '"', "only printable ASCII, and no quote",
          text);
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    Check(i + 3 < text.size() && text[i + 1] == 'x', "a backslash begins an escape", text);
    value += static_cast<char>(HexDigit(text[i + 2]) << 4 | HexDigit(text[i + 3]));
    i += 3;
  }
  return value;
}

// By RFC 8259 7: what may stand in a string, bytes above 127 whatever they are.
std::string ReadJson(std::string_view text) {
  static constexpr std::string_view kEscapes = "\"\"\\\\//b\bf\fn\nr\rt\t";
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    Check(static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != '"',
          "no control character and no quote in JSON", text);
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    Check(i + 1 < text.size(), "a backslash begins an escape", text);
    if (text[++i] == 'u') {
      Check(i + 4 < text.size(), "\\u has four digits", text);
      int code = 0;
      for (int digit = 0; digit < 4; ++digit) code = code << 4 | HexDigit(text[++i]);
      Check(code < 0x20, "\\u is for control characters", text);
      value += static_cast<char>(code);
      continue;
    }
    size_t known = 0;
    while (known < kEscapes.size() && kEscapes[known] != text[i]) known += 2;
    Check(known < kEscapes.size(), "JSON knows the escape", text);
    value += kEscapes[known + 1];
  }
  return value;
}

// --- The session ---------------------------------------------------------------------------------

config::Address UnixAddress(std::string_view path) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  path = path.substr(0, std::min(path.find('\0'), sizeof(address.sun_path) - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

config::Address LocalAddress() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(443);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

class Session {
 public:
  explicit Session(std::vector<std::string> values)
      : values_(std::move(values)),
        client_(UnixAddress(Value(0))),
        server_(LocalAddress()),
        header_{.source = server_, .destination = server_, .tlvs = Value(1)},
        failure_{.kind = tls::FailureKind::kNameMismatch, .text = Value(2)},
        attempts_{{.address = Value(2), .connect_ms = 5}, {.address = server_.text}} {}

  // The index of the variable `name` in the plan.
  int IndexOf(std::string_view name) {
    for (size_t i = 0; i < plan_.variables.size(); ++i) {
      if (plan_.variables[i].name == name) return static_cast<int>(i);
    }
    config::Variable variable = {.name = std::string(name)};
    const config::VariableSpec* spec = config::FindVariable(name);
    std::string_view tlv = name;
    if (spec != nullptr) {
      variable.id = spec->id;
    } else if (absl::ConsumePrefix(&tlv, config::kTlvPrefix) && config::ParseTlvName(tlv)) {
      variable.id = VariableId::kProxyProtocolTlv;
      variable.tlv = *config::ParseTlvName(tlv);
    } else {
      variable.slot = plan_.num_set_slots++;
      set_values_.push_back(Value(static_cast<size_t>(variable.slot)));
    }
    // The time of two evaluations is not the same.
    if (variable.id == VariableId::kMsec || variable.id == VariableId::kTimeIso8601 ||
        variable.id == VariableId::kTimeLocal) {
      variable.id = VariableId::kPid;
    }
    plan_.variables.push_back(std::move(variable));
    return static_cast<int>(plan_.variables.size()) - 1;
  }

  SessionFacts Facts() const {
    return {.plan = plan_,
            .client = client_,
            .peer = server_,
            .server = server_,
            .close_reason = engine::CloseReason::kClientClosed,
            .attempts = attempts_,
            .upstream_tls = engine::UpstreamTls{.verify = true,
                                                .server_name = failure_.text,
                                                .established = true,
                                                .cipher = failure_.text,
                                                .failure = failure_},
            .proxy_header = &header_,
            .set_values = set_values_};
  }

 private:
  const std::string& Value(size_t number) const { return values_[number % values_.size()]; }

  const std::vector<std::string> values_;
  config::Plan plan_;
  config::Address client_;
  config::Address server_;
  engine::ProxyHeader header_;
  tls::Failure failure_;
  std::vector<engine::UpstreamAttempt> attempts_;
  std::vector<std::string> set_values_;
};

// --- Properties ----------------------------------------------------------------------------------

std::string Line(LogEscape escape, const Template& text, const SessionFacts& facts) {
  std::string line = engine::FormatLogLine({.name = "", .escape = escape, .text = text}, facts);
  Check(line.ends_with('\n'), "a line ends with a line feed", line);
  line.pop_back();
  return line;
}

// What each escape makes of one variable; returns it for `escape`.
std::string CheckVariable(LogEscape escape, int index, const SessionFacts& facts) {
  Template alone = *Template::Parse("$x");
  alone.Bind([index](std::string_view) { return index; });
  const std::string text = Line(escape, alone, facts);
  std::string value;
  const bool has_value = AppendVariable(facts.plan.variables[index], facts, value);
  CheckEqual(engine::Evaluate(alone, facts), value, "a variable is worth the same everywhere");
  if (!has_value) {
    CheckEqual(value, "", "what has no value appends nothing");
    CheckEqual(text, escape == LogEscape::kDefault ? "-" : "", "what is missing");
    return text;
  }
  switch (escape) {
    case LogEscape::kDefault:
      CheckEqual(ReadDefault(text), value, "escape=default loses nothing");
      break;
    case LogEscape::kJson:
      CheckEqual(ReadJson(text), value, "escape=json loses nothing");
      break;
    case LogEscape::kNone:
      Check(text.find_first_of("\r\n") == std::string::npos, "no value ends a line", text);
  }
  return text;
}

void CheckLines(const Template& format, const SessionFacts& facts) {
  for (const LogEscape escape : {LogEscape::kDefault, LogEscape::kJson, LogEscape::kNone}) {
    std::string want;
    format.AppendTo(
        want, [&](int index, std::string& out) { out += CheckVariable(escape, index, facts); });
    CheckEqual(Line(escape, format, facts), want, "a line is its parts");
  }
}

void CheckTemplate(const std::string& text, const Template& format) {
  CheckEqual(format.text(), text, "a template knows what it was made of");
  if (format.constant()) {
    std::string value;
    format.AppendTo(value, [](int, std::string&) {});
    CheckEqual(value, text, "without variables the value is the text");
    Check(text.find('$') == std::string::npos, "a \"$\" is a variable or an error", text);
  }
  for (const std::string& name : format.variables()) {
    Check(!name.empty() && std::all_of(name.begin(), name.end(),
                                       [](char c) {
                                         return absl::ascii_isdigit(c) || absl::ascii_islower(c) ||
                                                c == '_';
                                       }),
          "a name is letters, digits and underscores, in lower case", name);
  }
}

void CheckPath(const Template& format, const SessionFacts& facts) {
  const std::optional<std::string> path = engine::EvaluatePath(format, facts);
  if (!path.has_value()) return;
  CheckEqual(*path, engine::Evaluate(format, facts), "a path is its value");
  for (const std::string_view component : absl::StrSplit(*path, '/')) {
    Check(component != "..", "a path leads nowhere else", *path);
  }
  Check(std::none_of(path->begin(), path->end(), [](char c) { return absl::ascii_iscntrl(c); }),
        "a path has no control characters", *path);
}

void Run(std::string_view input) {
  const size_t line_end = std::min(input.find('\n'), input.size());
  const std::string text(input.substr(0, line_end));
  absl::StatusOr<Template> format = Template::Parse(text);
  if (!format.ok()) {
    Check(!format.status().message().empty(), "an error has words");
    return;
  }
  CheckTemplate(text, *format);
  const std::string values(input.substr(std::min(line_end + 1, input.size())));
  Session session(absl::StrSplit(values, '\0'));
  format->Bind([&](std::string_view name) { return session.IndexOf(name); });
  const SessionFacts facts = session.Facts();
  CheckLines(*format, facts);
  CheckPath(*format, facts);
  const std::string value = engine::Evaluate(*format, facts);
  Check(engine::IsTrue(*format, facts) == (!value.empty() && value != "0"), "if= is nginx's");
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::fuzz::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
