// One end finishes its direction, then the other does, or goes on: who gets which bytes, and when
// each end sees FIN.
#include <functional>
#include <future>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

constexpr uint64_t kBulkBytes = 5'000'000;

// What the two ends do, each in a thread of its own. They return what they have seen.
struct Scenario {
  std::function<std::string(Socket& socket)> client;
  std::function<std::string(Socket& socket)> upstream;
};

// What comes up to the end of the stream, and how it ends.
std::string ToEnd(Socket& socket) {
  const std::string bytes = socket.ReceiveToEnd();
  return absl::StrCat("\"", bytes, "\" ", ::testing::PrintToString(socket.end()));
}

// The same for as much of kBulkBytes as comes.
std::string BulkToEnd(Socket& socket) {
  const uint64_t num_bytes = socket.ReceivePattern(1, kBulkBytes);
  return absl::StrCat(num_bytes, " bytes ", ToEnd(socket));
}

// What both ends of `scenario` see, and what `Proxy`, which is between them, logs.
template <class Proxy>
std::string Play(const Scenario& scenario, std::string_view half_close) {
  std::promise<std::string> upstream_saw;
  TcpServer upstream([&](Socket& socket) { upstream_saw.set_value(scenario.upstream(socket)); });
  const std::string address = FreeAddress();
  const Proxy proxy(absl::Substitute(
      "log_format sums '$$status $$bytes_received $$bytes_sent $$upstream_bytes_sent "
      "$$upstream_bytes_received';"
      "access_log sums.log sums;"
      "server { listen $0; proxy_pass $1; proxy_half_close $2; }",
      address, upstream.address(), half_close));
  Socket client = Socket::Connect(address);
  const std::string client_saw = scenario.client(client);
  const std::string saw =
      absl::StrCat("client: ", client_saw, "\nupstream: ", upstream_saw.get_future().get());
  const std::string log = absl::StrCat(proxy.prefix(), "/sums.log");
  EXPECT_TRUE(Eventually([&] { return ReadFile(log).ends_with('\n'); }));
  return absl::StrCat(saw, "\nlog: ", ReadFile(log));
}

// The two are alike; returns what they do, which tests tell as well.
std::string Both(const Scenario& scenario, std::string_view half_close) {
  const std::string sluice = Play<SluiceProcess>(scenario, half_close);
  EXPECT_EQ(sluice, Play<NginxProcess>(scenario, half_close));
  return sluice;
}

// The client asks and ends; the upstream answers once it has seen that.
const Scenario kClientEndsFirst = {.client =
                                       [](Socket& socket) {
                                         socket.Send("request");
                                         socket.ShutdownWrite();
                                         return ToEnd(socket);
                                       },
                                   .upstream =
                                       [](Socket& socket) {
                                         const std::string seen = ToEnd(socket);
                                         socket.Send("answer");
                                         return seen;
                                       }};

// The upstream answers and ends; the client goes on once it has seen that.
const Scenario kUpstreamEndsFirst = {.client =
                                         [](Socket& socket) {
                                           socket.Send("request");
                                           const std::string seen = ToEnd(socket);
                                           socket.Send("more");
                                           socket.ShutdownWrite();
                                           return seen;
                                         },
                                     .upstream =
                                         [](Socket& socket) {
                                           const std::string request = socket.Receive(7);
                                           socket.Send("answer");
                                           socket.ShutdownWrite();
                                           return absl::StrCat(request, ", then ", ToEnd(socket));
                                         }};

TEST(HalfCloseTest, OnTheUpstreamAnswersAClientThatHasEnded) {
  EXPECT_EQ(Both(kClientEndsFirst, "on"),
            "client: \"answer\" FIN\nupstream: \"request\" FIN\nlog: 200 7 6 7 6\n");
}

TEST(HalfCloseTest, OffTheEndOfTheClientEndsTheUpstream) {
  EXPECT_EQ(Both(kClientEndsFirst, "off"),
            "client: \"\" FIN\nupstream: \"request\" FIN\nlog: 200 7 0 7 0\n");
}

TEST(HalfCloseTest, OnTheClientGoesOnBehindTheEndOfTheUpstream) {
  EXPECT_EQ(Both(kUpstreamEndsFirst, "on"),
            "client: \"answer\" FIN\nupstream: request, then \"more\" FIN\nlog: 200 11 6 11 6\n");
}

TEST(HalfCloseTest, OffTheEndOfTheUpstreamEndsTheClient) {
  EXPECT_EQ(Both(kUpstreamEndsFirst, "off"),
            "client: \"answer\" FIN\nupstream: request, then \"\" FIN\nlog: 200 7 6 7 6\n");
}

TEST(HalfCloseTest, TheEndComesBehindAllBytesOfTheClient) {
  const Scenario scenario = {.client =
                                 [](Socket& socket) {
                                   socket.SendPattern(1, kBulkBytes);
                                   socket.ShutdownWrite();
                                   return ToEnd(socket);
                                 },
                             .upstream = BulkToEnd};
  for (const std::string_view half_close : {"on", "off"}) {
    EXPECT_EQ(Both(scenario, half_close),
              "client: \"\" FIN\nupstream: 5000000 bytes \"\" FIN\nlog: 200 5000000 0 5000000 0\n");
  }
}

TEST(HalfCloseTest, TheEndComesBehindAllBytesOfTheUpstream) {
  const Scenario scenario = {.client = BulkToEnd, .upstream = [](Socket& socket) {
                               socket.SendPattern(1, kBulkBytes);
                               socket.ShutdownWrite();
                               return ToEnd(socket);
                             }};
  // With half-close the session waits for the client's own end, which comes with its last byte.
  EXPECT_EQ(Both(scenario, "off"),
            "client: 5000000 bytes \"\" FIN\nupstream: \"\" FIN\nlog: 200 0 5000000 0 5000000\n");
}

TEST(HalfCloseTest, OnBulkComesBackBehindTheEndOfTheClient) {
  const Scenario scenario = {.client =
                                 [](Socket& socket) {
                                   socket.SendPattern(1, kBulkBytes);
                                   socket.ShutdownWrite();
                                   return BulkToEnd(socket);
                                 },
                             .upstream =
                                 [](Socket& socket) {
                                   const std::string seen = BulkToEnd(socket);
                                   socket.SendPattern(1, kBulkBytes);
                                   return seen;
                                 }};
  EXPECT_EQ(Both(scenario, "on"),
            "client: 5000000 bytes \"\" FIN\nupstream: 5000000 bytes \"\" FIN\n"
            "log: 200 5000000 5000000 5000000 5000000\n");
}

TEST(HalfCloseTest, ASessionWithoutAByteEndsWithItsFirstEnd) {
  const Scenario scenario = {.client =
                                 [](Socket& socket) {
                                   socket.ShutdownWrite();
                                   return ToEnd(socket);
                                 },
                             .upstream = ToEnd};
  for (const std::string_view half_close : {"on", "off"}) {
    EXPECT_EQ(Both(scenario, half_close),
              "client: \"\" FIN\nupstream: \"\" FIN\nlog: 200 0 0 0 0\n");
  }
}

}  // namespace
}  // namespace sluice::testing
