// What $ssl_client_* variables say of a certificate.
#ifndef SLUICE_ENGINE_CERTIFICATE_VARIABLE_H_
#define SLUICE_ENGINE_CERTIFICATE_VARIABLE_H_

#include <string>
#include <string_view>

#include "config/variable.h"

namespace sluice::engine {

// The value of `id` for the certificate `der`. Empty if it has none, or if the bytes are no
// certificate.
std::string CertificateVariable(std::string_view der, config::VariableId id);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_CERTIFICATE_VARIABLE_H_
