// For CPUs of other kinds.
#include "absl/log/check.h"
#include "tls/aes_gcm_vaes.h"

namespace sluice::tls {

bool AesGcmVaes::Available() { return false; }

AesGcmVaes::AesGcmVaes(std::span<const uint8_t> key) : key_bytes_(key.size()) {
  CHECK(Available());
}

AesGcmVaes::~AesGcmVaes() = default;

bool AesGcmVaes::Open(const Nonce&, std::span<const uint8_t>, std::span<const uint8_t>,
                      uint8_t*) const {
  return false;
}

void AesGcmVaes::Seal(const Nonce&, std::span<const uint8_t>, std::span<const uint8_t>,
                      std::span<const uint8_t>, uint8_t*) const {}

}  // namespace sluice::tls
