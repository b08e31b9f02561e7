// A bound that hash and random share.
#ifndef SLUICE_ENGINE_BALANCE_MISSES_H_
#define SLUICE_ENGINE_BALANCE_MISSES_H_

namespace sluice::engine {

// How often these methods may propose a peer that is not eligible, over all attempts of one
// connection. With one more miss, round robin chooses. nginx's number: where keys go depends on it.
inline constexpr int kMissesMax = 20;

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_MISSES_H_
