#include "tls/library_version.h"

#include <openssl/base.h>
#include <openssl/crypto.h>

#include "absl/strings/str_cat.h"
#include "boringssl_revision.h"

namespace sluice::tls {

std::string LibraryVersion() {
  return absl::StrCat("BoringSSL ", BORINGSSL_REVISION, " (API version ", BORINGSSL_API_VERSION,
                      ", ", OPENSSL_VERSION_TEXT, ")");
}

}  // namespace sluice::tls
