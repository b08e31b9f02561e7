// What becomes of a chain that is judged, and the words for it.
#ifndef SLUICE_TLS_VERIFY_VERDICT_H_
#define SLUICE_TLS_VERIFY_VERDICT_H_

#include <openssl/base.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "tls/outcome.h"
#include "tls/peer_name.h"
#include "tls/peer_role.h"
#include "tls/verify_rules.h"

namespace sluice::tls {

struct Verdict {
  bool trusted = false;
  // Trusted: when the first certificate or CRL involved runs out, in seconds since 1970.
  int64_t trusted_until_s = 0;
  // Not trusted: why, and the alert that tells the peer (RFC 8446 6.2).
  Failure failure;
  uint8_t alert = 0;
  // Number and words of what is wrong with the chain, as in BrokenRule; 0: it was not looked at.
  int error = 0;
  const char* words = "";
};

Verdict Trusted(int64_t trusted_until_s);

// Refusals, each beginning as nginx's message does and then naming the certificate at fault:
//
//   upstream SSL certificate verify error: (10:certificate has expired) at depth 1,
//   subject "CN=intermediate"
//   upstream SSL certificate does not match "backend", subject "CN=other", which is for
//   "DNS:other.example.com, IP:192.0.2.1"
//
// Of a client they begin with "client".

Verdict Untrusted(PeerRole role, const BrokenRule& rule, const X509* certificate);
Verdict NameMismatch(const PeerName& name, X509* leaf);
// BoringSSL's error queue says why. `number` counts the certificates sent, from 1.
Verdict Unparsable(PeerRole role, size_t number);
Verdict NothingPresented(PeerRole role);

// In quotes and as RFC 2253 writes names ("CN=backend,O=Example"), with what cannot be printed
// escaped and what is too long for a log line cut off.
std::string QuotedName(const X509_NAME* name);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_VERIFY_VERDICT_H_
