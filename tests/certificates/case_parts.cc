#include "tests/certificates/case_parts.h"

#include "absl/strings/str_cat.h"

namespace sluice::testing {

using tools::CaSpec;
using tools::Certificate;
using tools::KeyKind;
using tools::ServerSpec;

const Certificate& StandIn() {
  static const auto* const stand_in = new Certificate(Certificate::SelfSigned(CaSpec("stand-in")));
  return *stand_in;
}

const Certificate& Root() {
  static const auto* const root = new Certificate(Certificate::SelfSigned(CaSpec("root")));
  return *root;
}

const Certificate& Intermediate() {
  static const auto* const intermediate = new Certificate(Root().Issue(CaSpec("intermediate")));
  return *intermediate;
}

const Certificate& RsaRoot() {
  static const auto* const root = new Certificate(Certificate::SelfSigned(
      With(CaSpec("RSA root"), [](auto& spec) { spec.key_kind = KeyKind::kRsa2048; })));
  return *root;
}

const Certificate& RsaServer() {
  static const auto* const server = new Certificate(
      Root().Issue(With(Server(), [](auto& spec) { spec.key_kind = KeyKind::kRsa2048; })));
  return *server;
}

tools::CertificateSpec Server() { return ServerSpec({"backend.test"}); }

Presented Present(const std::vector<Certificate>& chain) {
  Presented presented;
  for (const Certificate& certificate : chain) presented.chain.push_back(certificate.der());
  presented.key_pem = chain.front().key_pem();
  return presented;
}

Presented GoodFor(const Demands& demands) {
  return Present({StandIn().Issue(ServerSpec({demands.name}))});
}

Demands Trusting(const Certificate& ca) { return {.trusted_pem = ca.pem() + StandIn().pem()}; }

Demands WithCrls(const std::string& crl_pem) {
  Demands demands = Trusting(Root());
  demands.crl_pem = crl_pem + StandIn().CrlPem({});
  return demands;
}

Demands Named(const std::string& name) {
  Demands demands = Trusting(Root());
  demands.name = name;
  return demands;
}

std::string Error(int number, const std::string& words, int depth) {
  return absl::StrCat("verify error: (", number, ":", words, ") at depth ", depth, ", subject \"");
}

}  // namespace sluice::testing
