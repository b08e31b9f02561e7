// Chains that must be refused whatever the name.
#include <utility>

#include "tests/certificates/case.h"
#include "tests/certificates/case_parts.h"

namespace sluice::testing {
namespace {

using tools::CaSpec;
using tools::Certificate;
using tools::CertificateSpec;
using tools::Digest;
using tools::ExtendedKeyUsage;
using tools::kDayS;
using tools::KeyKind;
using tools::NowSeconds;
using tools::ServerSpec;

CertificateSpec Expired(CertificateSpec spec) {
  spec.not_before_s = NowSeconds() - 2 * kDayS;
  spec.not_after_s = NowSeconds() - kDayS;
  return spec;
}

CertificateSpec NotYetValid(CertificateSpec spec) {
  spec.not_before_s = NowSeconds() + kDayS;
  spec.not_after_s = NowSeconds() + 2 * kDayS;
  return spec;
}

// Root() -> a server with this certificate.
Case Leaf(std::string name, const CertificateSpec& leaf, std::string reason) {
  return {.name = std::move(name),
          .presented = Present({Root().Issue(leaf)}),
          .demands = Trusting(Root()),
          .reason = std::move(reason)};
}

// Root() -> a CA with this certificate -> `leaf`.
Case Below(std::string name, const CertificateSpec& ca, std::string reason,
           const CertificateSpec& leaf = Server()) {
  const Certificate middle = Root().Issue(ca);
  return {.name = std::move(name),
          .presented = Present({middle.Issue(leaf), middle}),
          .demands = Trusting(Root()),
          .reason = std::move(reason)};
}

// A trusted CA with this certificate -> a good server.
Case BelowRoot(std::string name, const CertificateSpec& ca, std::string reason) {
  const Certificate root = Certificate::SelfSigned(ca);
  return {.name = std::move(name),
          .presented = Present({root.Issue(Server())}),
          .demands = Trusting(root),
          .reason = std::move(reason)};
}

void AddTime(std::vector<Case>& cases) {
  const std::string expired = "certificate has expired";
  const std::string not_yet_valid = "certificate is not yet valid";
  cases.push_back(Leaf("expired leaf", Expired(Server()), Error(10, expired, 0)));
  cases.push_back(Leaf("leaf not yet valid", NotYetValid(Server()), Error(9, not_yet_valid, 0)));
  cases.push_back(
      Below("expired intermediate", Expired(CaSpec("intermediate")), Error(10, expired, 1)));
  cases.push_back(Below("intermediate not yet valid", NotYetValid(CaSpec("intermediate")),
                        Error(9, not_yet_valid, 1)));
  cases.push_back(BelowRoot("expired root", Expired(CaSpec("root")), Error(10, expired, 1)));
  cases.push_back(
      BelowRoot("root not yet valid", NotYetValid(CaSpec("root")), Error(9, not_yet_valid, 1)));
}

void AddTrust(std::vector<Case>& cases) {
  const std::string no_issuer = "unable to get local issuer certificate";
  const auto stranger = Certificate::SelfSigned(CaSpec("stranger"));
  const auto impostor = Certificate::SelfSigned(CaSpec("root"));
  const auto leaf = Intermediate().Issue(Server());
  const auto no_identifiers = With(Server(), [](auto& spec) { spec.key_identifiers = false; });
  const auto add = [&](std::string name, const std::vector<Certificate>& chain,
                       std::string reason) {
    cases.push_back({.name = std::move(name),
                     .presented = Present(chain),
                     .demands = Trusting(Root()),
                     .reason = std::move(reason)});
  };
  add("self-signed leaf",
      {Certificate::SelfSigned(
          With(Server(), [](auto& spec) { spec.key_usage = tools::kNoKeyUsage; }))},
      Error(18, "self signed certificate", 0));
  add("unknown CA", {stranger.Issue(Server())}, Error(20, no_issuer, 0));
  add("unknown CA that comes along", {stranger.Issue(Server()), stranger},
      Error(19, "self signed certificate in certificate chain", 1));
  add("CA of the right name with another key", {impostor.Issue(no_identifiers)},
      Error(7, "certificate signature failure", 0));
  add("CA of the right name with another key identifier", {impostor.Issue(Server())},
      Error(20, no_issuer, 0));
  add("missing intermediate", {leaf}, Error(20, no_issuer, 0));
  add("intermediate of the right name with another key",
      {leaf, Root().Issue(CaSpec("intermediate"))}, Error(20, no_issuer, 0));
  add("broken signature of the leaf", {Root().Issue(Server()).WithBrokenSignature()},
      Error(7, "certificate signature failure", 0));
  add("broken signature of the intermediate", {leaf, Intermediate().WithBrokenSignature()},
      Error(7, "certificate signature failure", 1));
  const auto second = Intermediate().Issue(CaSpec("second intermediate"));
  add("one intermediate too many", {second.Issue(Server()), second, Intermediate()},
      Error(22, "certificate chain too long", 2));

  Case no_intermediates = {.name = "an intermediate where none is allowed",
                           .presented = Present({leaf, Intermediate()}),
                           .demands = Trusting(Root()),
                           .reason = Error(22, "certificate chain too long", 1)};
  no_intermediates.demands.depth = 0;
  cases.push_back(no_intermediates);
  cases.push_back({.name = "only the intermediate is trusted",
                   .presented = Present({leaf, Intermediate()}),
                   .demands = Trusting(Intermediate()),
                   .reason = Error(2, "unable to get issuer certificate", 1)});
  cases.push_back({.name = "a root that only its issuer would make trusted",
                   .presented = Present({leaf, Intermediate(), Root()}),
                   .demands = Trusting(stranger),
                   .reason = Error(19, "self signed certificate in certificate chain", 2)});
}

void AddConstraints(std::vector<Case>& cases) {
  const std::string no_ca = "invalid CA certificate";
  const std::string too_long = "path length constraint exceeded";
  const std::string critical = "unhandled critical extension";
  const auto ca = [](auto change) { return With(CaSpec("intermediate"), change); };
  const auto root = [](auto change) { return With(CaSpec("root"), change); };
  cases.push_back(Below("intermediate that is said to be no CA",
                        ca([](auto& spec) { spec.is_ca = false; }), Error(24, no_ca, 1)));
  cases.push_back(Below("intermediate that is not said to be a CA",
                        ca([](auto& spec) { spec.is_ca.reset(); }), Error(24, no_ca, 1)));
  cases.push_back(
      Below("leaf as an issuer",
            With(ServerSpec({"middle.test"}), [](auto& s) { s.key_usage = tools::kNoKeyUsage; }),
            Error(24, no_ca, 1)));
  cases.push_back(Below("intermediate that may not sign certificates",
                        ca([](auto& spec) { spec.key_usage = tools::kCrlSign; }),
                        Error(20, "unable to get local issuer certificate", 0)));
  cases.push_back(BelowRoot("root that is said to be no CA",
                            root([](auto& spec) { spec.is_ca = false; }), Error(24, no_ca, 1)));

  const auto short_path = Root().Issue(ca([](auto& spec) { spec.path_len = 0; }));
  const auto second = short_path.Issue(CaSpec("second intermediate"));
  cases.push_back({.name = "path length of an intermediate exceeded",
                   .presented = Present({second.Issue(Server()), second, short_path}),
                   .demands = Trusting(Root()),
                   .reason = Error(25, too_long, 2)});
  cases.back().demands.depth = 5;
  const auto short_root = Certificate::SelfSigned(root([](auto& spec) { spec.path_len = 0; }));
  const auto below = short_root.Issue(CaSpec("intermediate"));
  cases.push_back({.name = "path length of the root exceeded",
                   .presented = Present({below.Issue(Server()), below}),
                   .demands = Trusting(short_root),
                   .reason = Error(25, too_long, 2)});

  const std::string excluded = "excluded subtree violation";
  const std::string not_permitted = "permitted subtree violation";
  const std::string unsupported = "unsupported name constraint type";
  cases.push_back(Below("name excluded by the CA",
                        ca([](auto& spec) { spec.excluded_dns = {"test"}; }),
                        Error(48, excluded, 0)));
  cases.push_back(Below("name not permitted by the CA",
                        ca([](auto& spec) { spec.permitted_dns = {"other.test"}; }),
                        Error(47, not_permitted, 0)));
  cases.push_back(BelowRoot("name not permitted by the root",
                            root([](auto& spec) { spec.permitted_dns = {"other.test"}; }),
                            Error(47, not_permitted, 0)));
  cases.push_back(Below("common name below a CA that constrains names",
                        ca([](auto& spec) { spec.permitted_dns = {"test"}; }),
                        Error(67, "Issuer has name constraints but leaf has no SANs", 0),
                        With(Server(), [](auto& spec) { spec.dns_names.clear(); })));
  const auto address = ServerSpec({"127.0.0.1"});
  cases.push_back(Below("address not permitted by the CA",
                        ca([](auto& spec) { spec.permitted_ips = {"10.0.0.0/255.0.0.0"}; }),
                        Error(51, unsupported, 0), address));
  cases.back().demands.name = "127.0.0.1";
  cases.push_back(Below("address excluded by the CA",
                        ca([](auto& spec) { spec.excluded_ips = {"127.0.0.0/255.0.0.0"}; }),
                        Error(51, unsupported, 0), address));
  cases.back().demands.name = "127.0.0.1";

  const auto strange = [](auto& spec) { spec.unknown_critical_extension = true; };
  cases.push_back(Leaf("unknown critical extension in the leaf", With(Server(), strange),
                       Error(34, critical, 0)));
  cases.push_back(
      Below("unknown critical extension in the intermediate", ca(strange), Error(34, critical, 1)));
  cases.push_back(
      BelowRoot("unknown critical extension in the root", root(strange), Error(34, critical, 1)));
}

void AddPurpose(std::vector<Case>& cases) {
  const std::string purpose = "unsupported certificate purpose";
  const auto for_clients = [](auto& spec) {
    spec.extended_key_usage = {ExtendedKeyUsage::kClientAuth};
  };
  cases.push_back(
      Leaf("leaf for clients only", With(Server(), for_clients), Error(26, purpose, 0)));
  cases.push_back(
      Leaf("leaf for mail only",
           With(Server(),
                [](auto& spec) { spec.extended_key_usage = {ExtendedKeyUsage::kEmailProtection}; }),
           Error(26, purpose, 0)));
  cases.push_back(Below("intermediate for clients only", With(CaSpec("intermediate"), for_clients),
                        Error(26, purpose, 1)));
  cases.push_back(
      BelowRoot("root for clients only", With(CaSpec("root"), for_clients), Error(26, purpose, 1)));
  cases.push_back(
      {.name = "key that may not sign",
       .presented = Present({RsaServer().ReissueBy(
           Root(), With(Server(), [](auto& s) { s.key_usage = tools::kKeyEncipherment; }))}),
       .demands = Trusting(Root()),
       .reason = "KEY_USAGE_BIT_INCORRECT"});
}

void AddStrength(std::vector<Case>& cases) {
  const std::string weak_leaf = Error(66, "EE certificate key too weak", 0);
  const std::string weak_ca = "CA certificate key too weak";
  const std::string digest = "CA signature digest algorithm too weak";
  const auto key = [](KeyKind kind) { return [kind](auto& spec) { spec.key_kind = kind; }; };
  const size_t first = cases.size();
  // TLS 1.3 has no signature that is short enough for such a key, nor one for P-224: a server that
  // has nothing else gives up.
  const std::string gives_up = "SSL alert number 40";
  cases.push_back(Leaf("RSA key of 512 bits", With(Server(), key(KeyKind::kRsa512)), weak_leaf));
  cases.back().reason_tls13 = gives_up;
  cases.push_back(Leaf("RSA key of 768 bits", With(Server(), key(KeyKind::kRsa768)), weak_leaf));
  cases.push_back(Leaf("RSA key of 1024 bits", With(Server(), key(KeyKind::kRsa1024)), weak_leaf));
  cases.push_back(Below("intermediate with an RSA key of 1024 bits",
                        With(CaSpec("intermediate"), key(KeyKind::kRsa1024)),
                        Error(67, weak_ca, 1)));
  cases.push_back(BelowRoot("root with an RSA key of 1024 bits",
                            With(CaSpec("root"), key(KeyKind::kRsa1024)), Error(67, weak_ca, 1)));
  cases.push_back(Leaf("key on P-224", With(Server(), key(KeyKind::kP224)), "BAD_ECC_CERT"));
  cases.back().reason_tls13 = gives_up;
  cases.push_back(Below("intermediate with a key on P-224",
                        With(CaSpec("intermediate"), key(KeyKind::kP224)), Error(67, weak_ca, 1)));

  const auto sha1 = [](auto& spec) { spec.digest = Digest::kSha1; };
  const auto md5 = [](auto& spec) { spec.digest = Digest::kMd5; };
  cases.push_back(Leaf("leaf signed over SHA-1", With(Server(), sha1), Error(68, digest, 0)));
  cases.push_back(Below("intermediate signed over SHA-1", With(CaSpec("intermediate"), sha1),
                        Error(68, digest, 1)));
  for (const bool legacy : {false, true}) {
    cases.push_back(
        {.name = legacy ? "leaf signed over MD5, legacy allowed" : "leaf signed over MD5",
         .presented = Present({RsaRoot().Issue(With(Server(), md5))}),
         .demands = Trusting(RsaRoot()),
         .reason = Error(68, digest, 0)});
    cases.back().demands.legacy = legacy;
  }
  const auto middle = RsaRoot().Issue(With(CaSpec("intermediate"), md5));
  cases.push_back({.name = "intermediate signed over MD5",
                   .presented = Present({middle.Issue(Server()), middle}),
                   .demands = Trusting(RsaRoot()),
                   .reason = Error(68, digest, 1)});
  for (size_t i = first; i < cases.size(); ++i) cases[i].fit_for_nginx = false;
}

void AddRevocation(std::vector<Case>& cases) {
  const auto leaf = Intermediate().Issue(Server());
  const auto lists = [](const tools::CrlSpec& roots, const tools::CrlSpec& intermediates) {
    return Root().CrlPem(roots) + Intermediate().CrlPem(intermediates);
  };
  const auto add = [&](std::string name, const std::string& crl_pem, std::string reason) {
    cases.push_back({.name = std::move(name),
                     .presented = Present({leaf, Intermediate()}),
                     .demands = WithCrls(crl_pem),
                     .reason = std::move(reason)});
  };
  const int64_t now_s = NowSeconds();
  const std::string revoked = "certificate revoked";
  const std::string none = "unable to get certificate CRL";
  add("revoked leaf", lists({}, {.revoked_serials = {leaf.serial()}}), Error(23, revoked, 0));
  add("revoked intermediate", lists({.revoked_serials = {Intermediate().serial()}}, {}),
      Error(23, revoked, 1));
  add("expired list", lists({}, {.next_update_s = now_s - kDayS}), Error(12, "CRL has expired", 0));
  add("expired list of the root", lists({.next_update_s = now_s - kDayS}, {}),
      Error(12, "CRL has expired", 1));
  add("list not yet valid", lists({}, {.this_update_s = now_s + kDayS}),
      Error(11, "CRL is not yet valid", 0));
  add("no list of the intermediate", Root().CrlPem({}), Error(3, none, 0));
  add("no list of the root", Intermediate().CrlPem({}), Error(3, none, 1));
  const auto impostor = Certificate::SelfSigned(CaSpec("intermediate"));
  add("list signed by another key", Root().CrlPem({}) + impostor.CrlPem({.key_identifier = false}),
      Error(8, "CRL signature failure", 0));
  add("list of a CA of the same name", Root().CrlPem({}) + impostor.CrlPem({}), Error(3, none, 0));
  add("revoked by the newer of two lists",
      lists({}, {.this_update_s = now_s - 7200}) +
          Intermediate().CrlPem(
              {.revoked_serials = {leaf.serial()}, .this_update_s = now_s - 3600}),
      Error(23, revoked, 0));
  const auto no_lists = Root().Issue(
      With(CaSpec("no lists"), [](auto& spec) { spec.key_usage = tools::kKeyCertSign; }));
  cases.push_back({.name = "list of a CA that may not sign lists",
                   .presented = Present({no_lists.Issue(Server()), no_lists}),
                   .demands = WithCrls(Root().CrlPem({}) + no_lists.CrlPem({})),
                   .reason = Error(35, "key usage does not include CRL signing", 0)});
}

// `der` with the byte `behind` bytes after the first occurrence of `mark` replaced.
std::string Spoiled(std::string der, const std::string& mark, size_t behind, char byte) {
  der.at(der.find(mark) + behind) = byte;
  return der;
}

void AddForm(std::vector<Case>& cases) {
  const auto leaf = Intermediate().Issue(Server());
  const auto add = [&](std::string name, const Presented& presented, std::string reason) {
    cases.push_back({.name = std::move(name),
                     .presented = presented,
                     .demands = Trusting(Root()),
                     .reason = std::move(reason),
                     .fit_for_nginx = false});
  };
  Presented presented = Present({leaf});
  presented.key_pem = Root().Issue(Server()).key_pem();
  presented.chain = Present({Root().Issue(Server())}).chain;
  add("key that is not the certificate's", presented, "BAD_SIGNATURE");

  const std::string unparsable = "upstream SSL certificate cannot be parsed (SSL:";
  presented = Present({leaf, Intermediate()});
  presented.chain[1] = "not DER at all";
  add("intermediate that is no DER", presented, unparsable);
  presented = Present({leaf, Intermediate()});
  presented.chain[1].resize(presented.chain[1].size() / 2);
  add("half an intermediate", presented, unparsable);
  presented = Present({leaf, Intermediate()});
  presented.chain[1] += '\0';
  add("intermediate with a byte too many", presented, unparsable);
  presented = Present({leaf, Intermediate()});
  // UTCTime (tag 23, length 13): "2x..." for a year.
  presented.chain[0] = Spoiled(presented.chain[0], "\x17\x0d", 3, 'x');
  add("leaf with a date that is none", presented, unparsable);
  presented = Present({leaf, Intermediate()});
  // The names' SEQUENCE (tag 48) around a dNSName (tag 130) of 12 bytes.
  presented.chain[0] = Spoiled(presented.chain[0], "\x30\x0e\x82\x0c", 0, '\x31');
  add("leaf with names that are no names", presented,
      Error(41, "invalid or inconsistent certificate extension", 0));

  // BoringSSL's limit is 100 KiB (SSL_MAX_CERT_LIST_DEFAULT).
  presented = Present({leaf, Intermediate()});
  while (presented.chain.size() * presented.chain[1].size() <= 110'000) {
    presented.chain.push_back(presented.chain[1]);
  }
  add("chain that is larger than any handshake needs", presented, "EXCESSIVE_MESSAGE_SIZE");
}

}  // namespace

std::vector<Case> BadChains() {
  std::vector<Case> cases;
  AddTime(cases);
  AddTrust(cases);
  AddConstraints(cases);
  AddPurpose(cases);
  AddStrength(cases);
  AddRevocation(cases);
  AddForm(cases);
  return cases;
}

}  // namespace sluice::testing
