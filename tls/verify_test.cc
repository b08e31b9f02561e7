#include "tls/verify.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"

namespace sluice::tls {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using tools::CaSpec;
using tools::Certificate;
using tools::CertificateSpec;
using tools::kDayS;
using tools::KeyKind;
using tools::NowSeconds;
using tools::ServerSpec;

// What a server that presents `certificates` would have sent.
bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> ChainOf(const std::vector<Certificate>& certificates) {
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> chain(sk_CRYPTO_BUFFER_new_null());
  for (const Certificate& certificate : certificates) {
    uint8_t* der = nullptr;
    const int der_len = i2d_X509(certificate.x509(), &der);
    const bssl::UniquePtr<uint8_t> free_der(der);
    EXPECT_TRUE(bssl::PushToStack(chain.get(), bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(
                                                   der, static_cast<size_t>(der_len), nullptr))));
  }
  return chain;
}

Verdict Verify(const Settings& settings, const std::vector<Certificate>& certificates) {
  std::vector<Problem> problems;
  const auto verifier = Verifier::Create(settings, &problems);
  EXPECT_NE(verifier, nullptr) << problems.front().message;
  const Verdict verdict = verifier->Verify(ChainOf(certificates).get());
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_EQ(verdict.trusted, verdict.failure.kind == FailureKind::kNone);
  return verdict;
}

// "trusted", or why not.
std::string Text(const Settings& settings, const std::vector<Certificate>& certificates) {
  const Verdict verdict = Verify(settings, certificates);
  return verdict.trusted ? "trusted" : verdict.failure.text;
}

// "trusted", or the number and words of the error without its details, with the alert.
std::string Result(const Settings& settings, const std::vector<Certificate>& certificates) {
  const Verdict verdict = Verify(settings, certificates);
  if (verdict.trusted) return "trusted";
  std::string text = verdict.failure.text;
  const std::string before = "upstream SSL certificate ";
  EXPECT_EQ(text.substr(0, before.size()), before);
  text = text.substr(before.size());
  const size_t details = text.find(", subject \"");
  EXPECT_NE(details, std::string::npos) << text;
  return text.substr(0, details) + " alert " + std::to_string(verdict.alert);
}

const Certificate& Root() { return Identities().root; }

// As `openssl req -x509` makes them: without the usages that would forbid signing itself.
Certificate SelfSignedLeaf() {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.key_usage = tools::kNoKeyUsage;
  return Certificate::SelfSigned(spec);
}

std::string ResultOfLeaf(const CertificateSpec& spec) {
  return Result(VerifyingSettings(Root()), {Root().Issue(spec)});
}

std::string ResultOfName(const std::string& name, const std::vector<std::string>& names) {
  Settings settings = VerifyingSettings(Root());
  settings.name = name;
  return Result(settings, {Root().Issue(ServerSpec(names))});
}

TEST(VerifyTest, AGoodCertificateIsTrustedUntilTheChainRunsOut) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.not_after_s = NowSeconds() + 100;
  const Verdict verdict = Verify(VerifyingSettings(Root()), {Root().Issue(spec)});
  EXPECT_TRUE(verdict.trusted);
  EXPECT_EQ(verdict.trusted_until_s, spec.not_after_s);
}

TEST(VerifyTest, UnknownAndSelfSignedCertificatesAreNot) {
  const auto other = Certificate::SelfSigned(CaSpec("other"));
  EXPECT_EQ(Result(VerifyingSettings(other), {Identities().server}),
            "verify error: (20:unable to get local issuer certificate) at depth 0 alert 48");
  EXPECT_EQ(Result(VerifyingSettings(Root()), {SelfSignedLeaf()}),
            "verify error: (18:self signed certificate) at depth 0 alert 48");
  EXPECT_EQ(Result(VerifyingSettings(other), {Identities().server, Root()}),
            "verify error: (19:self signed certificate in certificate chain) at depth 1 alert 48");
}

TEST(VerifyTest, ATrustedSelfSignedLeafIsTrusted) {
  const auto leaf = SelfSignedLeaf();
  EXPECT_EQ(Result(VerifyingSettings(leaf), {leaf}), "trusted");
}

TEST(VerifyTest, ARefusalNamesTheCertificateAtFaultAndTheRemedy) {
  const auto leaf = Identities().intermediate.Issue(ServerSpec({"backend.test"}));
  EXPECT_EQ(Text(VerifyingSettings(Root()), {leaf}),
            "upstream SSL certificate verify error: (20:unable to get local issuer certificate) at "
            "depth 0, subject \"CN=backend.test\", no usable certificate of its issuer "
            "\"CN=intermediate\" came with it or is in proxy_ssl_trusted_certificate");
  CertificateSpec ca = CaSpec("old");
  ca.not_after_s = NowSeconds() - 1;
  const auto old = Root().Issue(ca);
  EXPECT_EQ(Text(VerifyingSettings(Root()), {old.Issue(ServerSpec({"backend.test"})), old}),
            "upstream SSL certificate verify error: (10:certificate has expired) at depth 1, "
            "subject \"CN=old\", it was valid until " +
                absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(ca.not_after_s),
                                 absl::UTCTimeZone()) +
                "; renew it");
  Settings settings = VerifyingSettings(Root());
  settings.verify_depth = 0;
  EXPECT_EQ(Text(settings, {leaf, Identities().intermediate}),
            "upstream SSL certificate verify error: (22:certificate chain too long) at depth 1, "
            "subject \"CN=intermediate\", 1 intermediate certificates where "
            "proxy_ssl_verify_depth allows 0");
  settings.name = "other.test";
  EXPECT_EQ(Text(settings, {Identities().server}),
            "upstream SSL certificate does not match \"other.test\", subject \"CN=backend.test\", "
            "which is for \"DNS:backend.test, IP:127.0.0.1\"");
}

