#include "tests/sim/tls_peers.h"

#include <string>
#include <vector>

#include "tls/testing/test_client.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_server.h"
#include "tools/certificate_maker.h"

namespace sluice::sim {
namespace {

// RSA signatures are all of one length, those of ECDSA are not: with them the same seed would send
// different numbers of bytes each time.
tools::CertificateSpec WithRsa(tools::CertificateSpec spec) {
  spec.key_kind = tools::KeyKind::kRsa1024;
  return spec;
}

// So are those of Ed25519, which is not too weak for a client.
tools::CertificateSpec WithEd25519(tools::CertificateSpec spec) {
  spec.key_kind = tools::KeyKind::kEd25519;
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

struct Clients {
  explicit Clients(tls::Version version)
      : good(Options(version, &root)),
        wrong_certificate(Options(version, &stranger)),
        no_certificate(Options(version, nullptr)) {}

  static tls::TestClientOptions Options(tls::Version version, const tools::Certificate* issuer) {
    tls::TestClientOptions options{
        .server_name = kServerName, .min_version = version, .max_version = version};
    if (issuer != nullptr) {
      const auto certificate = issuer->Issue(WithEd25519(tools::ClientSpec("client")));
      options.certificate_pem = certificate.pem();
      options.key_pem = certificate.key_pem();
    }
    return options;
  }

  static inline const tools::Certificate root =
      tools::Certificate::SelfSigned(WithEd25519(tools::CaSpec("clients")));
  static inline const tools::Certificate stranger =
      tools::Certificate::SelfSigned(WithEd25519(tools::CaSpec("strangers")));

  tls::TestClient good;
  tls::TestClient wrong_certificate;
  tls::TestClient no_certificate;
};

}  // namespace

std::unique_ptr<tls::TestConnection> AcceptTls(Fate fate, tls::Version version) {
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

std::unique_ptr<tls::TestConnection> ConnectTls(Fate fate, tls::Version version,
                                                SSL_SESSION* offered) {
  static Clients* const clients12 = new Clients(tls::Version::kTls12);
  static Clients* const clients13 = new Clients(tls::Version::kTls13);
  Clients& clients = *(version == tls::Version::kTls12 ? clients12 : clients13);
  switch (fate) {
    case Fate::kWrongCertificate:
      return clients.wrong_certificate.Connect();
    case Fate::kNoCertificate:
      return clients.no_certificate.Connect();
    default:
      return clients.good.Connect(offered);
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

tls::ServerSettings ServerSettings(bool verify_client) {
  static const auto* const identity = [] {
    const auto server = Servers::root.Issue(WithRsa(tools::ServerSpec({kServerName})));
    return new tls::ServerSettings::Identity{
        .certificate = tls::FileOf("server.pem", server.chain_pem()),
        .certificate_key = tls::FileOf("server.key", server.key_pem())};
  }();
  tls::ServerSettings settings;
  settings.identities.push_back(*identity);
  if (verify_client) {
    settings.verify_client = tls::ClientVerification::kOn;
    settings.client_certificate = tls::FileOf("clients.pem", Clients::root.pem());
  }
  return settings;
}

}  // namespace sluice::sim
