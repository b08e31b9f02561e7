// How long a test waits for something that must happen, and how much it does.
#ifndef SLUICE_TESTS_SUPPORT_DEADLINE_H_
#define SLUICE_TESTS_SUPPORT_DEADLINE_H_

#include <chrono>
#include <functional>
#include <thread>

namespace sluice::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Far more than anything takes on a loaded machine: reached only by a test that fails.
inline constexpr std::chrono::seconds kPatience{kSanitized ? 60 : 30};

// For what gives no event to wait on (a file, a count in another process): looks again until
// `holds` or patience ends, and returns which.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_SUPPORT_DEADLINE_H_
