// Arguments that the directives for upstreams' TLS and those for clients' have in common.
#ifndef SLUICE_CONFIG_TLS_VALUES_H_
#define SLUICE_CONFIG_TLS_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/call.h"
#include "config/plan.h"
#include "tls/settings.h"

namespace sluice::config {

// The file that arg(0) names, or nothing if it is none: reported. "" is nginx's way to take back
// what is inherited.
std::optional<std::string> PathArg(const Call& call);

// OpenSSL's bound of verify_depth: a chain of a hundred CAs is no chain.
inline constexpr int kVerifyDepthMax = 100;

// `*path`: what PathArg gives, if anything.
void SetPath(const Call& call, std::string* path);

// The versions that the arguments name, added to `*versions` unless they are the first here: bit i
// is the i-th of kTlsVersions (tls_version.h). Sets the lowest and the highest of them; or reports
// what is wrong.
void AddVersions(const Call& call, uint8_t* versions, tls::Version* min, tls::Version* max);

// Names of application protocols (RFC 7301 3.1).
void SetProtocolNames(const Call& call, std::vector<std::string>* names);

// Something that is written: found where the logs are.
void SetKeyLogPath(const Call& call, std::string* path);

// Names joined by ':'. Which there are is for tls/ to say.
void SetAlgorithms(const Call& call, std::string* algorithms);

// proxy_ssl_certificate_cache and ssl_certificate_cache.
void SetCertificateCache(const Call& call, CertificateCache* cache);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TLS_VALUES_H_
