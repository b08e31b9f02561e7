// What is worth a warning before Settings go live, though they can be used: certificates that run
// out, CA files and CRLs with which every upstream is refused, and signature algorithms that few
// upstreams have.
#ifndef SLUICE_TLS_POSTURE_H_
#define SLUICE_TLS_POSTURE_H_

#include <cstdint>
#include <vector>

#include "tls/server_settings.h"
#include "tls/settings.h"

namespace sluice::tls {

// Certificates that expire within so many days are warned of.
inline constexpr int kExpiryWarningDays = 30;

// A CA file with more certificates than this is a bundle that someone else keeps up to date: single
// CAs that expire in it are no matter for the operator.
inline constexpr int kOwnCasMax = 10;

// Warnings only, about the client certificate with its chain, about the signature algorithms, and
// about CAs and CRLs if `settings.verify` is on. CRLs that have expired are CheckSettings' matter.
// Files that cannot be read are left to CheckSettings (context.h). `now_s` is in seconds since
// 1970.
std::vector<Problem> CheckPosture(const Settings& settings, int64_t now_s);

// The same for a server: about its certificates, and about the CAs of clients that are verified.
std::vector<Problem> CheckPosture(const ServerSettings& settings, int64_t now_s);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_POSTURE_H_
