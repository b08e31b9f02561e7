#include "tls/posture.h"

#include <openssl/err.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/testing/test_identities.h"
#include "tools/certificate_maker.h"

namespace sluice::tls {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tools::Certificate;
using tools::CertificateSpec;
using tools::kDayS;

constexpr int64_t kNowS = 1'800'000'000;  // 2027-01-15 08:00:00 UTC.

// `spec`, valid for the given days seen from kNowS.
CertificateSpec Valid(CertificateSpec spec, int from_day, int to_day) {
  spec.not_before_s = kNowS + from_day * kDayS;
  spec.not_after_s = kNowS + to_day * kDayS;
  return spec;
}

std::string CaPem(const std::string& name, int from_day, int to_day) {
  return Certificate::SelfSigned(Valid(tools::CaSpec(name), from_day, to_day)).pem();
}
std::string ClientPem(int from_day, int to_day) {
  return Certificate::SelfSigned(Valid(tools::ClientSpec("client"), from_day, to_day)).pem();
}

std::vector<std::string> Check(const Settings& settings, Field field) {
  std::vector<std::string> messages;
  for (const Problem& problem : CheckPosture(settings, kNowS)) {
    EXPECT_FALSE(problem.fatal) << problem.message;
    EXPECT_EQ(problem.field, field) << problem.message;
    messages.push_back(problem.message);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
  return messages;
}
std::vector<std::string> OfClient(const std::string& pem) {
  Settings settings;
  settings.certificate = FileOf("client.pem", pem);
  return Check(settings, Field::kCertificate);
}
std::vector<std::string> OfCas(const std::string& pem, bool verify = true) {
  Settings settings;
  settings.verify = verify;
  settings.trusted_certificate = FileOf("ca.pem", pem);
  return Check(settings, Field::kTrustedCertificate);
}

TEST(PostureTest, NothingIsSaidOfWhatIsGoodForLong) {
  EXPECT_THAT(CheckPosture(Settings(), kNowS), IsEmpty());
  EXPECT_THAT(CheckPosture(ServerSettings(), kNowS), IsEmpty());
  EXPECT_THAT(OfClient(ClientPem(-1, 31)), IsEmpty());
  EXPECT_THAT(OfCas(CaPem("root", -1, 31)), IsEmpty());
}

TEST(PostureTest, ClientCertificateThatHasExpiredIsNamedWithItsDay) {
  EXPECT_THAT(OfClient(ClientPem(-100, -10)),
              ElementsAre("the certificate \"CN=client\" in \"client.pem\" expired on 2027-01-05 "
                          "(10 days ago): upstreams that verify it refuse it; renew it"));
}

TEST(PostureTest, ClientCertificateThatExpiresSoonIsNamedWithItsDay) {
  EXPECT_THAT(OfClient(ClientPem(-100, 29)),
              ElementsAre("the certificate \"CN=client\" in \"client.pem\" expires on 2027-02-13 "
                          "(in 29 days): renew it in time"));
  EXPECT_THAT(OfClient(ClientPem(-100, 1)), ElementsAre(HasSubstr("(in 1 day)")));
  EXPECT_THAT(OfClient(ClientPem(-100, 0)), ElementsAre(HasSubstr("(within a day)")));
}

TEST(PostureTest, ClientCertificateOfTheFutureIsNamedWithItsDay) {
  EXPECT_THAT(OfClient(ClientPem(2, 400)),
              ElementsAre(AllOf(HasSubstr("\"CN=client\" in \"client.pem\" becomes valid on "
                                          "2027-01-17 (in 2 days)"),
                                HasSubstr("clock"))));
}

TEST(PostureTest, EachCertificateOfAChainIsLookedAt) {
  const Certificate root = Certificate::SelfSigned(Valid(tools::CaSpec("root"), -1, 400));
  const Certificate intermediate = root.Issue(Valid(tools::CaSpec("intermediate"), -1, 3));
  const Certificate client = intermediate.Issue(Valid(tools::ClientSpec("client"), -1, 2));
  EXPECT_THAT(OfClient(client.chain_pem()),
              ElementsAre(HasSubstr("\"CN=client\""), HasSubstr("\"CN=intermediate\"")));
}

TEST(PostureTest, ACertificateWithoutASubjectIsNamedByItsFile) {
  CertificateSpec spec = Valid(tools::ClientSpec("client"), -100, -10);
  spec.common_name = "";
  EXPECT_THAT(OfClient(Certificate::SelfSigned(spec).pem()),
              ElementsAre(HasSubstr("the certificate in \"client.pem\" expired")));
}

TEST(PostureTest, EachOfAFewCasIsNamed) {
  EXPECT_THAT(OfCas(CaPem("old", -100, -40) + CaPem("good", -1, 400) + CaPem("next", -100, 20)),
              ElementsAre(AllOf(HasSubstr("the CA \"CN=old\" in \"ca.pem\" expired on 2026-12-06 "
                                          "(40 days ago)"),
                                HasSubstr("not trusted; renew it")),
                          HasSubstr("the CA \"CN=next\" in \"ca.pem\" expires on 2027-02-04")));
}

TEST(PostureTest, SingleCasOfABundleAreNot) {
  std::string bundle = CaPem("good", -1, 400);
  for (int i = 0; i < kOwnCasMax; ++i) bundle += CaPem(absl::StrCat("old ", i), -100, -40);
  EXPECT_THAT(OfCas(bundle), IsEmpty());
}

TEST(PostureTest, ABundleInWhichEveryCaHasExpiredIsNamed) {
  std::string bundle;
  for (int i = 0; i <= kOwnCasMax; ++i) bundle += CaPem(absl::StrCat("old ", i), -100, -40);
  EXPECT_THAT(OfCas(bundle), ElementsAre(HasSubstr("every CA in \"ca.pem\" has expired")));
}

TEST(PostureTest, AFileWithoutAnyCaIsTold) {
  const std::string server =
      Certificate::SelfSigned(Valid(tools::ServerSpec({"backend.test"}), -1, 400)).pem();
  EXPECT_THAT(OfCas(server),
              ElementsAre(AllOf(HasSubstr("no certificate in \"ca.pem\" is a CA"),
                                HasSubstr("basicConstraints CA:TRUE"), HasSubstr("expected"))));
  EXPECT_THAT(OfCas(server + CaPem("root", -1, 400)), IsEmpty());
  EXPECT_THAT(OfCas(ClientPem(-100, -10)), SizeIs(2));
}

TEST(PostureTest, ALeafThatIsTrustedIsToldWhetherItCanVouchForItself) {
  const Certificate root = Certificate::SelfSigned(Valid(tools::CaSpec("root"), -1, 400));
  const auto spec = Valid(tools::ServerSpec({"backend.test"}), -1, 400);
  EXPECT_THAT(OfCas(Certificate::SelfSigned(spec).pem()),
              ElementsAre(HasSubstr("it can vouch for nobody but itself;")));
  EXPECT_THAT(OfCas(root.Issue(spec).pem()),
              ElementsAre(HasSubstr("it can vouch for nobody, and not even for itself because "
                                    "another one has issued it;")));
}

TEST(PostureTest, ARootThatIsOneByItsKeyUsageIsACa) {
  CertificateSpec spec = Valid(tools::CaSpec("old style"), -1, 400);
  spec.is_ca.reset();
  EXPECT_THAT(OfCas(Certificate::SelfSigned(spec).pem()), IsEmpty());
}

TEST(PostureTest, WeakKeysOfAllCasAreTold) {
  CertificateSpec spec = Valid(tools::CaSpec("weak"), -1, 400);
  spec.key_kind = tools::KeyKind::kRsa1024;
  const std::string rsa = Certificate::SelfSigned(spec).pem();
  EXPECT_THAT(OfCas(rsa),
              ElementsAre("no CA in \"ca.pem\" has a key that is strong enough: \"CN=weak\" has an "
                          "RSA key of 1024 bits where 2048 are required; no upstream is trusted; "
                          "replace it, or set proxy_ssl_verify_legacy on"));
  spec.key_kind = tools::KeyKind::kP224;
  EXPECT_THAT(OfCas(Certificate::SelfSigned(spec).pem()),
              ElementsAre(HasSubstr("a key on a curve of 224 bits")));
  EXPECT_THAT(OfCas(rsa + CaPem("strong", -1, 400)), IsEmpty());
  Settings settings;
  settings.verify = true;
  settings.verify_legacy = true;
  settings.trusted_certificate = FileOf("ca.pem", rsa);
  EXPECT_THAT(CheckPosture(settings, kNowS), IsEmpty());
}

class PostureCrlTest : public ::testing::Test {
 protected:
  static std::string Crl(const Certificate& ca, int from_day, int to_day) {
    return ca.CrlPem(
        {.this_update_s = kNowS + from_day * kDayS, .next_update_s = kNowS + to_day * kDayS});
  }
  std::vector<std::string> OfCrl(const std::string& pem) {
    settings_.crl = FileOf("crl.pem", pem);
    return Check(settings_, Field::kCrl);
  }

  const Certificate root_ = Certificate::SelfSigned(Valid(tools::CaSpec("root"), -1, 400));
  const Certificate other_ = Certificate::SelfSigned(Valid(tools::CaSpec("other"), -1, 400));
  Settings settings_ = [this] {
    Settings settings;
    settings.verify = true;
    settings.trusted_certificate = FileOf("ca.pem", root_.pem());
    return settings;
  }();
};

TEST_F(PostureCrlTest, OnlyOfStrangersIsTold) {
  EXPECT_THAT(OfCrl(Crl(root_, -1, 30)), IsEmpty());
  EXPECT_THAT(OfCrl(Crl(other_, -1, 30) + Crl(root_, -1, 30)), IsEmpty());
  EXPECT_THAT(OfCrl(Crl(other_, -1, 30)),
              ElementsAre("no CRL in \"crl.pem\" is of a CA in proxy_ssl_trusted_certificate: "
                          "every upstream is refused; add the one that each CA issues"));
  EXPECT_THAT(OfCrl("no PEM"), IsEmpty());
}

TEST_F(PostureCrlTest, OnlyOfTheFutureIsTold) {
  EXPECT_THAT(
      OfCrl(Crl(root_, 3, 30) + Crl(root_, 2, 30)),
      ElementsAre(
          "no CRL in \"crl.pem\" is valid yet, the first one becomes so on 2027-01-17 (in 2 "
          "days): until then every upstream is refused; look at this machine's "
          "clock"));
  EXPECT_THAT(OfCrl(Crl(root_, 3, 30) + Crl(root_, -1, 30)), IsEmpty());
}

TEST(PostureTest, SignatureAlgorithmsThatFewUpstreamsHaveAreTold) {
  const auto of = [](const std::string& algorithms, Version max_version) {
    Settings settings;
    settings.signature_algorithms = algorithms;
    settings.max_version = max_version;
    return Check(settings, Field::kSignatureAlgorithms);
  };
  EXPECT_THAT(of("RSA+SHA1:ECDSA+SHA1", Version::kTls12),
              ElementsAre(HasSubstr("\"RSA+SHA1:ECDSA+SHA1\" are all over SHA-1")));
  EXPECT_THAT(of("RSA+SHA1:ECDSA+SHA256", Version::kTls13), IsEmpty());
  EXPECT_THAT(of("RSA+SHA256:RSA+SHA1", Version::kTls13),
              ElementsAre(HasSubstr("hold none that TLS 1.3 can use")));
  EXPECT_THAT(of("RSA+SHA256", Version::kTls12), IsEmpty());
  EXPECT_THAT(of("RSA-PSS+SHA256", Version::kTls13), IsEmpty());
  EXPECT_THAT(of("nonsense", Version::kTls13), IsEmpty());  // CheckSettings tells that.
}

TEST(PostureTest, CasThatNobodyIsVerifiedByAreNoMatter) {
  EXPECT_THAT(OfCas(CaPem("old", -100, -40), /*verify=*/false), IsEmpty());
}

TEST(PostureTest, WhatCannotBeReadIsLeftToOthers) {
  EXPECT_THAT(OfClient("no PEM"), IsEmpty());
  EXPECT_THAT(OfCas("no PEM"), IsEmpty());
}

TEST(PostureTest, NamesCannotHoldControlCharacters) {
  const std::string pem =
      Certificate::SelfSigned(Valid(tools::ClientSpec("a\x1b[31m\n"), -100, -10)).pem();
  const std::vector<std::string> messages = OfClient(pem);
  ASSERT_THAT(messages, SizeIs(1));
  for (const char c : messages[0]) EXPECT_GE(c, 0x20) << messages[0];
}

TEST(PostureTest, ServersCertificatesAndTheCasOfClientsAreLookedAtToo) {
  ServerSettings settings;
  settings.identities = {{.certificate = FileOf("good.pem", ClientPem(-1, 400))},
                         {.certificate = FileOf("late.pem", ClientPem(-10, -2))}};
  settings.client_certificate = FileOf("clients.pem", CaPem("root", -1, 8));
  std::vector<Problem> problems = CheckPosture(settings, kNowS);
  ASSERT_THAT(problems, SizeIs(1)) << "clients are not verified";
  EXPECT_EQ(problems[0].index, 1);
  EXPECT_EQ(problems[0].message,
            "the certificate \"CN=client\" in \"late.pem\" expired on 2027-01-13 (2 days ago): "
            "clients that verify it refuse it; renew it");
  settings.verify_client = ClientVerification::kOptional;
  problems = CheckPosture(settings, kNowS);
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_EQ(problems[1].field, Field::kClientCertificate);
  EXPECT_THAT(problems[1].message, HasSubstr("expires on 2027-01-23 (in 8 days)"));
}

}  // namespace
}  // namespace sluice::tls
