#include "tls/fingerprint.h"

#include <functional>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

TEST(FingerprintTest, EveryFieldThatDecidesIdentityOrTrustChangesIt) {
  const std::vector<std::function<void(Settings&)>> changes = {
      [](Settings&) {},
      [](Settings& s) {
        s.certificate = {"a", "x"};
      },
      [](Settings& s) {
        s.certificate_key = {"a", "x"};
      },
      [](Settings& s) {
        s.trusted_certificate = {"a", "x"};
      },
      [](Settings& s) {
        s.trusted_certificate = {"a", "y"};
      },
      [](Settings& s) {
        s.trusted_certificate = {"a", ""};
      },
      [](Settings& s) {
        s.crl = {"a", "x"};
      },
      [](Settings& s) { s.passwords = {"xy"}; },
      [](Settings& s) {
        s.passwords = {"x", "y"};
      },
      [](Settings& s) { s.min_version = Version::kTls11; },
      [](Settings& s) { s.max_version = Version::kTls12; },
      [](Settings& s) { s.ciphers = "HIGH"; },
      [](Settings& s) { s.verify = true; },
      [](Settings& s) { s.verify_depth = 2; },
      [](Settings& s) { s.name = "x"; },
      [](Settings& s) { s.send_server_name = true; },
      [](Settings& s) { s.verify_legacy = true; },
      [](Settings& s) { s.groups = "P-256"; },
      [](Settings& s) { s.signature_algorithms = "P-256"; },
      [](Settings& s) { s.alpn = {"h2"}; },
      [](Settings& s) {
        s.alpn = {"h2", "x"};
      },
      [](Settings& s) {
        s.alpn = {"x", "h2"};
      },
      [](Settings& s) { s.ticket_use = TicketUse::kSingleUse; },
      [](Settings& s) { s.session_cache_bytes = 1; },
      // Bytes that move from one field to its neighbour.
      [](Settings& s) { s.ciphers = "DEFAULTx", s.name = "y"; },
      [](Settings& s) { s.ciphers = "DEFAULT", s.name = "xy"; },
  };
  std::set<Fingerprint> fingerprints;
  for (const auto& change : changes) {
    Settings settings;
    change(settings);
    fingerprints.insert(FingerprintOf(settings));
  }
  EXPECT_EQ(fingerprints.size(), changes.size());
}

TEST(FingerprintTest, PathsAndWhetherToReuseOrToLogSecretsDoNotCount) {
  Settings one;
  one.trusted_certificate = {"/etc/a.pem", "contents"};
  Settings two;
  two.trusted_certificate = {"/etc/b.pem", "contents"};
  two.session_reuse = false;
  two.key_log_path = "/var/log/keys";
  EXPECT_EQ(FingerprintOf(one), FingerprintOf(two));
}

}  // namespace
}  // namespace sluice::tls
