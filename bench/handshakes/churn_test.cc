#include "bench/handshakes/churn.h"

#include "gtest/gtest.h"
#include "tests/support/tcp_server.h"

namespace sluice::bench {
namespace {

TEST(ChurnTest, EveryConnectionSendsItsRequestAndReadsItsResponse) {
  testing::TcpServer server(testing::Echo);
  const ChurnResult result = Churn(server.address(), 100, 7, "request", 7);
  EXPECT_EQ(result.num_completed, 100);
  EXPECT_EQ(result.num_failed, 0);
  EXPECT_GT(result.seconds, 0);
  EXPECT_EQ(server.num_accepted(), 100);
}

TEST(ChurnTest, ConnectionThatEndsBeforeItsResponseHasFailed) {
  testing::TcpServer server(testing::Greet("short"));
  const ChurnResult result = Churn(server.address(), 3, 2, "request", 100);
  EXPECT_EQ(result.num_completed, 0);
  EXPECT_EQ(result.num_failed, 3);
}

}  // namespace
}  // namespace sluice::bench
