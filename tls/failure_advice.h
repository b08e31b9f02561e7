// What usually is behind a failed session, and what to change.
#ifndef SLUICE_TLS_FAILURE_ADVICE_H_
#define SLUICE_TLS_FAILURE_ADVICE_H_

#include <string_view>

#include "tls/outcome.h"

namespace sluice::tls {

// Half a sentence for the operator, to stand behind `failure.text`, which does not hold it yet.
// Empty: there is nothing to add. `certificate_missing`: the peer has asked for a client
// certificate and got none.
std::string_view FailureAdvice(const Failure& failure, bool certificate_missing);

// The same for a handshake with a client.
std::string_view ClientFailureAdvice(const Failure& failure);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_FAILURE_ADVICE_H_
