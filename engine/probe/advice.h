// What an operator should look at when an upstream cannot be used.
#ifndef SLUICE_ENGINE_PROBE_ADVICE_H_
#define SLUICE_ENGINE_PROBE_ADVICE_H_

#include <string>

#include "tls/outcome.h"

namespace sluice::engine {

// Both continue a line that tells the failure, and are empty if there is nothing to add.

// `error` is the errno of connect(2).
std::string ConnectAdvice(int error);

// Besides what `failure.text` already says.
std::string TlsAdvice(const tls::Failure& failure);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_PROBE_ADVICE_H_
