#include "tools/pattern.h"

#include <algorithm>
#include <cstring>

namespace sluice::tools {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);

// The 64-bit finalizer of MurmurHash3: every bit of the position reaches every bit of the word, so
// no shift, swap or repetition of blocks leaves the stream looking right.
uint64_t WordAt(uint64_t seed, uint64_t index) {
  uint64_t word = index + seed * 0x9e3779b97f4a7c15;
  word = (word ^ (word >> 33)) * 0xff51afd7ed558ccd;
  word = (word ^ (word >> 33)) * 0xc4ceb9fe1a85ec53;
  return word ^ (word >> 33);
}

// Calls use(index into the span, bytes of the word there, how many) for each word that the
// `size` bytes from `offset` on touch, until it returns false.
template <typename Use>
void ForEachWord(uint64_t seed, uint64_t offset, size_t size, Use use) {
  for (size_t done = 0; done < size;) {
    const uint64_t word = WordAt(seed, (offset + done) / kWordBytes);
    const size_t skipped = (offset + done) % kWordBytes;
    const size_t count = std::min(kWordBytes - skipped, size - done);
    if (!use(done, reinterpret_cast<const uint8_t*>(&word) + skipped, count)) {
      return;
    }
    done += count;
  }
}

}  // namespace

void FillPattern(uint64_t seed, uint64_t offset, std::span<uint8_t> bytes) {
  ForEachWord(seed, offset, bytes.size(), [&](size_t at, const uint8_t* word, size_t count) {
    std::memcpy(bytes.data() + at, word, count);
    return true;
  });
}

std::optional<size_t> FirstPatternMismatch(uint64_t seed, uint64_t offset,
                                           std::span<const uint8_t> bytes) {
  std::optional<size_t> mismatch;
  ForEachWord(seed, offset, bytes.size(), [&](size_t at, const uint8_t* word, size_t count) {
    if (std::memcmp(bytes.data() + at, word, count) == 0) {
      return true;
    }
    mismatch = at + (std::mismatch(word, word + count, bytes.data() + at).first - word);
    return false;
  });
  return mismatch;
}

}  // namespace sluice::tools
