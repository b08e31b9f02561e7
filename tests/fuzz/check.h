// What a fuzzer says of a property that does not hold. Not absl's CHECK: its library is most of
// what a fuzzer would take to build.
#ifndef SLUICE_TESTS_FUZZ_CHECK_H_
#define SLUICE_TESTS_FUZZ_CHECK_H_

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace sluice::fuzz {

// Ends the process unless `holds`. `property` says what should have been so, `seen` what is.
inline void Check(bool holds, std::string_view property, std::string_view seen = "") {
  if (holds) return;
  std::cerr << "Does not hold: " << property << "\n" << seen << std::endl;
  abort();
}

inline void CheckEqual(std::string_view a, std::string_view b, std::string_view property) {
  if (a == b) return;
  std::cerr << "Does not hold: " << property << "\n--- one:\n"
            << a << "\n--- the other:\n"
            << b << std::endl;
  abort();
}

}  // namespace sluice::fuzz

#endif  // SLUICE_TESTS_FUZZ_CHECK_H_