TEST(VerifyTest, ARefusalTellsTheDayAndThePurposeThatIsLacking) {
  const Settings settings = VerifyingSettings(Root());
  CertificateSpec early = ServerSpec({"backend.test"});
  early.not_before_s = NowSeconds() + kDayS;
  EXPECT_THAT(
      Text(settings, {Root().Issue(early)}),
      HasSubstr(absl::FormatTime(", it is valid from %Y-%m-%d %H:%M:%S UTC on; look at",
                                 absl::FromUnixSeconds(early.not_before_s), absl::UTCTimeZone())));
  CertificateSpec for_clients = ServerSpec({"backend.test"});
  for_clients.extended_key_usage = {tools::ExtendedKeyUsage::kClientAuth};
  EXPECT_THAT(Text(settings, {Root().Issue(for_clients)}),
              HasSubstr(", its extendedKeyUsage lacks serverAuth; have it reissued"));
  CertificateSpec for_crls = ServerSpec({"backend.test"});
  for_crls.key_usage = tools::kCrlSign;
  EXPECT_THAT(Text(settings, {Root().Issue(for_crls)}),
              HasSubstr(", its keyUsage lacks digitalSignature; have it reissued"));
  CertificateSpec no_ca = CaSpec("no CA");
  no_ca.is_ca = false;
  const auto middle = Root().Issue(no_ca);
  EXPECT_THAT(Text(settings, {middle.Issue(ServerSpec({"backend.test"})), middle}),
              HasSubstr(", its basicConstraints lack CA:TRUE, so that it may not issue"));
  CertificateSpec client_root = CaSpec("old style");
  client_root.is_ca.reset();
  client_root.extended_key_usage = {tools::ExtendedKeyUsage::kClientAuth};
  const auto root = Certificate::SelfSigned(client_root);
  EXPECT_THAT(Text(VerifyingSettings(root), {root.Issue(ServerSpec({"backend.test"}))}),
              HasSubstr(", its extendedKeyUsage lacks serverAuth; "));
}

