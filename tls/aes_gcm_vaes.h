// AES-GCM by the wide vector instructions of newer x86 CPUs, from intel-ipsec-mb.
//
// The BoringSSL that WORKSPACE pins is older than its own use of VAES, and takes two to three times
// as long for a record of 16 KB (bazel run --config=opt //bench/limits).
#ifndef SLUICE_TLS_AES_GCM_VAES_H_
#define SLUICE_TLS_AES_GCM_VAES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::tls {

class AesGcmVaes {
 public:
  static constexpr size_t kNonceBytes = 12;
  static constexpr size_t kTagBytes = 16;
  using Nonce = std::array<uint8_t, kNonceBytes>;

  // Whether this CPU has what it takes (VAES, VPCLMULQDQ, AVX-512 F, BW, DQ and VL), and this build
  // is for one of its kind.
  static bool Available();

  // `key`: 16 or 32 bytes. Only where Available(). About 0.2 us.
  explicit AesGcmVaes(std::span<const uint8_t> key);
  AesGcmVaes(const AesGcmVaes&) = delete;
  AesGcmVaes& operator=(const AesGcmVaes&) = delete;
  // Clears the key.
  ~AesGcmVaes();

  // Opens `sealed`, whose end is the tag, into `output`, which has room for all but that and is
  // the same memory or does not overlap. False: not authentic; `output` is cleared.
  bool Open(const Nonce& nonce, std::span<const uint8_t> additional_data,
            std::span<const uint8_t> sealed, uint8_t* output) const;
  // Seals `plaintext` with `trailer` (of up to 16 bytes, may be empty) behind it into `output`,
  // which has room for both and the tag, and does not overlap them.
  void Seal(const Nonce& nonce, std::span<const uint8_t> additional_data,
            std::span<const uint8_t> plaintext, std::span<const uint8_t> trailer,
            uint8_t* output) const;

 private:
  // The library's gcm_key_data.
  static constexpr size_t kExpandedKeyBytes = 1024;

  bool is_256() const { return key_bytes_ == 32; }

  alignas(64) uint8_t expanded_key_[kExpandedKeyBytes];
  size_t key_bytes_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_AES_GCM_VAES_H_
