#include "tls/settings.h"

namespace sluice::tls {

const char* VersionName(Version version) {
  switch (version) {
    case Version::kTls10:
      return "TLSv1";
    case Version::kTls11:
      return "TLSv1.1";
    case Version::kTls12:
      return "TLSv1.2";
    case Version::kTls13:
      return "TLSv1.3";
  }
  return "unknown";
}

}  // namespace sluice::tls
