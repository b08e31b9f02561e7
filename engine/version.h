// What this sluice is and what it was built from.
#ifndef SLUICE_ENGINE_VERSION_H_
#define SLUICE_ENGINE_VERSION_H_

#include <string>

namespace sluice::engine {

// "sluice/0.1.0".
inline constexpr char kServerVersion[] = "sluice/0.1.0";

// What -V shows: versions of the compiler and the libraries, and what the kernel offers or why no
// ring can be made here. Several lines.
std::string BuildText();

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_VERSION_H_
