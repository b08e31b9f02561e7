// Good chains that are somebody else's.
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/certificates/case.h"
#include "tests/certificates/case_parts.h"

namespace sluice::testing {
namespace {

using tools::CertificateSpec;
using tools::ServerSpec;

Case Mismatch(std::string name, const std::string& wanted, const CertificateSpec& leaf) {
  return {.name = std::move(name),
          .presented = Present({Root().Issue(leaf)}),
          .demands = Named(wanted),
          .reason =
              absl::StrCat("upstream SSL certificate does not match \"", wanted, "\", subject \"")};
}

}  // namespace

std::vector<Case> BadNames() {
  const auto common_name = [](std::string text) {
    CertificateSpec spec = ServerSpec({});
    spec.common_name = std::move(text);
    return spec;
  };
  const auto names = [&](auto change) { return With(common_name("server"), change); };
  return {
      Mismatch("other name", "backend.test", ServerSpec({"other.test"})),
      Mismatch("name is a part of the certificate's", "backend.test",
               ServerSpec({"a.backend.test"})),
      Mismatch("certificate's name is a part of the name", "a.backend.test",
               ServerSpec({"backend.test"})),
      Mismatch(
          "common name matches, alternative names do not", "backend.test",
          With(common_name("backend.test"), [](auto& spec) { spec.dns_names = {"other.test"}; })),
      Mismatch("other common name", "backend.test", common_name("other.test")),
      Mismatch("no name at all", "backend.test", common_name("")),
      Mismatch("wildcard for two labels", "a.b.backend.test", ServerSpec({"*.backend.test"})),
      Mismatch("wildcard for no label", "backend.test", ServerSpec({"*.backend.test"})),
      Mismatch("wildcard for a top level domain", "backend.test", ServerSpec({"*.test"})),
      Mismatch("wildcard for everything", "backend.test", ServerSpec({"*"})),
      Mismatch("wildcard in part of a label", "backend.one.test", ServerSpec({"back*.one.test"})),
      Mismatch("wildcard in the second label", "a.b.backend.test",
               ServerSpec({"a.*.backend.test"})),
      Mismatch("wildcard for an address", "127.0.0.1",
               names([](auto& spec) { spec.dns_names = {"*.0.0.1"}; })),
      Mismatch("NUL behind the name", "backend.test", names([](auto& spec) {
                 spec.dns_names = {std::string("backend.test\0.evil", 18)};
               })),
      Mismatch("NUL in the common name", "backend.test",
               common_name(std::string("backend.test\0.evil", 18))),
      Mismatch("name as a URI", "backend.test",
               names([](auto& spec) { spec.uris = {"https://backend.test"}; })),
      Mismatch("name as a mail address", "backend.test",
               names([](auto& spec) { spec.emails = {"backend.test"}; })),
      Mismatch("name, but addresses only", "backend.test", ServerSpec({"127.0.0.1"})),
      Mismatch("address as a DNS name", "127.0.0.1",
               names([](auto& spec) { spec.dns_names = {"127.0.0.1"}; })),
      Mismatch("address as the common name", "127.0.0.1", common_name("127.0.0.1")),
      Mismatch("other address", "127.0.0.1", ServerSpec({"127.0.0.2"})),
      Mismatch("other IPv6 address", "::1", ServerSpec({"::2"})),
      Mismatch("IPv4 address in IPv6 form", "127.0.0.1", ServerSpec({"::ffff:127.0.0.1"})),
      Mismatch("international name in its Unicode form", "xn--bcher-kva.test",
               names([](auto& spec) {
                 spec.dns_names = {
                     "b\xc3\xbc"
                     "cher.test"};
               })),
      Mismatch("name with a space", "backend.test",
               names([](auto& spec) { spec.dns_names = {"backend.test "}; })),
  };
}

}  // namespace sluice::testing
