// What this sluice was built from.
#ifndef SLUICE_ENGINE_BUILD_TEXT_H_
#define SLUICE_ENGINE_BUILD_TEXT_H_

#include <string>

namespace sluice::engine {

// What -V shows: versions of the compiler and the libraries, and what the kernel offers or why no
// ring can be made here. Several lines.
std::string BuildText();

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BUILD_TEXT_H_
