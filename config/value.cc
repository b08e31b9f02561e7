#include "config/value.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "config/limits.h"

namespace sluice::config {
namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

struct Unit {
  std::string_view name;
  int64_t ms;
};

// Largest first: the order in which they may follow each other.
constexpr int64_t kSecondMs = 1000;
constexpr int64_t kDayMs = 24 * 60 * 60 * kSecondMs;
constexpr Unit kUnits[] = {
    {"y", 365 * kDayMs},        {"M", 30 * kDayMs},    {"w", 7 * kDayMs}, {"d", kDayMs},
    {"h", 60 * 60 * kSecondMs}, {"m", 60 * kSecondMs}, {"s", kSecondMs},  {"ms", 1},
};

// Takes the digits at the start of `text` off it.
std::optional<int64_t> TakeNumber(std::string_view* text) {
  size_t num_digits = 0;
  while (num_digits < text->size() && absl::ascii_isdigit((*text)[num_digits])) ++num_digits;
  const std::optional<int64_t> number = ParseNumber(text->substr(0, num_digits), 0, kInt64Max);
  text->remove_prefix(num_digits);
  return number;
}

// Takes the letters at the start of `text` off it.
std::string_view TakeLetters(std::string_view* text) {
  size_t num_letters = 0;
  while (num_letters < text->size() && absl::ascii_isalpha((*text)[num_letters])) ++num_letters;
  const std::string_view letters = text->substr(0, num_letters);
  text->remove_prefix(num_letters);
  return letters;
}

}  // namespace

std::optional<int64_t> ParseNumber(std::string_view text, int64_t min, int64_t max) {
  if (text.empty()) return std::nullopt;
  int64_t number = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
    if (__builtin_mul_overflow(number, 10, &number)) return std::nullopt;
    if (__builtin_add_overflow(number, c - '0', &number)) return std::nullopt;
  }
  if (number < min || number > max) return std::nullopt;
  return number;
}

std::optional<int64_t> ParseSize(std::string_view text) {
  const std::optional<int64_t> number = TakeNumber(&text);
  if (!number.has_value()) return std::nullopt;
  int64_t scale = 1;
  if (absl::EqualsIgnoreCase(text, "k")) {
    scale = int64_t{1} << 10;
  } else if (absl::EqualsIgnoreCase(text, "m")) {
    scale = int64_t{1} << 20;
  } else if (absl::EqualsIgnoreCase(text, "g")) {
    scale = int64_t{1} << 30;
  } else if (!text.empty()) {
    return std::nullopt;
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(*number, scale, &bytes)) return std::nullopt;
  return bytes;
}

std::optional<int64_t> ParseDurationMs(std::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t total_ms = 0;
  const Unit* next_allowed = std::begin(kUnits);
  while (!text.empty()) {
    const std::optional<int64_t> number = TakeNumber(&text);
    if (!number.has_value()) return std::nullopt;
    std::string_view name = TakeLetters(&text);
    if (name.empty()) {
      // Seconds without a unit end the duration.
      if (text.find_first_not_of(' ') != std::string_view::npos) return std::nullopt;
      name = "s";
    }
    const Unit* unit = next_allowed;
    while (unit != std::end(kUnits) && unit->name != name) ++unit;
    if (unit == std::end(kUnits)) return std::nullopt;
    next_allowed = unit + 1;
    int64_t ms = 0;
    if (__builtin_mul_overflow(*number, unit->ms, &ms)) return std::nullopt;
    if (__builtin_add_overflow(total_ms, ms, &total_ms)) return std::nullopt;
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  if (total_ms > kDurationMsMax) return std::nullopt;
  return total_ms;
}

std::optional<bool> ParseFlag(std::string_view text) {
  if (absl::EqualsIgnoreCase(text, "on")) return true;
  if (absl::EqualsIgnoreCase(text, "off")) return false;
  return std::nullopt;
}

}  // namespace sluice::config
