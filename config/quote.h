// Text of unknown origin made fit for a message.
#ifndef SLUICE_CONFIG_QUOTE_H_
#define SLUICE_CONFIG_QUOTE_H_

#include <string>
#include <string_view>

namespace sluice::config {

// `text` in double quotes, as nginx's messages have it. Control characters are escaped, so that a
// file cannot drive the terminal; what is longer than 200 bytes is cut with "...".
std::string Quote(std::string_view text);

// The same, never cut.
std::string QuoteWhole(std::string_view text);

// `text` with its control characters escaped, and nothing else changed.
std::string EscapeControls(std::string_view text);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_QUOTE_H_
