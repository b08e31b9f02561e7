// What this sluice is.
#ifndef SLUICE_ENGINE_VERSION_H_
#define SLUICE_ENGINE_VERSION_H_

namespace sluice::engine {

inline constexpr char kVersion[] = "0.1.0";
inline constexpr char kServerVersion[] = "sluice/0.1.0";

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_VERSION_H_
