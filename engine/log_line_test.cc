#include "engine/log_line.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using config::LogEscape;

// The line that "<$value|$upstream_addr>" makes of a session whose $value is `value` and that had
// no upstream.
std::string Line(LogEscape escape, std::string value) {
  config::Plan plan;
  plan.variables = {{.name = "value", .id = config::VariableId::kSet},
                    {.name = "upstream_addr", .id = config::VariableId::kUpstreamAddr}};
  config::LogFormat format = {.escape = escape,
                              .text = *config::Template::Parse("<$value|$upstream_addr>")};
  format.text.Bind([](std::string_view name) { return name == "value" ? 0 : 1; });
  const config::Address address;
  const std::vector<std::string> values = {std::move(value)};
  return FormatLogLine(
      format,
      {.plan = plan, .client = address, .peer = address, .server = address, .set_values = values});
}

TEST(LogLine, ByDefaultWhatCouldForgeALineIsHexAndWhatIsMissingADash) {
  EXPECT_EQ(Line(LogEscape::kDefault, "a b"), "<a b|->\n");
  EXPECT_EQ(Line(LogEscape::kDefault, ""), "<|->\n");
  EXPECT_EQ(Line(LogEscape::kDefault, "a\"\\\n\x7f\x1b\xff~"),
            "<a\\x22\\x5C\\x0A\\x7F\\x1B\\xFF~|->\n");
}

TEST(LogLine, JsonIsEscapedAsJsonAndWhatIsMissingIsNothing) {
  EXPECT_EQ(Line(LogEscape::kJson, "a\"\\\n\r\t\b\f\x01\xc3\xa4"),
            "<a\\\"\\\\\\n\\r\\t\\b\\f\\u0001\xc3\xa4|>\n");
}

TEST(LogLine, WithoutEscapingOnlyLineEndsAreKeptOut) {
  EXPECT_EQ(Line(LogEscape::kNone, "a\"\\\x01\r\nb"),
            "<a\"\\\x01\\x0D\\x0A"
            "b|>\n");
}

}  // namespace
}  // namespace sluice::engine