TEST(VerifyTest, TheNamesOfAMismatchCannotBreakOrFloodALogLine) {
  Settings settings = VerifyingSettings(Root());
  settings.name = "other.test";
  CertificateSpec spec = ServerSpec({"a\n\"b.test"});
  spec.common_name = "x";
  EXPECT_THAT(Text(settings, {Root().Issue(spec)}),
              EndsWith(R"(subject "CN=x", which is for "DNS:a\x0A\"b.test")"));
  spec.dns_names.assign(1000, "many.backend.test");
  const std::string text = Text(settings, {Root().Issue(spec)});
  EXPECT_THAT(text, EndsWith("...\""));
  EXPECT_LT(text.size(), 400u);
  spec.dns_names.clear();
  EXPECT_THAT(Text(settings, {Root().Issue(spec)}),
              EndsWith("names no host and no address besides"));
}

// `ca` with the same name and key, valid for the given time from now.
Certificate Renewed(const Certificate& ca, const Certificate& issuer, const std::string& name,
                    int64_t from_s, int64_t to_s) {
  CertificateSpec spec = CaSpec(name);
  spec.not_before_s = NowSeconds() + from_s;
  spec.not_after_s = NowSeconds() + to_s;
  return ca.ReissueBy(issuer, spec);
}

TEST(VerifyTest, OfAnOldAndARenewedRootInTheFileTheValidOneCounts) {
  const auto renewed = Certificate::SelfSigned(CaSpec("corporate"));
  const auto expired = Renewed(renewed, renewed, "corporate", -2 * kDayS, -100);
  const auto future = Renewed(renewed, renewed, "corporate", kDayS, 2 * kDayS);
  const auto leaf = renewed.Issue(ServerSpec({"backend.test"}));
  Settings settings = VerifyingSettings(renewed);
  for (const std::string& pem : {expired.pem() + future.pem() + renewed.pem(),
                                 renewed.pem() + future.pem() + expired.pem()}) {
    settings.trusted_certificate.contents = pem;
    EXPECT_EQ(Result(settings, {leaf}), "trusted");
    EXPECT_EQ(Result(settings, {leaf, renewed}), "trusted");
    EXPECT_EQ(Result(settings, {leaf, expired}), "trusted");
  }
  settings.trusted_certificate.contents = expired.pem();
  EXPECT_EQ(Result(settings, {leaf}),
            "verify error: (10:certificate has expired) at depth 1 alert 45");
}

TEST(VerifyTest, AnOldRootThatRunsOutHandsOverToTheRenewedOne) {
  const auto renewed = Certificate::SelfSigned(CaSpec("corporate"));
  const auto old = Renewed(renewed, renewed, "corporate", -kDayS, 100);
  Settings settings = VerifyingSettings(old);
  settings.trusted_certificate.contents += renewed.pem();
  std::vector<Problem> problems;
  const auto verifier = Verifier::Create(settings, &problems);
  const auto chain = ChainOf({renewed.Issue(ServerSpec({"backend.test"}))});
  Moment now = Moment::Now();
  EXPECT_TRUE(verifier->Verify(chain.get(), now).trusted);
  now.wall_s += 200;
  EXPECT_TRUE(verifier->Verify(chain.get(), now).trusted);
}

TEST(VerifyTest, OfAnOldAndARenewedIntermediateTheValidOneCounts) {
  const auto renewed = Root().Issue(CaSpec("middle"));
  const auto expired = Renewed(renewed, Root(), "middle", -2 * kDayS, -100);
  const auto leaf = renewed.Issue(ServerSpec({"backend.test"}));
  Settings settings = VerifyingSettings(Root());
  settings.trusted_certificate.contents = expired.pem() + Root().pem();
  EXPECT_EQ(Result(settings, {leaf, renewed}), "trusted");
  EXPECT_EQ(Result(settings, {leaf}),
            "verify error: (10:certificate has expired) at depth 1 alert 45");
  settings.trusted_certificate.contents += renewed.pem();
  EXPECT_EQ(Result(settings, {leaf}), "trusted");
  EXPECT_EQ(Result(settings, {leaf, expired}), "trusted");
}

TEST(VerifyTest, ARootIsTakenBeforeItsCrossCertificate) {
  const auto root = Certificate::SelfSigned(CaSpec("crossed"));
  const auto stranger = Certificate::SelfSigned(CaSpec("stranger"));
  const auto cross = Renewed(root, stranger, "crossed", -kDayS, 900 * kDayS);
  const auto leaf = root.Issue(ServerSpec({"backend.test"}));
  Settings settings = VerifyingSettings(root);
  settings.trusted_certificate.contents = cross.pem() + root.pem();
  EXPECT_EQ(Result(settings, {leaf}), "trusted");
  EXPECT_EQ(Result(settings, {leaf, cross}), "trusted");
}

TEST(VerifyTest, OfTwoRootsOfOneNameTheOneWithTheRightKeyCounts) {
  CertificateSpec spec = CaSpec("rekeyed");
  spec.key_identifiers = false;
  const auto old = Certificate::SelfSigned(spec);
  spec.not_after_s += kDayS;
  const auto rekeyed = Certificate::SelfSigned(spec);
  CertificateSpec leaf = ServerSpec({"backend.test"});
  leaf.key_identifiers = false;
  Settings settings = VerifyingSettings(old);
  for (const std::string& pem : {old.pem() + rekeyed.pem(), rekeyed.pem() + old.pem()}) {
    settings.trusted_certificate.contents = pem;
    EXPECT_EQ(Result(settings, {old.Issue(leaf)}), "trusted");
    EXPECT_EQ(Result(settings, {rekeyed.Issue(leaf)}), "trusted");
  }
}

TEST(VerifyTest, AKeyUsageMakesARootACaWithoutBasicConstraints) {
  CertificateSpec spec = CaSpec("old style");
  spec.is_ca.reset();
  const auto root = Certificate::SelfSigned(spec);
  const auto leaf = root.Issue(ServerSpec({"backend.test"}));
  EXPECT_EQ(Result(VerifyingSettings(root), {leaf}), "trusted");
  const std::string no_ca = "verify error: (24:invalid CA certificate) at depth 1 alert 48";
  // Neither an intermediate, nor a root that says nothing at all or denies it.
  const auto middle = Root().Issue(spec);
  const auto below = middle.Issue(ServerSpec({"backend.test"}));
  EXPECT_EQ(Result(VerifyingSettings(Root()), {below, middle}), no_ca);
  Settings both = VerifyingSettings(Root());
  both.trusted_certificate.contents += middle.pem();
  EXPECT_EQ(Result(both, {below}), no_ca);
  spec.is_ca = false;
  const auto denied = Certificate::SelfSigned(spec);
  EXPECT_EQ(Result(VerifyingSettings(denied), {denied.Issue(ServerSpec({"backend.test"}))}), no_ca);
  spec.is_ca.reset();
  spec.key_usage = tools::kNoKeyUsage;
  const auto silent = Certificate::SelfSigned(spec);
  EXPECT_EQ(Result(VerifyingSettings(silent), {silent.Issue(ServerSpec({"backend.test"}))}), no_ca);
  spec = CaSpec("for clients");
  spec.is_ca.reset();
  spec.extended_key_usage = {tools::ExtendedKeyUsage::kClientAuth};
  const auto for_clients = Certificate::SelfSigned(spec);
  EXPECT_EQ(
      Result(VerifyingSettings(for_clients), {for_clients.Issue(ServerSpec({"backend.test"}))}),
      "verify error: (26:unsupported certificate purpose) at depth 1 alert 43");
}

TEST(VerifyTest, APinnedCertificateThatMayNotSignIsTrustedAsItself) {
  const auto pinned = Certificate::SelfSigned(ServerSpec({"backend.test"}));
  const Settings settings = VerifyingSettings(pinned);
  EXPECT_EQ(Result(settings, {pinned}), "trusted");
  EXPECT_EQ(Result(settings, {pinned, Root()}), "trusted");
  // Another one of the same name and key, and one that it has issued.
  const auto twin = pinned.ReissueBy(pinned, ServerSpec({"backend.test"}));
  EXPECT_NE(Result(settings, {twin}), "trusted");
  EXPECT_NE(Result(settings, {twin, pinned}), "trusted");
  EXPECT_NE(Result(settings, {pinned.Issue(ServerSpec({"backend.test", "b.test"}))}), "trusted");
  Settings with_crl = settings;
  with_crl.crl = FileOf("crl.pem", Root().CrlPem({}));
  EXPECT_NE(Result(with_crl, {pinned}), "trusted");
}

TEST(VerifyTest, APinnedCertificateIsHeldToAllOtherRules) {
  const auto result = [](auto change) {
    CertificateSpec spec = ServerSpec({"backend.test"});
    change(spec);
    const auto pinned = Certificate::SelfSigned(spec);
    return Result(VerifyingSettings(pinned), {pinned});
  };
  EXPECT_EQ(result([](auto& spec) { spec.not_after_s = NowSeconds() - 10; }),
            "verify error: (10:certificate has expired) at depth 0 alert 45");
  EXPECT_EQ(result([](auto& spec) { spec.not_before_s = NowSeconds() + kDayS; }),
            "verify error: (9:certificate is not yet valid) at depth 0 alert 45");
  EXPECT_EQ(
      result([](auto& spec) { spec.extended_key_usage = {tools::ExtendedKeyUsage::kClientAuth}; }),
      "verify error: (26:unsupported certificate purpose) at depth 0 alert 43");
  EXPECT_EQ(result([](auto& spec) { spec.key_kind = KeyKind::kRsa1024; }),
            "verify error: (66:EE certificate key too weak) at depth 0 alert 42");
  EXPECT_EQ(result([](auto& spec) { spec.unknown_critical_extension = true; }),
            "verify error: (34:unhandled critical extension) at depth 0 alert 46");
  EXPECT_EQ(result([](auto& spec) { spec.dns_names = {"other.test"}; }),
            "does not match \"backend.test\" alert 42");
}

TEST(VerifyTest, OfTwoPinnedCertificatesOfOneNameEachIsTrusted) {
  const auto old = SelfSignedLeaf();
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.key_usage = tools::kNoKeyUsage;
  spec.not_after_s = NowSeconds() + 900 * kDayS;
  const auto renewed = old.ReissueBy(old, spec);
  Settings settings = VerifyingSettings(old);
  settings.trusted_certificate.contents += renewed.pem();
  EXPECT_EQ(Result(settings, {old}), "trusted");
  EXPECT_EQ(Result(settings, {renewed}), "trusted");
}

TEST(VerifyTest, NamesOfThePeerCannotBreakOrFloodALogLine) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.common_name = "a\n\x1b[31m\"b\xc3\xa9";
  const Settings other = VerifyingSettings(Certificate::SelfSigned(CaSpec("other")));
  const std::string text = Text(other, {Root().Issue(spec)});
  EXPECT_NE(text.find(R"(subject "CN=a\0A\1B[31m\"b\C3\A9",)"), std::string::npos) << text;
  spec.common_name = std::string(64, 'x');  // The most that a common name may have.
  const auto named = Root().Issue(spec);
  for (int i = 0; i < 9; ++i) {
    ASSERT_EQ(X509_NAME_add_entry_by_txt(X509_get_subject_name(named.x509()), "OU", MBSTRING_ASC,
                                         reinterpret_cast<const uint8_t*>(spec.common_name.data()),
                                         64, -1, 0),
              1);
  }
  EXPECT_LT(Text(other, {named}).size(), 500u);
}

TEST(VerifyTest, ARootOfTheSameNameWithAnotherKeyIsNotTheRoot) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.key_identifiers = false;
  const auto impostor = Certificate::SelfSigned(CaSpec("root"));
  EXPECT_EQ(Result(VerifyingSettings(Root()), {impostor.Issue(spec)}),
            "verify error: (7:certificate signature failure) at depth 0 alert 51");
}

TEST(VerifyTest, ABrokenSignatureIsSeen) {
  EXPECT_EQ(Result(VerifyingSettings(Root()), {Identities().server.WithBrokenSignature()}),
            "verify error: (7:certificate signature failure) at depth 0 alert 51");
}

TEST(VerifyTest, TimeIsKept) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.not_before_s = NowSeconds() - 2 * kDayS;
  spec.not_after_s = NowSeconds() - kDayS;
  EXPECT_EQ(ResultOfLeaf(spec), "verify error: (10:certificate has expired) at depth 0 alert 45");
  spec.not_before_s = NowSeconds() + kDayS;
  spec.not_after_s = NowSeconds() + 2 * kDayS;
  EXPECT_EQ(ResultOfLeaf(spec),
            "verify error: (9:certificate is not yet valid) at depth 0 alert 45");
}

