#include "tls/verify.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"

namespace sluice::tls {
namespace {

using tools::CaSpec;
using tools::Certificate;
using tools::CertificateSpec;
using tools::kDayS;
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

// "trusted", or the number and words of the error, with the alert.
std::string Result(const Settings& settings, const std::vector<Certificate>& certificates) {
  const Verdict verdict = Verify(settings, certificates);
  if (verdict.trusted) return "trusted";
  std::string text = verdict.failure.text;
  const std::string before = "upstream SSL certificate ";
  EXPECT_EQ(text.substr(0, before.size()), before);
  return text.substr(before.size()) + " alert " + std::to_string(verdict.alert);
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
            "verify error: (20:unable to get local issuer certificate) alert 48");
  EXPECT_EQ(Result(VerifyingSettings(Root()), {SelfSignedLeaf()}),
            "verify error: (18:self signed certificate) alert 48");
  EXPECT_EQ(Result(VerifyingSettings(other), {Identities().server, Root()}),
            "verify error: (19:self signed certificate in certificate chain) alert 48");
}

TEST(VerifyTest, ATrustedSelfSignedLeafIsTrusted) {
  const auto leaf = SelfSignedLeaf();
  EXPECT_EQ(Result(VerifyingSettings(leaf), {leaf}), "trusted");
}

TEST(VerifyTest, ARootOfTheSameNameWithAnotherKeyIsNotTheRoot) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.key_identifiers = false;
  const auto impostor = Certificate::SelfSigned(CaSpec("root"));
  EXPECT_EQ(Result(VerifyingSettings(Root()), {impostor.Issue(spec)}),
            "verify error: (7:certificate signature failure) alert 51");
}

TEST(VerifyTest, ABrokenSignatureIsSeen) {
  EXPECT_EQ(Result(VerifyingSettings(Root()), {Identities().server.WithBrokenSignature()}),
            "verify error: (7:certificate signature failure) alert 51");
}

TEST(VerifyTest, TimeIsKept) {
  CertificateSpec spec = ServerSpec({"backend.test"});
  spec.not_before_s = NowSeconds() - 2 * kDayS;
  spec.not_after_s = NowSeconds() - kDayS;
  EXPECT_EQ(ResultOfLeaf(spec), "verify error: (10:certificate has expired) alert 45");
  spec.not_before_s = NowSeconds() + kDayS;
  spec.not_after_s = NowSeconds() + 2 * kDayS;
  EXPECT_EQ(ResultOfLeaf(spec), "verify error: (9:certificate is not yet valid) alert 45");
}

TEST(VerifyTest, AnExpiredIntermediateIsSeen) {
  CertificateSpec spec = CaSpec("intermediate");
  spec.not_before_s = NowSeconds() - 2 * kDayS;
  spec.not_after_s = NowSeconds() - kDayS;
  const auto intermediate = Root().Issue(spec);
  EXPECT_EQ(Result(VerifyingSettings(Root()),
                   {intermediate.Issue(ServerSpec({"backend.test"})), intermediate}),
            "verify error: (10:certificate has expired) alert 45");
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
                    : "verify error: (22:certificate chain too long) alert 48")
          << depth << " " << num_intermediates;
    }
  }
}

TEST(VerifyTest, AMissingIntermediateIsNotCalledTooLong) {
  Settings settings = VerifyingSettings(Root());
  settings.verify_depth = 0;
  EXPECT_EQ(Result(settings, {Identities().intermediate.Issue(ServerSpec({"backend.test"}))}),
            "verify error: (20:unable to get local issuer certificate) alert 48");
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
  EXPECT_EQ(ResultOfLeaf(spec), "verify error: (26:unsupported certificate purpose) alert 43");
}

TEST(VerifyTest, ALeafIsNoCa) {
  CertificateSpec middle = ServerSpec({"middle.test"});
  middle.key_usage = tools::kNoKeyUsage;
  const auto not_ca = Root().Issue(middle);
  EXPECT_EQ(Result(VerifyingSettings(Root()), {not_ca.Issue(ServerSpec({"backend.test"})), not_ca}),
            "verify error: (24:invalid CA certificate) alert 48");
}

TEST(VerifyTest, PathLengthAndNameConstraintsAndCriticalExtensionsCount) {
  CertificateSpec ca = CaSpec("no more CAs");
  ca.path_len = 0;
  const auto first = Root().Issue(ca);
  const auto second = first.Issue(CaSpec("one more"));
  Settings settings = VerifyingSettings(Root());
  settings.verify_depth = 5;
  EXPECT_EQ(Result(settings, {second.Issue(ServerSpec({"backend.test"})), second, first}),
            "verify error: (25:path length constraint exceeded) alert 48");

  ca = CaSpec("others only");
  ca.permitted_dns = {"other.test"};
  const auto constrained = Root().Issue(ca);
  EXPECT_EQ(Result(settings, {constrained.Issue(ServerSpec({"backend.test"})), constrained}),
            "verify error: (47:permitted subtree violation) alert 46");
  ca.permitted_dns = {};
  ca.excluded_dns = {"backend.test"};
  const auto excluding = Root().Issue(ca);
  EXPECT_EQ(Result(settings, {excluding.Issue(ServerSpec({"backend.test"})), excluding}),
            "verify error: (48:excluded subtree violation) alert 46");

  CertificateSpec leaf = ServerSpec({"backend.test"});
  leaf.unknown_critical_extension = true;
  EXPECT_EQ(ResultOfLeaf(leaf), "verify error: (34:unhandled critical extension) alert 46");
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
            "verify error: (23:certificate revoked) alert 44");
  EXPECT_EQ(ResultWith(RootCrl({.revoked_serials = {1, Identities().intermediate.serial(), 2}}) +
                       IntermediateCrl()),
            "verify error: (23:certificate revoked) alert 44");
}

TEST_F(CrlTest, EveryCaOfTheChainNeedsAList) {
  EXPECT_EQ(ResultWith(RootCrl()), "verify error: (3:unable to get certificate CRL) alert 48");
  EXPECT_EQ(ResultWith(IntermediateCrl()),
            "verify error: (3:unable to get certificate CRL) alert 48");
}

TEST_F(CrlTest, AListThatHasRunOutOrIsNotYetValidIsRefused) {
  EXPECT_EQ(ResultWith(RootCrl() + IntermediateCrl({.next_update_s = NowSeconds() - 60})),
            "verify error: (12:CRL has expired) alert 45");
  EXPECT_EQ(ResultWith(RootCrl() + IntermediateCrl({.this_update_s = NowSeconds() + kDayS})),
            "verify error: (11:CRL is not yet valid) alert 45");
}

TEST_F(CrlTest, AListOfAnImpostorIsRefused) {
  const auto impostor = Certificate::SelfSigned(CaSpec("intermediate"));
  EXPECT_NE(ResultWith(RootCrl() + impostor.CrlPem({})), "trusted");
}

TEST_F(CrlTest, TrustEndsWithTheFirstList) {
  Settings settings = VerifyingSettings(Root());
  const int64_t next_update_s = NowSeconds() + 500;
  settings.crl = FileOf("crl.pem", RootCrl({.next_update_s = next_update_s}) + IntermediateCrl());
  EXPECT_EQ(Verify(settings, {Leaf(), Identities().intermediate}).trusted_until_s, next_update_s);
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
