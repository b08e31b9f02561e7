#include "engine/log_line.h"

#include <string_view>

#include "absl/strings/str_format.h"

namespace sluice::engine {
namespace {

using config::LogEscape;

void AppendHex(unsigned char c, std::string& out) { absl::StrAppendFormat(&out, "\\x%02X", c); }

void AppendDefault(unsigned char c, std::string& out) {
  if (c == '"' || c == '\\' || c < 0x20 || c > 0x7e) {
    AppendHex(c, out);
  } else {
    out += static_cast<char>(c);
  }
}

// RFC 8259 7. Bytes above 126 are left alone: it is up to the value whether they are UTF-8.
void AppendJson(unsigned char c, std::string& out) {
  switch (c) {
    case '"':
    case '\\':
      out += {'\\', static_cast<char>(c)};
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      if (c < 0x20) {
        absl::StrAppendFormat(&out, "\\u%04X", c);
      } else {
        out += static_cast<char>(c);
      }
  }
}

void AppendRaw(unsigned char c, std::string& out) {
  if (c == '\n' || c == '\r') {
    AppendHex(c, out);
  } else {
    out += static_cast<char>(c);
  }
}

void AppendEscaped(LogEscape escape, std::string_view value, std::string& out) {
  const auto append = escape == LogEscape::kDefault ? AppendDefault
                      : escape == LogEscape::kJson  ? AppendJson
                                                    : AppendRaw;
  for (const char c : value) append(static_cast<unsigned char>(c), out);
}

}  // namespace

std::string FormatLogLine(const config::LogFormat& format, const SessionFacts& facts) {
  std::string line;
  std::string value;
  format.text.AppendTo(line, [&](int index, std::string& out) {
    value.clear();
    if (AppendVariable(facts.plan.variables[index], facts, value)) {
      AppendEscaped(format.escape, value, out);
    } else if (format.escape == LogEscape::kDefault) {
      out += '-';
    }
  });
  line += '\n';
  return line;
}

}  // namespace sluice::engine
