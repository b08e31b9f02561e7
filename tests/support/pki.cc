#include "tests/support/pki.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

using tools::Certificate;

void WritePair(const TempDir& dir, std::string_view name, const Certificate& certificate) {
  dir.Write(absl::StrCat(name, ".crt"), certificate.chain_pem());
  dir.Write(absl::StrCat(name, ".key"), certificate.key_pem());
}

}  // namespace

Pki::Pki() {
  const Certificate ca = Certificate::SelfSigned(tools::CaSpec("ca"));
  const Certificate other_ca = Certificate::SelfSigned(tools::CaSpec("other_ca"));
  dir_.Write("ca.crt", ca.pem());
  dir_.Write("other_ca.crt", other_ca.pem());

  const tools::CertificateSpec server = tools::ServerSpec({"backend"});
  tools::CertificateSpec expired = server;
  expired.not_before_s = tools::NowSeconds() - 2 * tools::kDayS;
  expired.not_after_s = tools::NowSeconds() - tools::kDayS;
  const Certificate revoked = ca.Issue(server);
  WritePair(dir_, "server", ca.Issue(server));
  WritePair(dir_, "expired", ca.Issue(expired));
  WritePair(dir_, "revoked", revoked);
  WritePair(dir_, "client", ca.Issue(tools::ClientSpec("sluice")));
  WritePair(dir_, "stranger", other_ca.Issue(server));
  dir_.Write("crl.pem", ca.CrlPem({.revoked_serials = {revoked.serial()}}));
}

std::string Pki::NginxServer(std::string_view name) const {
  return absl::Substitute("ssl_certificate $0; ssl_certificate_key $1;",
                          File(absl::StrCat(name, ".crt")), File(absl::StrCat(name, ".key")));
}

}  // namespace sluice::testing
