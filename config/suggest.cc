#include "config/suggest.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

constexpr int kEditsMax = 3;
constexpr int kLettersForOneEdit = 4;
// No name is longer; also bounds the work for a hostile word.
constexpr size_t kWordBytesMaxForSuggestion = 64;

int Edits(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the usual table; three are enough to see a swap.
  std::vector<int> before(b.size() + 1);
  std::vector<int> above(b.size() + 1);
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const char ca = absl::ascii_tolower(a[i - 1]);
      const char cb = absl::ascii_tolower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (ca == cb ? 0 : 1)});
      if (i > 1 && j > 1 && ca == absl::ascii_tolower(b[j - 2]) &&
          cb == absl::ascii_tolower(a[i - 2])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kWordBytesMaxForSuggestion) return {};
  int fewest = std::min(kEditsMax, static_cast<int>(word.size()) / kLettersForOneEdit) + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    const int length_gap =
        std::abs(static_cast<int>(candidate.size()) - static_cast<int>(word.size()));
    if (length_gap > fewest) continue;
    const int edits = Edits(word, candidate);
    if (edits < fewest ||
        (edits == fewest && !nearest.empty() && candidate.size() > nearest.size())) {
      fewest = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : absl::StrCat(", did you mean \"", nearest, "\"?");
}

}  // namespace sluice::config
