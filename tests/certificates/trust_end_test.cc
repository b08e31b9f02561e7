// Trust that ends while we hold good sessions: the server would resume them, and is refused.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/certificates/case.h"
#include "tests/certificates/case_parts.h"
#include "tests/certificates/chain_server.h"
#include "tests/certificates/matrix_proxy.h"
#include "tests/support/deadline.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using tools::CaSpec;
using tools::Certificate;
using tools::NowSeconds;

// What a row's trust hangs on.
struct Ending {
  const char* name;
  Presented presented;
  Demands demands;
  std::string reason;
};

// Each holds until `end_s`.
std::vector<Ending> EndsAt(int64_t end_s) {
  const auto until = [end_s](tools::CertificateSpec spec) {
    spec.not_after_s = end_s;
    return spec;
  };
  const std::string expired = "certificate has expired";
  std::vector<Ending> ends;
  ends.push_back({"leaf expires", Present({Root().Issue(until(Server()))}), Trusting(Root()),
                  Error(10, expired, 0)});
  const auto middle = Root().Issue(until(CaSpec("intermediate")));
  ends.push_back({"intermediate expires", Present({middle.Issue(Server()), middle}),
                  Trusting(Root()), Error(10, expired, 1)});
  const auto root = Certificate::SelfSigned(until(CaSpec("short-lived root")));
  ends.push_back(
      {"root expires", Present({root.Issue(Server())}), Trusting(root), Error(10, expired, 1)});
  const auto leaf = Root().Issue(Server());
  ends.push_back({"list expires", Present({leaf}),
                  WithCrls(Root().CrlPem({.next_update_s = end_s})),
                  Error(12, "CRL has expired", 0)});
  ends.push_back({"list that revokes becomes valid", Present({leaf}),
                  WithCrls(Root().CrlPem({}) + Root().CrlPem({.revoked_serials = {leaf.serial()},
                                                              .this_update_s = end_s})),
                  Error(23, "certificate revoked", 0)});
  return ends;
}

constexpr tls::Version kVersions[] = {tls::Version::kTls12, tls::Version::kTls13};

// True if all went well before trust ended. On a machine that is too slow for that nothing is said
// about what comes after.
bool RefusesWhatItWouldHaveResumed(int64_t lifetime_s) {
  const int64_t end_s = NowSeconds() + lifetime_s;
  const TempDir dir;
  std::vector<Ending> ends;
  std::vector<std::unique_ptr<ChainServer>> servers;
  std::vector<MatrixProxy::Row> rows;
  for (const Ending& end : EndsAt(end_s)) {
    for (const tls::Version version : kVersions) {
      ends.push_back(end);
      servers.push_back(std::make_unique<ChainServer>(
          version, absl::StrCat("unix:", dir.File(absl::StrCat(servers.size(), ".sock")))));
      servers.back()->Show(end.presented, ChainServer::Tickets::kGiven);
    }
  }
  for (size_t i = 0; i < ends.size(); ++i) {
    rows.push_back({&ends[i].demands, servers[i]->address()});
  }
  MatrixProxy proxy(rows);
  std::vector<MatrixProxy::Result> before;
  for (size_t connection = 1; connection <= 2; ++connection) {
    for (size_t i = 0; i < rows.size(); ++i) {
      before.push_back(proxy.Connect(i));
      servers[i]->WaitForAttempts(connection);
    }
  }
  if (NowSeconds() >= end_s) return false;
  for (const MatrixProxy::Result result : before) {
    EXPECT_EQ(MatrixProxy::Result::kAccepted, result);
  }

  // Past the second in which a list "becomes valid".
  EXPECT_TRUE(Eventually([end_s] { return NowSeconds() > end_s; }));
  for (size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(absl::StrCat(ends[i].name, ", ", tls::VersionName(kVersions[i % 2])));
    EXPECT_EQ(MatrixProxy::Result::kRefused, proxy.Connect(i));
    const auto attempts = servers[i]->WaitForAttempts(3);
    EXPECT_TRUE(attempts[1].resumed);
    EXPECT_FALSE(attempts[2].handshake_done);
    EXPECT_EQ("", attempts[2].plaintext);
  }
  const auto errors = proxy.StopAndGetErrors();
  for (size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(absl::StrCat(ends[i].name, ", ", tls::VersionName(kVersions[i % 2])));
    EXPECT_EQ(1u, errors[i].size());
    for (const std::string& error : errors[i]) {
      EXPECT_TRUE(absl::StrContains(error, ends[i].reason)) << error;
    }
  }
  return true;
}

TEST(TrustEndTest, ASessionDoesNotOutliveTheTrustItWasGivenUnder) {
  int64_t lifetime_s = 3;
  while (!RefusesWhatItWouldHaveResumed(lifetime_s)) {
    lifetime_s *= 2;
    ASSERT_LE(lifetime_s, kPatience.count());
  }
}

TEST(TrustEndTest, AServerThatHasANewCertificateIsGoodAgain) {
  int64_t lifetime_s = 3;
  for (bool in_time = false; !in_time; lifetime_s *= 2) {
    ASSERT_LE(lifetime_s, kPatience.count());
    const int64_t end_s = NowSeconds() + lifetime_s;
    const TempDir dir;
    ChainServer server(tls::Version::kTls13, absl::StrCat("unix:", dir.File("server.sock")));
    tools::CertificateSpec spec = Server();
    spec.not_after_s = end_s;
    server.Show(Present({Root().Issue(spec)}), ChainServer::Tickets::kGiven);
    const Demands demands = Trusting(Root());
    const MatrixProxy proxy({{&demands, server.address()}});
    in_time = proxy.Connect(0) == MatrixProxy::Result::kAccepted && NowSeconds() < end_s;
    if (!in_time) continue;
    server.Renew(Present({Root().Issue(Server())}));
    EXPECT_TRUE(Eventually([end_s] { return NowSeconds() >= end_s; }));
    // The ticket's chain has expired; the server would still take the ticket.
    EXPECT_EQ(MatrixProxy::Result::kAccepted, proxy.Connect(0));
    EXPECT_FALSE(server.WaitForAttempts(2)[1].resumed);
    EXPECT_EQ(MatrixProxy::Result::kAccepted, proxy.Connect(0));
    EXPECT_TRUE(server.WaitForAttempts(3)[2].resumed);
  }
}

}  // namespace
}  // namespace sluice::testing
