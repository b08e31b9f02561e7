// How a failed system call is told: "bind() to 0.0.0.0:80 failed (98: Address already in use)".
#ifndef SLUICE_ENGINE_SYSTEM_ERROR_H_
#define SLUICE_ENGINE_SYSTEM_ERROR_H_

#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sluice::engine {

// "98: Address already in use", as nginx puts it in parentheses.
inline std::string ErrorText(int error) { return absl::StrCat(error, ": ", std::strerror(error)); }

// `action` is the call and what it was about: "bind() to 0.0.0.0:80". `error` is its errno.
inline std::string SystemErrorText(std::string_view action, int error) {
  return absl::StrCat(action, " failed (", ErrorText(error), ")");
}

inline absl::Status SystemError(std::string_view action, int error) {
  return absl::FailedPreconditionError(SystemErrorText(action, error));
}

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_SYSTEM_ERROR_H_
