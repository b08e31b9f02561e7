#include "config/tls_version.h"

#include "absl/strings/match.h"

namespace sluice::config {

std::optional<tls::Version> ParseTlsVersion(std::string_view text) {
  for (const tls::Version version : kTlsVersions) {
    if (absl::EqualsIgnoreCase(text, tls::VersionName(version))) return version;
  }
  return std::nullopt;
}

std::vector<std::string_view> TlsVersionNames() {
  std::vector<std::string_view> names;
  for (const tls::Version version : kTlsVersions) names.push_back(tls::VersionName(version));
  return names;
}

}  // namespace sluice::config
