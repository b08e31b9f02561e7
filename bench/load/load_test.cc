// load_client against load_upstream, with nothing between.
#include <signal.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/free_port.h"
#include "tests/support/pki.h"

namespace sluice::bench {
namespace {

using testing::ChildProcess;
using testing::Finished;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RunToEnd;
using Flags = std::vector<std::string>;

constexpr char kClient[] = "bench/load/load_client";
constexpr char kUpstream[] = "bench/load/load_upstream";

Flags Concat(Flags flags, const Flags& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

class Upstream {
 public:
  explicit Upstream(const Flags& flags) : child_(Concat({kUpstream}, flags)) {
    EXPECT_TRUE(child_.WaitForOutput("port ")) << child_.Output();
    EXPECT_TRUE(child_.WaitForOutput("\n"));
    const std::string output = child_.Output();
    target_ = absl::StrCat("--target=127.0.0.1:", output.substr(5, output.find('\n') - 5));
  }

  const std::string& target() const { return target_; }
  std::string Totals() {
    child_.Signal(SIGTERM);
    EXPECT_EQ(child_.Wait(), 0) << child_.Output();
    return child_.Output();
  }

 private:
  ChildProcess child_;
  std::string target_;
};

// How the bytes travel: plain, or by a version of TLS.
class LoadTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  bool tls() const { return GetParam() != "plain"; }
  Flags UpstreamFlags(const Flags& flags) const {
    if (!tls()) return flags;
    return Concat(flags, {absl::StrCat("--tls_certificate=", pki_.File("server.crt")),
                          absl::StrCat("--tls_key=", pki_.File("server.key"))});
  }
  Flags ClientFlags(const Flags& flags) const {
    if (!tls()) return flags;
    return Concat(flags, {"--tls", absl::StrCat("--tls_max_version=", GetParam())});
  }

  // 200 exchanges: none fails, and both ends count the same.
  void ExpectGood(const Flags& flags, int num_warmup, uint64_t request_bytes,
                  uint64_t response_bytes, const Flags& upstream_flags = {}) {
    Upstream upstream(UpstreamFlags(upstream_flags));
    const Finished client =
        RunToEnd(ClientFlags(Concat({kClient, upstream.target(), "--exchanges=200",
                                     absl::StrCat("--request_bytes=", request_bytes),
                                     absl::StrCat("--response_bytes=", response_bytes)},
                                    flags)));
    EXPECT_EQ(client.exit_code, 0) << client.output;
    EXPECT_THAT(client.output,
                HasSubstr(absl::StrCat("{\"exchanges\":200,\"failed\":0,\"mismatched\":0,"
                                       "\"request_bytes\":",
                                       200 * request_bytes,
                                       ",\"response_bytes\":", 200 * response_bytes, ",")));
    const uint64_t num_all = 200 + static_cast<uint64_t>(num_warmup);
    EXPECT_THAT(
        upstream.Totals(),
        HasSubstr(absl::StrCat(
            "\"exchanges\":", num_all, ",\"request_bytes\":", num_all * request_bytes,
            ",\"response_bytes\":", num_all * response_bytes, ",\"mismatches\":0,\"errors\":0,")));
  }

  const testing::Pki pki_;
};

INSTANTIATE_TEST_SUITE_P(Transports, LoadTest, ::testing::Values("plain", "TLSv1.2", "TLSv1.3"),
                         [](const auto& info) {
                           std::string name(info.param);
                           std::erase(name, '.');
                           return name;
                         });

TEST_P(LoadTest, SmallExchanges) { ExpectGood({"--connections=7"}, 0, 30, 1000); }

TEST_P(LoadTest, WarmupIsNotCounted) {
  ExpectGood({"--connections=300", "--warmup_exchanges=500"}, 500, 0, 1);
}

TEST_P(LoadTest, BulkBothWaysByTurns) { ExpectGood({"--connections=3"}, 0, 1'000'000, 1'000'000); }

TEST_P(LoadTest, BulkBothWaysAtOnce) {
  ExpectGood({"--connections=3", "--respond_at_once"}, 0, 1'000'000, 1'000'000);
}

TEST_P(LoadTest, SmallRecords) {
  ExpectGood({"--connections=3"}, 0, 10, 300'000, {"--record_bytes=100"});
}

TEST_P(LoadTest, OpenLoop) {
  ExpectGood({"--connections=5", "--rate=2000", "--warmup_exchanges=5"}, 5, 10, 10);
}

TEST_P(LoadTest, NewConnections) {
  ExpectGood({"--connections=9", "--new_connections", "--warmup_exchanges=50"}, 50, 10, 20'000);
}

TEST_P(LoadTest, NewConnectionsInAnOpenLoop) {
  ExpectGood({"--connections=9", "--new_connections", "--rate=1000"}, 0, 10, 20'000);
}

TEST_P(LoadTest, BulkRateIsKept) {
  Upstream upstream(UpstreamFlags({}));
  // 20 MB at 40 MB/s.
  const Finished client = RunToEnd(ClientFlags(
      {kClient, upstream.target(), "--exchanges=10", "--connections=2", "--request_bytes=1000000",
       "--response_bytes=1000000", "--bulk_rate_bytes=40000000"}));
  EXPECT_EQ(client.exit_code, 0) << client.output;
  EXPECT_THAT(client.output, Not(HasSubstr("\"seconds\":0.0")));
  EXPECT_THAT(client.output, Not(HasSubstr("\"seconds\":0.1")));
  EXPECT_THAT(client.output, Not(HasSubstr("\"seconds\":0.2")));
}

TEST_P(LoadTest, IdleConnectionsAreHeldAndThenUsed) {
  Upstream upstream(UpstreamFlags({}));
  const Flags flags = ClientFlags(
      {kClient, upstream.target(), "--connections=300", "--exchanges=300", "--idle", "--wait"});
  const Finished client =
      RunToEnd({"sh", "-c", absl::StrCat("printf 'go\\nend\\n' | ", absl::StrJoin(flags, " "))});
  EXPECT_EQ(client.exit_code, 0) << client.output;
  EXPECT_TRUE(absl::StartsWith(client.output, "ready\ndone\n{\"exchanges\":300,\"failed\":0,"))
      << client.output;
  EXPECT_THAT(upstream.Totals(),
              AllOf(HasSubstr("{\"connections\":300,"), HasSubstr("\"exchanges\":600,")));
}

TEST_P(LoadTest, SessionsAreResumed) {
  Upstream upstream(UpstreamFlags({}));
  const Finished client =
      RunToEnd(ClientFlags({kClient, upstream.target(), "--exchanges=10", "--new_connections"}));
  EXPECT_EQ(client.exit_code, 0) << client.output;
  EXPECT_THAT(upstream.Totals(), HasSubstr(tls() ? "\"handshakes\":10,\"resumed\":9,"
                                                 : "\"handshakes\":0,\"resumed\":0,"));
}

TEST_P(LoadTest, AWrongByteOfAResponseIsFound) {
  for (const int at : {0, 70'000, 99'999}) {
    Upstream upstream(UpstreamFlags({absl::StrCat("--corrupt_byte_at=", at)}));
    const Finished client = RunToEnd(
        ClientFlags({kClient, upstream.target(), "--exchanges=2", "--response_bytes=100000"}));
    EXPECT_EQ(client.exit_code, 1);
    EXPECT_THAT(client.output,
                AllOf(HasSubstr("{\"exchanges\":0,\"failed\":2,\"mismatched\":2,"),
                      HasSubstr(absl::StrCat("byte ", at, " of a response is wrong"))));
  }
}

TEST_P(LoadTest, AWrongByteOfARequestIsFound) {
  for (const int at : {0, 70'000, 99'999}) {
    Upstream upstream(UpstreamFlags({}));
    const Finished client =
        RunToEnd(ClientFlags({kClient, upstream.target(), "--exchanges=2", "--request_bytes=100000",
                              absl::StrCat("--corrupt_byte_at=", at)}));
    EXPECT_EQ(client.exit_code, 1) << client.output;
    EXPECT_THAT(upstream.Totals(), HasSubstr("\"mismatches\":2,\"errors\":0,"));
  }
}

TEST(LoadClientTest, SaysThatNobodyListens) {
  const Finished client =
      RunToEnd({kClient, absl::StrCat("--target=", testing::FreeAddress()), "--exchanges=2"});
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(client.output, HasSubstr("connect: Connection refused"));
}

TEST(LoadClientTest, SaysWhichFlagIsWrong) {
  const struct {
    Flags flags;
    const char* error;
  } kCases[] = {
      {{"--exchanges=1"}, "--target=: give an IPv4 address and a port"},
      {{"--target=localhost:80"}, "--target=localhost:80: give"},
      {{"--target=127.0.0.1:80"}, "--exchanges=0: give how many, or --seconds"},
      {{"--target=127.0.0.1:80", "--exchanges=1", "--connections=0"}, "--connections=0: give"},
      {{"--target=127.0.0.1:80", "--exchanges=1", "--seconds=2"}, "--seconds=2: leave out it"},
      {{"--target=127.0.0.1:80", "--idle"}, "--idle=true: give --wait too"},
      {{"--target=127.0.0.1:80", "--exchanges=1", "--tls", "--tls_max_version=2"},
       "--tls_max_version=2: give TLSv1"},
  };
  for (const auto& wrong : kCases) {
    const Finished client = RunToEnd(Concat({kClient}, wrong.flags));
    EXPECT_EQ(client.exit_code, 2) << wrong.error;
    EXPECT_THAT(client.output, HasSubstr(wrong.error));
  }
}

TEST(LoadUpstreamTest, SaysWhichFlagIsWrong) {
  const Finished upstream = RunToEnd({kUpstream, "--tls_certificate=/none"});
  EXPECT_EQ(upstream.exit_code, 2);
  EXPECT_THAT(upstream.output, HasSubstr("--tls_certificate=/none: give a PEM file"));
}

}  // namespace
}  // namespace sluice::bench
