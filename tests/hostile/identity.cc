#include "tests/hostile/identity.h"

#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/x509.h>

#include "absl/log/check.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

struct Identity {
  tools::Certificate ca = tools::Certificate::SelfSigned(tools::CaSpec("ca"));
  tools::Certificate server = ca.Issue(tools::ServerSpec({"backend"}));
};

const Identity& Shared() {
  static const Identity* const identity = new Identity();
  return *identity;
}

}  // namespace

std::string TrustedCaPem() { return Shared().ca.pem(); }

std::string ServerCertificate() {
  uint8_t* der = nullptr;
  const int der_bytes = i2d_X509(Shared().server.x509(), &der);
  CHECK_GT(der_bytes, 0);
  const bssl::UniquePtr<uint8_t> free_der(der);
  return std::string(reinterpret_cast<const char*>(der), der_bytes);
}

std::string SignAsServer(std::string_view bytes) {
  bssl::ScopedEVP_MD_CTX context;
  CHECK_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, Shared().server.key()),
           1);
  std::string signature(EVP_PKEY_size(Shared().server.key()), '\0');
  size_t signature_bytes = signature.size();
  CHECK_EQ(
      EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &signature_bytes,
                     reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()),
      1);
  signature.resize(signature_bytes);
  return signature;
}

}  // namespace sluice::testing
