// Every bad certificate is refused and every good one accepted: in TLS 1.2 and 1.3, cold and with
// a good session for the same server and identity at hand, by the real binary on real sockets.
#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/certificates/case.h"
#include "tests/certificates/chain_server.h"
#include "tests/certificates/matrix_proxy.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using Attempt = ChainServer::Attempt;
using Result = MatrixProxy::Result;
using Tickets = ChainServer::Tickets;

struct Row {
  Case test;
  tls::Version version;
  std::unique_ptr<ChainServer> server;

  std::string name() const { return absl::StrCat(test.name, ", ", tls::VersionName(version)); }
  const std::string& reason() const {
    return version == tls::Version::kTls13 && !test.reason_tls13.empty() ? test.reason_tls13
                                                                         : test.reason;
  }
};

class CertificateMatrixTest : public ::testing::Test {
 protected:
  void Prepare(const std::vector<std::vector<Case>>& tables) {
    for (const auto& cases : tables) {
      for (const Case& test : cases) {
        for (const tls::Version version : {tls::Version::kTls12, tls::Version::kTls13}) {
          const std::string address =
              absl::StrCat("unix:", dir_.File(absl::StrCat(rows_.size(), ".sock")));
          rows_.push_back({test, version, std::make_unique<ChainServer>(version, address)});
        }
      }
    }
    std::vector<MatrixProxy::Row> proxied;
    for (const Row& row : rows_) proxied.push_back({&row.test.demands, row.server->address()});
    proxy_ = std::make_unique<MatrixProxy>(proxied);
  }

  const TempDir dir_;
  std::vector<Row> rows_;
  std::unique_ptr<MatrixProxy> proxy_;
};

TEST_F(CertificateMatrixTest, EveryBadOneIsRefusedWithItsReasonAndNoClientByte) {
  Prepare({BadChains(), BadNames()});
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    SCOPED_TRACE(row.name());
    row.server->Show(row.test.presented, Tickets::kNone);
    EXPECT_EQ(Result::kRefused, proxy_->Connect(i));
    row.server->WaitForAttempts(1);
    // The refusal has done no harm to a good server, and leaves us with a session of it.
    row.server->Show(GoodFor(row.test.demands), Tickets::kGiven);
    EXPECT_EQ(Result::kAccepted, proxy_->Connect(i));
    row.server->WaitForAttempts(2);
    row.server->Show(row.test.presented, Tickets::kNone);
    EXPECT_EQ(Result::kRefused, proxy_->Connect(i));

    const std::vector<Attempt> attempts = row.server->WaitForAttempts(3);
    EXPECT_FALSE(attempts[0].session_offered);
    EXPECT_FALSE(attempts[1].session_offered) << "a refused server left a session";
    EXPECT_TRUE(attempts[2].session_offered) << "the case with a good session was none";
    for (const int bad : {0, 2}) {
      EXPECT_FALSE(attempts[bad].handshake_done);
      EXPECT_EQ("", attempts[bad].plaintext);
    }
    EXPECT_TRUE(attempts[1].handshake_done);
  }

  int num_refused = 0;
  const auto errors = proxy_->StopAndGetErrors();
  for (size_t i = 0; i < rows_.size(); ++i) {
    SCOPED_TRACE(rows_[i].name());
    EXPECT_EQ(2u, errors[i].size());
    for (const std::string& error : errors[i]) {
      EXPECT_TRUE(absl::StrContains(error, rows_[i].reason()))
          << "without \"" << rows_[i].reason() << "\":\n"
          << error;
      ++num_refused;
    }
  }
  const size_t num_cases = rows_.size() / 2;
  EXPECT_GE(num_cases, 46u);
  std::cout << num_refused << " bad refused: " << num_cases
            << " cases in TLS 1.2 and 1.3, cold and with a good session\n";
}

TEST_F(CertificateMatrixTest, EveryGoodOneIsAcceptedAndItsSessionResumed) {
  Prepare({GoodCases()});
  int num_accepted = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    SCOPED_TRACE(row.name());
    row.server->Show(row.test.presented, Tickets::kGiven);
    for (size_t attempt = 1; attempt <= 2; ++attempt) {
      const Result result = proxy_->Connect(i);
      EXPECT_EQ(Result::kAccepted, result);
      if (result == Result::kAccepted) ++num_accepted;
      row.server->WaitForAttempts(attempt);
    }
    const std::vector<Attempt> attempts = row.server->WaitForAttempts(2);
    EXPECT_FALSE(attempts[0].resumed);
    EXPECT_TRUE(attempts[1].resumed);
  }
  const auto errors = proxy_->StopAndGetErrors();
  for (size_t i = 0; i < rows_.size(); ++i) {
    SCOPED_TRACE(rows_[i].name());
    EXPECT_TRUE(errors[i].empty()) << errors[i].front();
  }
  const size_t num_cases = rows_.size() / 2;
  EXPECT_GE(num_cases, 18u);
  std::cout << num_accepted << " good accepted: " << num_cases
            << " cases in TLS 1.2 and 1.3, cold and with their session\n";
}

}  // namespace
}  // namespace sluice::testing
