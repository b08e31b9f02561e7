// What the tables of cases are put together from.
#ifndef SLUICE_TESTS_CERTIFICATES_CASE_PARTS_H_
#define SLUICE_TESTS_CERTIFICATES_CASE_PARTS_H_

#include <string>
#include <vector>

#include "tests/certificates/case.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {

// The CA that every client of the tables trusts unless a row says otherwise, an intermediate below
// it, and a CA with an RSA key.
const tools::Certificate& Root();
const tools::Certificate& Intermediate();
const tools::Certificate& RsaRoot();
// A server's certificate with an RSA key of 2048 bits, to make others with by ReissueBy: such a key
// takes long to find.
const tools::Certificate& RsaServer();

// Right in every respect, for "backend.test".
tools::CertificateSpec Server();
// `spec` with `change` made to it.
template <typename Change>
tools::CertificateSpec With(tools::CertificateSpec spec, Change change) {
  change(spec);
  return spec;
}

// The key is the first one's.
Presented Present(const std::vector<tools::Certificate>& chain);
// Trusts `ca`.
Demands Trusting(const tools::Certificate& ca);
// Trusts Root() and has these lists.
Demands WithCrls(const std::string& crl_pem);
// Trusts Root() for this name.
Demands Named(const std::string& name);

// "(10:certificate has expired) at depth 0", as the log has it.
std::string Error(int number, const std::string& words, int depth);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_CERTIFICATES_CASE_PARTS_H_
