// Words -> numbers, sizes and durations, by nginx's rules. No word overflows silently.
#ifndef SLUICE_CONFIG_VALUE_H_
#define SLUICE_CONFIG_VALUE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::config {

// Decimal digits only, no sign, within [min, max].
std::optional<int64_t> ParseNumber(std::string_view text, int64_t min, int64_t max);

// A number of bytes: digits, then nothing, k, m or g in either case (powers of 1024).
std::optional<int64_t> ParseSize(std::string_view text);

// A duration in ms: numbers, each with a unit, largest unit first, each unit once, blanks between
// allowed: "1h 30m". y (365 days), M (30 days), w, d, h, m, s, ms; the last number may stand
// without a unit and is seconds. Up to kDurationMsMax.
std::optional<int64_t> ParseDurationMs(std::string_view text);

// "on" or "off", in either case.
std::optional<bool> ParseFlag(std::string_view text);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_VALUE_H_
