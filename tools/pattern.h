// Bytes that can be checked wherever they arrive: a function of a seed and of the position.
//
// Used by the demo client and by the integration tests: whoever knows the seed can say of every
// byte whether it is the right one in the right place.
#ifndef SLUICE_TOOLS_PATTERN_H_
#define SLUICE_TOOLS_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::tools {

// Fills `bytes` with what the stream `seed` carries from position `offset` on.
void FillPattern(uint64_t seed, uint64_t offset, std::span<uint8_t> bytes);

// Index into `bytes` of the first one that is not what FillPattern would put there.
std::optional<size_t> FirstPatternMismatch(uint64_t seed, uint64_t offset,
                                           std::span<const uint8_t> bytes);

}  // namespace sluice::tools

#endif  // SLUICE_TOOLS_PATTERN_H_
