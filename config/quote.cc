#include "config/quote.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice::config {
namespace {

constexpr size_t kShownBytesMax = 200;

}  // namespace

std::string EscapeControls(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\r') {
      escaped += "\\r";
    } else if (c == '\t') {
      escaped += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppendFormat(&escaped, "\\x%02X", byte);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Quote(std::string_view text) {
  if (text.size() <= kShownBytesMax) return QuoteWhole(text);
  text = text.substr(0, kShownBytesMax);
  // Not in the middle of a character.
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) {
    text.remove_suffix(1);
  }
  return absl::StrCat("\"", EscapeControls(text), "...\"");
}

std::string QuoteWhole(std::string_view text) {
  return absl::StrCat("\"", EscapeControls(text), "\"");
}

}  // namespace sluice::config
