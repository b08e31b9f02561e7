#include "tls/testing/test_identities.h"

#include <utility>

namespace sluice::tls {

const TestIdentities& Identities() {
  static const TestIdentities* const identities = [] {
    const auto root = tools::Certificate::SelfSigned(tools::CaSpec("root"));
    return new TestIdentities{
        .root = root,
        .intermediate = root.Issue(tools::CaSpec("intermediate")),
        .server = root.Issue(tools::ServerSpec({"backend.test", "127.0.0.1"})),
        .client = root.Issue(tools::ClientSpec("client")),
    };
  }();
  return *identities;
}

File FileOf(std::string name, std::string contents) {
  return {.path = std::move(name), .contents = std::move(contents)};
}

TestServerOptions ServerOptions(const tools::Certificate& certificate) {
  return {.certificate_pem = certificate.chain_pem(), .key_pem = certificate.key_pem()};
}

Settings VerifyingSettings(const tools::Certificate& ca) {
  Settings settings;
  settings.verify = true;
  settings.trusted_certificate = FileOf("ca.pem", ca.pem());
  settings.name = "backend.test";
  return settings;
}

}  // namespace sluice::tls