TEST(VerifyTest, AnExpiredIntermediateIsSeen) {
  CertificateSpec spec = CaSpec("intermediate");
  spec.not_before_s = NowSeconds() - 2 * kDayS;
  spec.not_after_s = NowSeconds() - kDayS;
  const auto intermediate = Root().Issue(spec);
  EXPECT_EQ(Result(VerifyingSettings(Root()),
                   {intermediate.Issue(ServerSpec({"backend.test"})), intermediate}),
            "verify error: (10:certificate has expired) at depth 1 alert 45");
}

TEST(VerifyTest, NamesAreMatchedAsHostNames) {
  EXPECT_EQ(ResultOfName("backend.test", {"other.test", "backend.test"}), "trusted");
  EXPECT_EQ(ResultOfName("BACKEND.test", {"backend.TEST"}), "trusted");
  EXPECT_EQ(ResultOfName("backend.test.", {"backend.test"}), "trusted");
  EXPECT_EQ(ResultOfName("a.backend.test", {"*.backend.test"}), "trusted");
  EXPECT_EQ(ResultOfName("a.b.backend.test", {"*.backend.test"}),
            "does not match \"a.b.backend.test\" alert 42");
  EXPECT_EQ(ResultOfName("backend.test", {"*.backend.test"}),
            "does not match \"backend.test\" alert 42");
  EXPECT_EQ(ResultOfName("backend.test", {"b*.test"}), "does not match \"backend.test\" alert 42");
  EXPECT_EQ(ResultOfName("backend.test", {"other.test"}),
            "does not match \"backend.test\" alert 42");
  EXPECT_EQ(ResultOfName("backend.test", {std::string("backend.test\0.evil", 18)}),
            "does not match \"backend.test\" alert 42");
}

TEST(VerifyTest, CommonNameCountsOnlyWithoutAlternativeNames) {
  CertificateSpec spec = ServerSpec({});
  spec.common_name = "backend.test";
  EXPECT_EQ(ResultOfLeaf(spec), "trusted");
  spec.dns_names = {"other.test"};
  EXPECT_EQ(ResultOfLeaf(spec), "does not match \"backend.test\" alert 42");
}

TEST(VerifyTest, OtherKindsOfAlternativeNamesAreNoHostNames) {
  CertificateSpec spec = ServerSpec({});
  spec.uris = {"https://backend.test"};
  spec.emails = {"backend.test"};
  EXPECT_EQ(ResultOfLeaf(spec), "does not match \"backend.test\" alert 42");
}

TEST(VerifyTest, AddressesAreMatchedAsAddressesOnly) {
  EXPECT_EQ(ResultOfName("127.0.0.1", {"127.0.0.1"}), "trusted");
  EXPECT_EQ(ResultOfName("::1", {"0:0:0:0:0:0:0:1"}), "trusted");
  EXPECT_EQ(ResultOfName("[::1]", {"::1"}), "trusted");
  EXPECT_EQ(ResultOfName("127.0.0.2", {"127.0.0.1"}), "does not match \"127.0.0.2\" alert 42");
  CertificateSpec spec = ServerSpec({});
  spec.dns_names = {"127.0.0.1"};
  Settings settings = VerifyingSettings(Root());
  settings.name = "127.0.0.1";
  EXPECT_EQ(Result(settings, {Root().Issue(spec)}), "does not match \"127.0.0.1\" alert 42");
}

TEST(VerifyTest, DepthCountsIntermediatesAsNginxDoes) {
  // Chains with no, one and two intermediates.
  const auto& intermediate = Identities().intermediate;
  const auto second = intermediate.Issue(CaSpec("second intermediate"));
  const CertificateSpec leaf = ServerSpec({"backend.test"});
  const std::vector<std::vector<Certificate>> chains = {
      {Root().Issue(leaf)},
      {intermediate.Issue(leaf), intermediate},
      {second.Issue(leaf), second, intermediate},
  };
  for (int depth = 0; depth <= 3; ++depth) {
    Settings settings = VerifyingSettings(Root());
    settings.verify_depth = depth;
    for (int num_intermediates = 0; num_intermediates <= 2; ++num_intermediates) {
      EXPECT_EQ(Result(settings, chains[num_intermediates]),
                num_intermediates <= depth
                    ? "trusted"
                    : "verify error: (22:certificate chain too long) at depth " +
                          std::to_string(depth + 1) + " alert 48")
          << depth << " " << num_intermediates;
    }
  }
}

