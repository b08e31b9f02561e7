#include "tests/hostile/key_schedule.h"

#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "tests/hostile/wire.h"

namespace sluice::testing {
namespace {

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}
uint8_t* Data(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  SHA256(Data(bytes), bytes.size(), Data(digest));
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::string mac(kSha256Bytes, '\0');
  unsigned mac_bytes = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), key.size(), Data(bytes), bytes.size(), Data(mac),
             &mac_bytes) != nullptr);
  return mac;
}

std::string HkdfExtract(std::string_view salt, std::string_view secret) {
  return HmacSha256(salt, secret);
}

std::string HkdfExpandLabel(std::string_view secret, std::string_view label,
                            std::string_view context, size_t size) {
  const std::string info =
      absl::StrCat(U16(size), Vector8(absl::StrCat("tls13 ", label)), Vector8(context));
  std::string expanded(size, '\0');
  CHECK_EQ(HKDF_expand(Data(expanded), size, EVP_sha256(), Data(secret), secret.size(), Data(info),
                       info.size()),
           1);
  return expanded;
}

std::string Prf12(std::string_view secret, std::string_view label, std::string_view seed,
                  size_t size) {
  const std::string labelled_seed = absl::StrCat(label, seed);
  std::string output;
  for (std::string a = labelled_seed; output.size() < size;) {
    a = HmacSha256(secret, a);
    output += HmacSha256(secret, a + labelled_seed);
  }
  output.resize(size);
  return output;
}

}  // namespace sluice::testing
