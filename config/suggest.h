// "did you mean": the nearest of the words that would have been right.
#ifndef SLUICE_CONFIG_SUGGEST_H_
#define SLUICE_CONFIG_SUGGEST_H_

#include <span>
#include <string>
#include <string_view>

namespace sluice::config {

// The candidate with the fewest insertions, deletions, replacements and swaps of neighbours
// (Damerau-Levenshtein, optimal string alignment) from `word`, letters compared without case. Of
// equals the longest, which keeps most of what was written, and of those the first. Empty if even
// the nearest is too far to be a slip: more than one edit for four letters of `word`, or more than
// three edits.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

// `, did you mean "x"?`, or nothing.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_SUGGEST_H_