TEST(VerifyTest, AMissingIntermediateIsNotCalledTooLong) {
  Settings settings = VerifyingSettings(Root());
  settings.verify_depth = 0;
  EXPECT_EQ(Result(settings, {Identities().intermediate.Issue(ServerSpec({"backend.test"}))}),
            "verify error: (20:unable to get local issuer certificate) at depth 0 alert 48");
}

TEST(VerifyTest, ExtremeDepthsAreTaken) {
  for (const int depth : {-1, 100, 1 << 30, INT32_MAX}) {
    Settings settings = VerifyingSettings(Root());
    settings.verify_depth = depth;
    EXPECT_EQ(Result(settings, {Identities().server}), "trusted");
  }
}

TEST(VerifyTest, OrderAndExtrasInTheChainDoNotMatter) {
  const auto& intermediate = Identities().intermediate;
  const auto leaf = intermediate.Issue(ServerSpec({"backend.test"}));
  EXPECT_EQ(Result(VerifyingSettings(Root()), {leaf, Identities().client, Root(), intermediate}),
            "trusted");
}

TEST(VerifyTest, ACertificateForClientsIsNoServers) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.extended_key_usage = {tools::ExtendedKeyUsage::kClientAuth};
  EXPECT_EQ(ResultOfLeaf(spec),
            "verify error: (26:unsupported certificate purpose) at depth 0 alert 43");
}

TEST(VerifyTest, ALeafIsNoCa) {
  CertificateSpec middle = ServerSpec({"middle.test"});
  middle.key_usage = tools::kNoKeyUsage;
  const auto not_ca = Root().Issue(middle);
  EXPECT_EQ(Result(VerifyingSettings(Root()), {not_ca.Issue(ServerSpec({"backend.test"})), not_ca}),
            "verify error: (24:invalid CA certificate) at depth 1 alert 48");
}

TEST(VerifyTest, PathLengthAndNameConstraintsAndCriticalExtensionsCount) {
  CertificateSpec ca = CaSpec("no more CAs");
  ca.path_len = 0;
  const auto first = Root().Issue(ca);
  const auto second = first.Issue(CaSpec("one more"));
  Settings settings = VerifyingSettings(Root());
  settings.verify_depth = 5;
  EXPECT_EQ(Result(settings, {second.Issue(ServerSpec({"backend.test"})), second, first}),
            "verify error: (25:path length constraint exceeded) at depth 2 alert 48");

  ca = CaSpec("others only");
  ca.permitted_dns = {"other.test"};
  const auto constrained = Root().Issue(ca);
  EXPECT_EQ(Result(settings, {constrained.Issue(ServerSpec({"backend.test"})), constrained}),
            "verify error: (47:permitted subtree violation) at depth 0 alert 46");
  ca.permitted_dns = {};
  ca.excluded_dns = {"backend.test"};
  const auto excluding = Root().Issue(ca);
  EXPECT_EQ(Result(settings, {excluding.Issue(ServerSpec({"backend.test"})), excluding}),
            "verify error: (48:excluded subtree violation) at depth 0 alert 46");

  CertificateSpec leaf = ServerSpec({"backend.test"});
  leaf.unknown_critical_extension = true;
  EXPECT_EQ(ResultOfLeaf(leaf),
            "verify error: (34:unhandled critical extension) at depth 0 alert 46");
}

TEST(VerifyTest, CasOfTheTrustedFileObeyTheirOwnExtensions) {
  const CertificateSpec leaf = ServerSpec({"backend.test"});
  CertificateSpec ca = CaSpec("root");
  ca.path_len = 0;
  const auto short_root = Certificate::SelfSigned(ca);
  const auto intermediate = short_root.Issue(CaSpec("intermediate"));
  EXPECT_EQ(Result(VerifyingSettings(short_root), {short_root.Issue(leaf)}), "trusted");
  EXPECT_EQ(Result(VerifyingSettings(short_root), {intermediate.Issue(leaf), intermediate}),
            "verify error: (25:path length constraint exceeded) at depth 2 alert 48");

  ca = CaSpec("root");
  ca.extended_key_usage = {tools::ExtendedKeyUsage::kClientAuth};
  const auto client_root = Certificate::SelfSigned(ca);
  EXPECT_EQ(Result(VerifyingSettings(client_root), {client_root.Issue(leaf)}),
            "verify error: (26:unsupported certificate purpose) at depth 1 alert 43");

  ca = CaSpec("root");
  ca.is_ca = false;
  const auto no_ca = Certificate::SelfSigned(ca);
  EXPECT_EQ(Result(VerifyingSettings(no_ca), {no_ca.Issue(leaf)}),
            "verify error: (24:invalid CA certificate) at depth 1 alert 48");

  ca = CaSpec("root");
  ca.unknown_critical_extension = true;
  const auto strange = Certificate::SelfSigned(ca);
  EXPECT_EQ(Result(VerifyingSettings(strange), {strange.Issue(leaf)}),
            "verify error: (34:unhandled critical extension) at depth 1 alert 46");
}

TEST(VerifyTest, OfTwoCertificatesOfOneCaTheValidOneIsTaken) {
  CertificateSpec ca = CaSpec("intermediate");
  ca.not_after_s = NowSeconds() - 1;
  const auto old = Root().Issue(ca);
  const auto renewed = old.ReissueBy(Root(), CaSpec("intermediate"));
  const auto leaf = renewed.Issue(ServerSpec({"backend.test"}));
  EXPECT_EQ(Result(VerifyingSettings(Root()), {leaf, old, renewed}), "trusted");
  EXPECT_EQ(Result(VerifyingSettings(Root()), {leaf, renewed, old}), "trusted");
}

