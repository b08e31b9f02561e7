// The names of TLS versions in a configuration.
#ifndef SLUICE_CONFIG_TLS_VERSION_H_
#define SLUICE_CONFIG_TLS_VERSION_H_

#include <optional>
#include <string_view>
#include <vector>

#include "tls/settings.h"

namespace sluice::config {

// All versions, the oldest first.
inline constexpr tls::Version kTlsVersions[] = {tls::Version::kTls10, tls::Version::kTls11,
                                                tls::Version::kTls12, tls::Version::kTls13};

// "TLSv1" to "TLSv1.3", in either case.
std::optional<tls::Version> ParseTlsVersion(std::string_view text);

// The names of kTlsVersions, for messages.
std::vector<std::string_view> TlsVersionNames();

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TLS_VERSION_H_
