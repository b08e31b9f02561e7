#include "tests/sim/tls_peers.h"

#include <string>
#include <vector>

#include "tls/testing/test_identities.h"
#include "tools/certificate_maker.h"

namespace sluice::sim {
namespace {

// RSA signatures are all of one length, those of ECDSA are not: with them the same seed would send
// different numbers of bytes each time.
tools::CertificateSpec WithRsa(tools::CertificateSpec spec) {
  spec.key_kind = tools::KeyKind::kRsa1024;
  return spec;
}

struct Servers {
  explicit Servers(tls::Version version)
      : good(Options(version, root, "backend.test", root)),
        wrong_certificate(Options(version, stranger, "backend.test", root)),
        wrong_name(Options(version, root, "other.test", root)),
        refuses_client(Options(version, root, "backend.test", stranger)) {}

  static tls::TestServerOptions Options(tls::Version version, const tools::Certificate& issuer,
                                        const char* name, const tools::Certificate& client_ca) {
    tls::TestServerOptions options =
        tls::ServerOptions(issuer.Issue(WithRsa(tools::ServerSpec({name}))));
    options.client_ca_pem = client_ca.pem();
    options.min_version = options.max_version = version;
    return options;
  }

  static inline const tools::Certificate root =
      tools::Certificate::SelfSigned(WithRsa(tools::CaSpec("root")));
  static inline const tools::Certificate stranger =
      tools::Certificate::SelfSigned(WithRsa(tools::CaSpec("stranger")));

  tls::TestServer good;
  tls::TestServer wrong_certificate;
  tls::TestServer wrong_name;
  tls::TestServer refuses_client;
};

}  // namespace

std::unique_ptr<tls::TestServerConnection> AcceptTls(Fate fate, tls::Version version) {
  static Servers* const servers12 = new Servers(tls::Version::kTls12);
  static Servers* const servers13 = new Servers(tls::Version::kTls13);
  Servers& servers = *(version == tls::Version::kTls12 ? servers12 : servers13);
  switch (fate) {
    case Fate::kWrongCertificate:
      return servers.wrong_certificate.Accept();
    case Fate::kWrongName:
      return servers.wrong_name.Accept();
    case Fate::kRefusesClient:
      return servers.refuses_client.Accept();
    default:
      return servers.good.Accept();
  }
}

const tls::Settings& ClientSettings() {
  static const auto* const settings = [] {
    auto* made = new tls::Settings(tls::VerifyingSettings(Servers::root));
    made->verify_legacy = true;  // RSA keys of 1024 bits.
    const auto client = Servers::root.Issue(WithRsa(tools::ClientSpec("client")));
    made->certificate = tls::FileOf("client.pem", client.chain_pem());
    made->certificate_key = tls::FileOf("client.key", client.key_pem());
    return made;
  }();
  return *settings;
}

}  // namespace sluice::sim