// A leaf, an intermediate and a root, with one of them changed at a time.
class WeaknessTest : public ::testing::Test {
 protected:
  // What becomes of the chain, without and with verify_legacy.
  std::string ResultWhen(bool legacy) const {
    const auto root = Certificate::SelfSigned(root_);
    const auto intermediate = root.Issue(intermediate_);
    Settings settings = VerifyingSettings(root);
    settings.verify_legacy = legacy;
    return Result(settings, {intermediate.Issue(leaf_), intermediate});
  }
  void ExpectLegacyOnly(const std::string& error) const {
    EXPECT_EQ(ResultWhen(false), error);
    EXPECT_EQ(ResultWhen(true), "trusted");
  }

  CertificateSpec root_ = CaSpec("root");
  CertificateSpec intermediate_ = CaSpec("intermediate");
  CertificateSpec leaf_ = ServerSpec({"backend.test"});
};

TEST_F(WeaknessTest, KeysBelow2048BitsOfRsaAreRefusedAtEveryDepth) {
  leaf_.key_kind = KeyKind::kRsa1024;
  ExpectLegacyOnly("verify error: (66:EE certificate key too weak) at depth 0 alert 42");
  leaf_.key_kind = KeyKind::kRsa2048;
  EXPECT_EQ(ResultWhen(false), "trusted");
  leaf_.key_kind = KeyKind::kP256;
  intermediate_.key_kind = KeyKind::kRsa1024;
  ExpectLegacyOnly("verify error: (67:CA certificate key too weak) at depth 1 alert 42");
  intermediate_.key_kind = KeyKind::kP256;
  root_.key_kind = KeyKind::kRsa1024;
  ExpectLegacyOnly("verify error: (67:CA certificate key too weak) at depth 2 alert 42");
}

TEST_F(WeaknessTest, CurvesBelowP256AreRefused) {
  leaf_.key_kind = KeyKind::kP224;
  ExpectLegacyOnly("verify error: (66:EE certificate key too weak) at depth 0 alert 42");
  leaf_.key_kind = KeyKind::kP521;
  intermediate_.key_kind = KeyKind::kP224;
  ExpectLegacyOnly("verify error: (67:CA certificate key too weak) at depth 1 alert 42");
}

TEST_F(WeaknessTest, EveryOtherKindOfKeyIsStrong) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kP521, KeyKind::kEd25519}) {
    leaf_.key_kind = intermediate_.key_kind = root_.key_kind = kind;
    EXPECT_EQ(ResultWhen(false), "trusted");
  }
}

TEST_F(WeaknessTest, Sha1IsRefusedExceptForTheRootsOwnSignature) {
  leaf_.digest = tools::Digest::kSha1;
  ExpectLegacyOnly("verify error: (68:CA signature digest algorithm too weak) at depth 0 alert 42");
  leaf_.digest = tools::Digest::kSha256;
  intermediate_.digest = tools::Digest::kSha1;
  ExpectLegacyOnly("verify error: (68:CA signature digest algorithm too weak) at depth 1 alert 42");
  intermediate_.digest = tools::Digest::kSha256;
  root_.digest = tools::Digest::kSha1;
  EXPECT_EQ(ResultWhen(false), "trusted");
}

TEST_F(WeaknessTest, Md5IsRefusedEvenAsLegacyExceptForTheRootsOwnSignature) {
  root_.key_kind = intermediate_.key_kind = KeyKind::kRsa1024;
  root_.digest = tools::Digest::kMd5;
  EXPECT_EQ(ResultWhen(true), "trusted");
  leaf_.digest = tools::Digest::kMd5;
  for (const bool legacy : {false, true}) {
    EXPECT_EQ(ResultWhen(legacy),
              "verify error: (68:CA signature digest algorithm too weak) at depth 0 alert 42");
  }
}

TEST_F(WeaknessTest, PssSignaturesAreFine) {
  root_.key_kind = intermediate_.key_kind = KeyKind::kRsa1024;
  leaf_.pss = intermediate_.pss = true;
  EXPECT_EQ(ResultWhen(true), "trusted");
}

TEST_F(WeaknessTest, TheReasonSaysWhatIsWeakAndWhatToDo) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.key_kind = KeyKind::kRsa1024;
  EXPECT_EQ(Text(VerifyingSettings(Root()), {Root().Issue(spec)}),
            "upstream SSL certificate verify error: (66:EE certificate key too weak) at depth 0, "
            "subject \"CN=backend.test\", an RSA key of 1024 bits where 2048 are required; replace "
            "it, or set proxy_ssl_verify_legacy on to accept it");
  spec = ServerSpec({"backend.test"});
  spec.digest = tools::Digest::kSha1;
  EXPECT_EQ(Text(VerifyingSettings(Root()), {Root().Issue(spec)}),
            "upstream SSL certificate verify error: (68:CA signature digest algorithm too weak) at "
            "depth 0, subject \"CN=backend.test\", signed over SHA-1; replace it, or set "
            "proxy_ssl_verify_legacy on to accept it");
}

class CrlTest : public ::testing::Test {
 protected:
  // A leaf below an intermediate, with these lists.
  static std::string ResultWith(const std::string& crls) {
    Settings settings = VerifyingSettings(Root());
    settings.crl = FileOf("crl.pem", crls);
    return Result(settings, {Leaf(), Identities().intermediate});
  }
  static const Certificate& Leaf() {
    static const auto* const leaf =
        new Certificate(Identities().intermediate.Issue(ServerSpec({"backend.test"})));
    return *leaf;
  }
  static std::string RootCrl(const tools::CrlSpec& spec = {}) { return Root().CrlPem(spec); }
  static std::string IntermediateCrl(const tools::CrlSpec& spec = {}) {
    return Identities().intermediate.CrlPem(spec);
  }
};

TEST_F(CrlTest, CleanListsOfEveryCaAreFine) {
  EXPECT_EQ(ResultWith(RootCrl() + IntermediateCrl()), "trusted");
}

TEST_F(CrlTest, RevokedLeafAndIntermediateAreRefused) {
  EXPECT_EQ(ResultWith(RootCrl() + IntermediateCrl({.revoked_serials = {Leaf().serial()}})),
            "verify error: (23:certificate revoked) at depth 0 alert 44");
  EXPECT_EQ(ResultWith(RootCrl({.revoked_serials = {1, Identities().intermediate.serial(), 2}}) +
                       IntermediateCrl()),
            "verify error: (23:certificate revoked) at depth 1 alert 44");
}

