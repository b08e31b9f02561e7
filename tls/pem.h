// PEM text turned into BoringSSL's objects, with the operator told what is wrong with it.
#ifndef SLUICE_TLS_PEM_H_
#define SLUICE_TLS_PEM_H_

#include <openssl/base.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tls/peer_role.h"
#include "tls/settings.h"

namespace sluice::tls {

// The messages of every status below name the file and suit a Problem as they are.

// All certificates of `file` in their order, at least one. Other PEM blocks are passed over.
absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(const File& file);

// All CRLs of `file`, at least one.
absl::StatusOr<std::vector<bssl::UniquePtr<X509_CRL>>> ReadCrls(const File& file);

// The private key of `file`, which `peer` will be shown. `passwords` are tried in turn if it is
// encrypted; a key that is not encrypted ignores them, as nginx does.
absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadPrivateKey(const File& file,
                                                         const std::vector<std::string>& passwords,
                                                         PeerRole peer = PeerRole::kUpstream);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_PEM_H_
