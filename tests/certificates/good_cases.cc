// Servers that must be accepted.
#include <utility>

#include "tests/certificates/case.h"
#include "tests/certificates/case_parts.h"

namespace sluice::testing {
namespace {

using tools::CaSpec;
using tools::Certificate;
using tools::CertificateSpec;
using tools::Digest;
using tools::kDayS;
using tools::KeyKind;
using tools::NowSeconds;
using tools::ServerSpec;

Case Match(std::string name, const std::string& wanted, const CertificateSpec& leaf) {
  return {.name = std::move(name),
          .presented = Present({Root().Issue(leaf)}),
          .demands = Named(wanted)};
}

Case Chain(std::string name, const std::vector<Certificate>& chain,
           const Demands& demands = Trusting(Root())) {
  return {.name = std::move(name), .presented = Present(chain), .demands = demands};
}

void AddNames(std::vector<Case>& cases) {
  cases.push_back(Match("its name", "backend.test", Server()));
  cases.push_back(Match("second of its names", "backend.test",
                        ServerSpec({"other.test", "backend.test", "third.test"})));
  cases.push_back(
      Match("wildcard for one label", "a.backend.test", ServerSpec({"*.backend.test"})));
  cases.push_back(Match("upper and lower case", "BackEnd.test", ServerSpec({"bACKEND.TEST"})));
  cases.push_back(Match("dot behind the name", "backend.test.", Server()));
  cases.push_back(Match("IPv4 address", "127.0.0.1", ServerSpec({"127.0.0.1"})));
  cases.push_back(Match("IPv6 address", "::1", ServerSpec({"0:0:0:0:0:0:0:1"})));
  cases.push_back(Match("IPv6 address in brackets", "[2001:db8::1]", ServerSpec({"2001:db8::1"})));
  cases.push_back(Match("common name without alternative names", "backend.test",
                        With(Server(), [](auto& spec) { spec.dns_names.clear(); })));
  cases.push_back(
      Match("international name", "xn--bcher-kva.test", ServerSpec({"xn--bcher-kva.test"})));
  cases.push_back(Match("no extended key usage", "backend.test",
                        With(Server(), [](auto& spec) { spec.extended_key_usage.clear(); })));
  cases.push_back(Match("valid for one second so far", "backend.test",
                        With(Server(), [](auto& s) { s.not_before_s = NowSeconds() - 1; })));
}

void AddKeys(std::vector<Case>& cases) {
  const auto key = [](KeyKind kind) {
    return With(Server(), [kind](auto& spec) { spec.key_kind = kind; });
  };
  cases.push_back(Chain("RSA key of 2048 bits", {RsaServer()}));
  cases.push_back(Match("RSA key of 4096 bits", "backend.test", key(KeyKind::kRsa4096)));
  cases.push_back(Match("key on P-384", "backend.test", key(KeyKind::kP384)));
  cases.push_back(Match("key on P-521", "backend.test", key(KeyKind::kP521)));
  cases.push_back(Match("Ed25519 key", "backend.test", key(KeyKind::kEd25519)));
  cases.push_back(Chain("signed with RSA-PSS",
                        {RsaRoot().Issue(With(Server(), [](auto& spec) { spec.pss = true; }))},
                        Trusting(RsaRoot())));
  const auto old_root = Certificate::SelfSigned(
      With(CaSpec("old root"), [](auto& spec) { spec.digest = Digest::kSha1; }));
  cases.push_back(
      Chain("root that signed itself over SHA-1", {old_root.Issue(Server())}, Trusting(old_root)));

  Case legacy =
      Match("RSA key of 1024 bits, legacy allowed", "backend.test", key(KeyKind::kRsa1024));
  legacy.demands.legacy = true;
  legacy.fit_for_nginx = false;
  cases.push_back(legacy);
  legacy = Match("signed over SHA-1, legacy allowed", "backend.test",
                 With(Server(), [](auto& spec) { spec.digest = Digest::kSha1; }));
  legacy.demands.legacy = true;
  legacy.fit_for_nginx = false;
  cases.push_back(legacy);
}

void AddChains(std::vector<Case>& cases) {
  const auto leaf = Intermediate().Issue(Server());
  const auto second = Intermediate().Issue(CaSpec("second intermediate"));
  const auto stranger = Certificate::SelfSigned(CaSpec("stranger"));
  cases.push_back(Chain("as many intermediates as allowed", {leaf, Intermediate()}));
  Demands deeper = Trusting(Root());
  deeper.depth = 2;
  const auto deep_leaf = second.Issue(Server());
  cases.push_back(Chain("two intermediates", {deep_leaf, second, Intermediate()}, deeper));
  cases.push_back(
      Chain("intermediates in the wrong order", {deep_leaf, Intermediate(), second}, deeper));
  cases.push_back(Chain("root comes along", {leaf, Intermediate(), Root()}));
  cases.push_back(Chain("strangers come along", {leaf, stranger, Intermediate(), second}));
  cases.push_back(Chain("leaf comes twice", {leaf, leaf, Intermediate()}));
  const auto itself = Certificate::SelfSigned(
      With(Server(), [](auto& spec) { spec.key_usage = tools::kNoKeyUsage; }));
  cases.push_back(Chain("self-signed leaf that is trusted", {itself}, Trusting(itself)));
  const auto pinned = Certificate::SelfSigned(Server());
  cases.push_back(Chain("self-signed leaf that is trusted and may sign no certificate", {pinned},
                        Trusting(pinned)));

  const auto expired = [](auto& spec) { spec.not_after_s = NowSeconds() - kDayS; };
  const auto before_yesterday = [](auto& spec) { spec.not_before_s = NowSeconds() - 3 * kDayS; };
  const auto old = Intermediate().ReissueBy(
      Root(), With(With(CaSpec("intermediate"), before_yesterday), expired));
  cases.push_back(
      Chain("expired certificate of the CA comes before its new one", {leaf, old, Intermediate()}));
  // Root() signed by a CA that has expired: the way that ended for many in September 2021.
  const auto ancient =
      Certificate::SelfSigned(With(With(CaSpec("ancient root"), before_yesterday), expired));
  const auto crossed = Root().ReissueBy(ancient, CaSpec("root"));
  Demands both = Trusting(Root());
  both.trusted_pem += ancient.pem();
  cases.push_back(
      Chain("root is also signed by one that has expired", {leaf, Intermediate(), crossed}, both));

  // Renewals, as the file looks while they go on: the old certificate first.
  const auto worn_root =
      Root().ReissueBy(Root(), With(With(CaSpec("root"), before_yesterday), expired));
  Demands renewed = Trusting(Root());
  renewed.trusted_pem = worn_root.pem() + renewed.trusted_pem;
  cases.push_back(
      Chain("root is trusted in its expired and its new form", {Root().Issue(Server())}, renewed));
  renewed = Trusting(Root());
  renewed.trusted_pem = old.pem() + Intermediate().pem() + renewed.trusted_pem;
  cases.push_back(Chain("intermediate is in the file in its expired and its new form",
                        {Intermediate().Issue(Server())}, renewed));
  renewed = Trusting(Root());
  renewed.trusted_pem = old.pem() + renewed.trusted_pem;
  cases.push_back(Chain("intermediate comes along, its expired form is in the file",
                        {leaf, Intermediate()}, renewed));

  const auto by_usage = Certificate::SelfSigned(
      With(CaSpec("old style root"), [](auto& spec) { spec.is_ca.reset(); }));
  cases.push_back(
      Chain("root that is a CA by its key usage", {by_usage.Issue(Server())}, Trusting(by_usage)));

  const auto constrained = Root().Issue(With(CaSpec("constrained"), [](auto& spec) {
    spec.permitted_dns = {"test"};
    spec.excluded_dns = {"other.test"};
    spec.path_len = 0;
  }));
  cases.push_back(
      Chain("CA whose constraints are kept", {constrained.Issue(Server()), constrained}));
}

void AddLists(std::vector<Case>& cases) {
  const auto leaf = Intermediate().Issue(Server());
  const int64_t now_s = NowSeconds();
  const tools::CrlSpec other = {.revoked_serials = {1, 2, 3}};
  cases.push_back(Chain("not on the lists", {leaf, Intermediate()},
                        WithCrls(Root().CrlPem(other) + Intermediate().CrlPem(other))));
  cases.push_back(
      Chain("cleared by the newer of two lists", {leaf, Intermediate()},
            WithCrls(Intermediate().CrlPem({.this_update_s = now_s - 3600}) + Root().CrlPem({}) +
                     Intermediate().CrlPem(
                         {.revoked_serials = {leaf.serial()}, .this_update_s = now_s - 7200}))));
  cases.push_back(Chain("expired list beside a new one", {leaf, Intermediate()},
                        WithCrls(Intermediate().CrlPem({.this_update_s = now_s - 2 * kDayS,
                                                        .next_update_s = now_s - kDayS}) +
                                 Root().CrlPem({}) + Intermediate().CrlPem({}))));
}

}  // namespace

std::vector<Case> GoodCases() {
  std::vector<Case> cases;
  AddNames(cases);
  AddKeys(cases);
  AddChains(cases);
  AddLists(cases);
  return cases;
}

}  // namespace sluice::testing