TEST_F(CrlTest, EveryCaOfTheChainNeedsAList) {
  EXPECT_EQ(ResultWith(RootCrl()),
            "verify error: (3:unable to get certificate CRL) at depth 0 alert 48");
  EXPECT_EQ(ResultWith(IntermediateCrl()),
            "verify error: (3:unable to get certificate CRL) at depth 1 alert 48");
}

TEST_F(CrlTest, AListThatHasRunOutOrIsNotYetValidIsRefused) {
  EXPECT_EQ(ResultWith(RootCrl() + IntermediateCrl({.next_update_s = NowSeconds() - 60})),
            "verify error: (12:CRL has expired) at depth 0 alert 45");
  EXPECT_EQ(ResultWith(RootCrl() + IntermediateCrl({.this_update_s = NowSeconds() + kDayS})),
            "verify error: (11:CRL is not yet valid) at depth 0 alert 45");
}

TEST_F(CrlTest, AListSignedByAnotherKeyIsRefused) {
  const auto impostor = Certificate::SelfSigned(CaSpec("intermediate"));
  EXPECT_EQ(ResultWith(RootCrl() + impostor.CrlPem({})),
            "verify error: (3:unable to get certificate CRL) at depth 0 alert 48");
  EXPECT_EQ(ResultWith(RootCrl() + impostor.CrlPem({.key_identifier = false})),
            "verify error: (8:CRL signature failure) at depth 0 alert 51");
}

TEST_F(CrlTest, AListOfACaThatMayNotSignListsIsRefused) {
  CertificateSpec ca = CaSpec("no lists");
  ca.key_usage = tools::kKeyCertSign;
  const auto no_lists = Root().Issue(ca);
  Settings settings = VerifyingSettings(Root());
  settings.crl = FileOf("crl.pem", RootCrl() + no_lists.CrlPem({}));
  EXPECT_EQ(Result(settings, {no_lists.Issue(ServerSpec({"backend.test"})), no_lists}),
            "verify error: (35:key usage does not include CRL signing) at depth 0 alert 46");
}

TEST_F(CrlTest, OfSeveralListsOfOneCaTheNewestCounts) {
  const int64_t now_s = NowSeconds();
  const std::string clean = IntermediateCrl({.this_update_s = now_s - 7200});
  const std::string revoking =
      IntermediateCrl({.revoked_serials = {Leaf().serial()}, .this_update_s = now_s - 3600});
  const std::string cleared = IntermediateCrl({.this_update_s = now_s - 1800});
  const std::string expired = IntermediateCrl(
      {.revoked_serials = {Leaf().serial()}, .this_update_s = now_s - 9000, .next_update_s = 1});
  const char revoked[] = "verify error: (23:certificate revoked) at depth 0 alert 44";
  EXPECT_EQ(ResultWith(RootCrl() + clean + revoking), revoked);
  EXPECT_EQ(ResultWith(revoking + clean + RootCrl()), revoked);
  EXPECT_EQ(ResultWith(revoking + cleared + RootCrl() + clean), "trusted");
  EXPECT_EQ(ResultWith(expired + RootCrl() + cleared), "trusted");
}

TEST_F(CrlTest, TheReasonSaysWhoseListIsMissing) {
  Settings settings = VerifyingSettings(Root());
  const std::vector<Certificate> chain = {Leaf(), Identities().intermediate};
  settings.crl = FileOf("crl.pem", IntermediateCrl());
  EXPECT_EQ(Text(settings, chain),
            "upstream SSL certificate verify error: (3:unable to get certificate CRL) at depth 1, "
            "subject \"CN=intermediate\", proxy_ssl_crl has no CRL of its issuer \"CN=root\"");
  settings.crl = FileOf("crl.pem", IntermediateCrl() + RootCrl({.next_update_s = 1}));
  EXPECT_EQ(Text(settings, chain),
            "upstream SSL certificate verify error: (12:CRL has expired) at depth 1, subject "
            "\"CN=intermediate\", in proxy_ssl_crl, the CRL of its issuer \"CN=root\"");
}

TEST_F(CrlTest, EveryCaWhoseLastListHasExpiredIsWarnedOf) {
  Settings settings = VerifyingSettings(Root());
  const std::string old = IntermediateCrl({.next_update_s = 1});
  settings.crl = FileOf("crl.pem", old + old + RootCrl({.next_update_s = 1}) + RootCrl());
  std::vector<Problem> problems;
  EXPECT_NE(Verifier::Create(settings, &problems), nullptr);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_FALSE(problems[0].fatal);
  EXPECT_EQ(problems[0].message,
            "\"crl.pem\" holds a CRL that has expired: all that its CA \"CN=intermediate\" has "
            "issued will be refused; renew it");
}

TEST_F(CrlTest, TrustEndsWithTheFirstList) {
  Settings settings = VerifyingSettings(Root());
  const int64_t next_update_s = NowSeconds() + 500;
  settings.crl = FileOf("crl.pem", RootCrl({.next_update_s = next_update_s}) + IntermediateCrl());
  EXPECT_EQ(Verify(settings, {Leaf(), Identities().intermediate}).trusted_until_s, next_update_s);
}

TEST_F(CrlTest, ListsOfOtherCasDoNotEndTrustAndOnesToComeDo) {
  Settings settings = VerifyingSettings(Root());
  const int64_t now_s = NowSeconds();
  const auto stranger = Certificate::SelfSigned(CaSpec("stranger"));
  settings.crl = FileOf("crl.pem", RootCrl({.next_update_s = now_s + 900}) +
                                       stranger.CrlPem({.next_update_s = now_s + 500}));
  EXPECT_EQ(Verify(settings, {Identities().server}).trusted_until_s, now_s + 900);
  settings.crl.contents += RootCrl({.this_update_s = now_s + 700});
  EXPECT_EQ(Verify(settings, {Identities().server}).trusted_until_s, now_s + 700);
}

