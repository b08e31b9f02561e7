// The simulator's dice: the same seed throws the same numbers on every machine.
#ifndef SLUICE_TESTS_SIM_RANDOM_H_
#define SLUICE_TESTS_SIM_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace sluice::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
  uint64_t Next() {
    uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
  }
  // 0 to `bound` - 1.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  // `first` to `last`, both included.
  int64_t Between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Below(static_cast<uint64_t>(last - first) + 1));
  }
  bool Chance(int percent) { return Below(100) < static_cast<uint64_t>(percent); }
  template <typename T>
  T OneOf(std::initializer_list<T> values) {
    return values.begin()[Below(values.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_RANDOM_H_