// A Verifier and the times at which it is asked.
class VerifyAgainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const int64_t now_s = NowSeconds();
    start_ = {.wall_s = now_s, .uptime_s = 1000};
    CertificateSpec spec = ServerSpec({"backend.test"});
    spec.not_after_s = now_s + 10'000;
    leaf_ = std::make_unique<Certificate>(Root().Issue(spec));
    chain_ = ChainOf({*leaf_});
  }
  void Create(const Settings& settings) {
    std::vector<Problem> problems;
    verifier_ = Verifier::Create(settings, &problems);
    ASSERT_NE(verifier_, nullptr);
  }
  Moment After(int64_t wall_s, int64_t uptime_s) const {
    return {.wall_s = start_.wall_s + wall_s, .uptime_s = start_.uptime_s + uptime_s};
  }
  Moment After(int64_t seconds) const { return After(seconds, seconds); }
  bool Trusted(const Moment& now) const { return verifier_->Verify(chain_.get(), now).trusted; }

  Moment start_;
  std::unique_ptr<Certificate> leaf_;
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> chain_;
  std::unique_ptr<Verifier> verifier_;
};

TEST_F(VerifyAgainTest, AGoodChainIsBuiltOnceInAnHour) {
  Create(VerifyingSettings(Root()));
  const Verdict first = verifier_->Verify(chain_.get(), start_);
  EXPECT_TRUE(first.trusted);
  EXPECT_EQ(verifier_->num_chains_built(), 1);
  const Verdict again = verifier_->Verify(ChainOf({*leaf_}).get(), After(3599));
  EXPECT_TRUE(again.trusted);
  EXPECT_EQ(again.trusted_until_s, first.trusted_until_s);
  EXPECT_EQ(verifier_->num_chains_built(), 1);
  EXPECT_TRUE(Trusted(After(3600)));
  EXPECT_EQ(verifier_->num_chains_built(), 2);
}

TEST_F(VerifyAgainTest, AChainThatHasExpiredIsNotRemembered) {
  Create(VerifyingSettings(Root()));
  for (int64_t after_s = 0; after_s < 9999; after_s += 1000) EXPECT_TRUE(Trusted(After(after_s)));
  EXPECT_TRUE(Trusted(After(9999)));
  EXPECT_FALSE(Trusted(After(10'000)));
  EXPECT_TRUE(Trusted(After(9998)));
}

TEST_F(VerifyAgainTest, AListThatRunsOutEndsWhatIsRemembered) {
  Settings settings = VerifyingSettings(Root());
  settings.crl = FileOf("crl.pem", Root().CrlPem({.next_update_s = start_.wall_s + 60}));
  Create(settings);
  EXPECT_TRUE(Trusted(start_));
  EXPECT_TRUE(Trusted(After(59)));
  EXPECT_EQ(verifier_->num_chains_built(), 1);
  EXPECT_FALSE(Trusted(After(60)));
}

TEST_F(VerifyAgainTest, AListThatBecomesValidEndsWhatIsRemembered) {
  Settings settings = VerifyingSettings(Root());
  settings.crl =
      FileOf("crl.pem", Root().CrlPem({}) + Root().CrlPem({.revoked_serials = {leaf_->serial()},
                                                           .this_update_s = start_.wall_s + 60}));
  Create(settings);
  EXPECT_TRUE(Trusted(start_));
  EXPECT_FALSE(Trusted(After(61)));
}

TEST_F(VerifyAgainTest, AWallClockThatIsSetBackEndsWhatIsRemembered) {
  Create(VerifyingSettings(Root()));
  EXPECT_TRUE(Trusted(start_));
  EXPECT_TRUE(Trusted(After(-1, 10)));
  EXPECT_EQ(verifier_->num_chains_built(), 2);
  EXPECT_FALSE(Trusted(After(-2 * 3600, 20)));  // Before the certificate's first second.
  // Set back and having caught up again: the hour has passed all the same.
  EXPECT_TRUE(Trusted(After(0, 3700)));
  EXPECT_EQ(verifier_->num_chains_built(), 4);
}

TEST_F(VerifyAgainTest, RefusalsAreNotRemembered) {
  Settings settings = VerifyingSettings(Root());
  settings.name = "other.test";
  Create(settings);
  EXPECT_FALSE(Trusted(start_));
  EXPECT_FALSE(Trusted(start_));
  EXPECT_EQ(verifier_->num_chains_built(), 2);
}

TEST_F(VerifyAgainTest, AChangedByteAnywhereIsAnotherChain) {
  Create(VerifyingSettings(Root()));
  const std::vector<Certificate> good = {*leaf_, Identities().intermediate};
  EXPECT_TRUE(verifier_->Verify(ChainOf(good).get(), start_).trusted);
  EXPECT_FALSE(
      verifier_->Verify(ChainOf({good[0].WithBrokenSignature(), good[1]}).get(), start_).trusted);
  verifier_->Verify(ChainOf({good[0], good[1].WithBrokenSignature()}).get(), start_);
  verifier_->Verify(ChainOf({good[0]}).get(), start_);
  EXPECT_EQ(verifier_->num_chains_built(), 4);
}

TEST(VerifyTest, BytesThatAreNoCertificateAreRefused) {
  std::vector<Problem> problems;
  const auto verifier = Verifier::Create(VerifyingSettings(Root()), &problems);
  for (const bool leaf_is_good : {false, true}) {
    auto chain = leaf_is_good ? ChainOf({Identities().server}) : ChainOf({});
    const uint8_t junk[] = {0x30, 0x03, 0x02, 0x01, 0x01};
    ASSERT_TRUE(bssl::PushToStack(chain.get(), bssl::UniquePtr<CRYPTO_BUFFER>(CRYPTO_BUFFER_new(
                                                   junk, sizeof(junk), nullptr))));
    const Verdict verdict = verifier->Verify(chain.get());
    EXPECT_FALSE(verdict.trusted);
    EXPECT_EQ(verdict.failure.kind, FailureKind::kCertificateUntrusted);
    EXPECT_EQ(verdict.alert, SSL_AD_DECODE_ERROR);
    EXPECT_EQ(verdict.failure.text.substr(0, 50),
              "upstream SSL certificate cannot be parsed (SSL: er");
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
  EXPECT_FALSE(verifier->Verify(ChainOf({}).get()).trusted);
}

}  // namespace
}  // namespace sluice::tls
