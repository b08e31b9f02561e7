#include "engine/connection.h"

#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/limits.h"
#include "gtest/gtest.h"
#include "tls/testing/test_client.h"
#include "tls/testing/test_connection.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_server.h"
#include "tools/certificate_maker.h"

namespace sluice::engine {
namespace {

constexpr int kClientFd = 7;
constexpr int kUpstreamFd = 8;
constexpr int64_t kStartMs = 1'000'000;

config::Address LoopbackAddress(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

std::vector<uint8_t> BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    logger_.UseForProcess(
        *logger_.OpenSet({{.file = log_path_, .level = config::LogLevel::kInfo}}));
    EXPECT_TRUE(logger_.StartQueueing().ok());
    server_.upstream = 0;
    server_.connect_timeout_ms = 5'000;
    server_.timeout_ms = 60'000;
  }
  ~ConnectionTest() override {
    if (!connection_.has_value()) return;
    Stop();
    connection_.reset();
    EXPECT_EQ(context_.slabs.num_in_use(), 0);
    EXPECT_EQ(context_.metrics.connections_active.value(), 0u);
    for (int peer = 0; peer < num_peers_; ++peer) {
      EXPECT_EQ(plan_->runtime->group(0).num_connections(peer), 0);
    }
  }

  // A client has been accepted.
  void Accept() {
    config::Plan plan;
    plan.listeners.push_back({.address = LoopbackAddress(1000), .server = 0, .ssl = client_tls_});
    if (client_tls_) {
      server_.client_tls_profile = 0;
      plan.client_tls_profiles.push_back(client_settings_);
    }
    if (tls_) {
      server_.tls_profile = 0;
      plan.tls_profiles.push_back(settings_);
    }
    plan.servers.push_back(server_);
    config::Upstream upstream = {.name = "backend"};
    for (int i = 0; i < num_peers_; ++i) {
      upstream.peers.push_back({.address = LoopbackAddress(static_cast<uint16_t>(2000 + i))});
    }
    plan.upstreams.push_back(std::move(upstream));
    plan_ = *ShardPlan::Create(std::make_shared<RuntimePlan>(
        std::move(plan), std::vector<LogSetRef>(1), tickets_, client_sessions_));
    AcceptOnSamePlan();
  }
  void AcceptOnSamePlan() {
    connect_wanted_ = false;
    connection_.emplace(
        context_, plan_,
        Connection::Client{.listener = 0, .fd = kClientFd, .address = LoopbackAddress(3000)},
        now_ms_);
    Advance();
  }

  // ... and the upstream has accepted, too.
  void Connect() {
    ASSERT_TRUE(std::exchange(connect_wanted_, false));
    connection_->OnUpstreamSocket(kUpstreamFd);
    connection_->OnConnected(0);
    Advance();
  }

  // What is to be submitted now, beside what is in flight.
  void Advance(int64_t ms = 0) {
    now_ms_ += ms;
    done_ = connection_->Advance(now_ms_);
    connect_wanted_ |= done_.connect;
    for (Side side : {Side::kClient, Side::kUpstream}) {
      const Operations::End& end = done_.ends[Index(side)];
      if (end.recv.kind != RecvWish::Kind::kNone) receiving_[Index(side)] = true;
      if (!end.send.empty()) sending_[Index(side)] = true;
    }
  }

  const Operations::End& client() const { return done_.ends[Index(Side::kClient)]; }
  const Operations::End& upstream() const { return done_.ends[Index(Side::kUpstream)]; }

  void Receive(Side side, std::string_view text) {
    receiving_[Index(side)] = false;
    std::vector<uint8_t> bytes = BytesOf(text);
    connection_->OnReceived(side, static_cast<int>(text.size()), bytes, false);
    Advance();
  }
  void EndReceive(Side side, int result) {
    receiving_[Index(side)] = false;
    connection_->OnReceived(side, result, {}, false);
    Advance();
  }
  void EndSend(Side side, int result) {
    sending_[Index(side)] = false;
    connection_->OnSent(side, result);
    Advance();
  }

  // Makes everything in flight come back cancelled, until the connection is closed.
  void Stop() {
    if (connection_->closed()) return;
    connection_->OnStop(now_ms_);
    Advance(kStopFlushMs);
    for (Side side : {Side::kClient, Side::kUpstream}) {
      if (std::exchange(receiving_[Index(side)], false)) {
        connection_->OnReceived(side, -ECANCELED, {}, false);
      }
      if (std::exchange(sending_[Index(side)], false)) connection_->OnSent(side, -ECANCELED);
    }
    Advance();
    EXPECT_TRUE(connection_->closed());
  }

  std::string Log() {
    logger_.Drain();
    std::ifstream file(log_path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  bool LogHas(std::string_view text) { return Log().find(text) != std::string::npos; }

  const std::string log_path_ =
      absl::StrCat(::testing::TempDir(), "/",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".log");
  Logger logger_;
  std::atomic<uint64_t> next_number_{1};
  ShardContext context_{
      .logger = &logger_, .next_connection_number = &next_number_, .slabs = SlabPool()};
  config::Server server_;
  bool tls_ = false;
  bool client_tls_ = false;
  tls::ServerSettings client_settings_;
  tls::TicketCache tickets_{1};
  tls::ServerSessionCache client_sessions_;
  tls::Settings settings_ = tls::VerifyingSettings(tls::Identities().root);
  int num_peers_ = 1;
  std::shared_ptr<const ShardPlan> plan_;
  std::optional<Connection> connection_;
  int64_t now_ms_ = kStartMs;
  Operations done_;
  bool connect_wanted_ = false;
  bool receiving_[2] = {};
  bool sending_[2] = {};
};

TEST_F(ConnectionTest, WhatReturnSaysIsSentAndTheClientClosedBehindIt) {
  server_.upstream = config::kNoIndex;
  server_.return_text = *config::Template::Parse("bye");
  Accept();
  EXPECT_FALSE(connect_wanted_);
  EXPECT_EQ(std::string(client().send.begin(), client().send.end()), "bye");
  EXPECT_EQ(client().close, CloseKind::kNone);
  EndSend(Side::kClient, 3);
  EXPECT_EQ(client().close, CloseKind::kGraceful);
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(connection_->close_reason(), CloseReason::kReturned);
  EXPECT_EQ(connection_->relay().bytes().to_client, 3u);
}

TEST_F(ConnectionTest, ReturnOfNothingClosesAtOnce) {
  server_.upstream = config::kNoIndex;
  Accept();
  EXPECT_TRUE(client().send.empty());
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, WhatReturnSaysIsWaitedForUntilProxyTimeoutThenCutOff) {
  server_.upstream = config::kNoIndex;
  // More than is queued at once.
  server_.return_text = *config::Template::Parse(std::string(3 * kLargestSlabBytes, 'x'));
  Accept();
  EndSend(Side::kClient, static_cast<int>(client().send.size()));
  EXPECT_FALSE(client().send.empty());
  Advance(server_.timeout_ms);
  EXPECT_FALSE(client().cancel_send);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + 1);
  Advance(1);
  EXPECT_TRUE(client().cancel_send);
  EndSend(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kReset);
}

// --- Connecting ----------------------------------------------------------------------------------

TEST_F(ConnectionTest, ConnectsAndListensToTheClientMeanwhile) {
  Accept();
  EXPECT_TRUE(done_.connect);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kCold);
  EXPECT_FALSE(client().poll_first);
  EXPECT_EQ(connection_->peer().address.text, "127.0.0.1:2000");
  EXPECT_EQ(connection_->deadline_ms(), kStartMs + 5'001);
  EXPECT_EQ(context_.metrics.connections_active.value(), 1u);
}

TEST_F(ConnectionTest, OneReceiveIsEnoughUntilThereIsAnUpstream) {
  Accept();
  Receive(Side::kClient, "hello");
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kNone);
  Connect();
  EXPECT_EQ(upstream().send.size(), 5u);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kCold);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + 60'001);
}

TEST_F(ConnectionTest, RefusedPeerIsFollowedByTheNext) {
  num_peers_ = 2;
  Accept();
  connection_->OnUpstreamSocket(kUpstreamFd);
  EXPECT_EQ(plan_->runtime->group(0).num_connections(0), 1);
  connection_->OnConnected(-ECONNREFUSED);
  Advance();
  EXPECT_EQ(upstream().close, CloseKind::kGraceful);
  EXPECT_EQ(upstream().close_fd, kUpstreamFd);
  EXPECT_TRUE(done_.connect);
  EXPECT_EQ(connection_->peer().address.text, "127.0.0.1:2001");
  EXPECT_EQ(plan_->runtime->group(0).num_connections(0), 0);
  EXPECT_TRUE(
      LogHas("connect() failed (111: Connection refused) while connecting to upstream, "
             "client: 127.0.0.1, server: 127.0.0.1:1000, upstream: \"127.0.0.1:2000\""));
}

TEST_F(ConnectionTest, LastRefusalEndsIt) {
  Accept();
  connection_->OnUpstreamSocket(kUpstreamFd);
  connection_->OnConnected(-ECONNREFUSED);
  Advance();
  EXPECT_EQ(connection_->close_reason(), CloseReason::kConnectFailed);
  EXPECT_TRUE(client().cancel_recv);
  EXPECT_EQ(client().close, CloseKind::kNone) << "a receive is in flight";
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kGraceful);
  EXPECT_EQ(client().close_fd, kClientFd);
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, SilentPeerTimesOut) {
  Accept();
  connection_->OnUpstreamSocket(kUpstreamFd);
  Advance(5'000);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  Advance(1);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kConnectTimeout);
  EXPECT_TRUE(upstream().cancel_connect);
  connection_->OnConnected(-ECANCELED);
  Advance();
  EXPECT_EQ(upstream().close_fd, kUpstreamFd);
  EXPECT_TRUE(LogHas("upstream timed out (110: Connection timed out)"));
}

TEST_F(ConnectionTest, ConnectThatOvertakesItsCancelIsNoConnection) {
  Accept();
  connection_->OnUpstreamSocket(kUpstreamFd);
  Advance(5'001);
  ASSERT_TRUE(upstream().cancel_connect);
  connection_->OnConnected(0);
  connection_->LogConnected(LoopbackAddress(4000));  // As the worker does.
  Advance();
  EXPECT_EQ(connection_->close_reason(), CloseReason::kConnectTimeout);
  EXPECT_EQ(upstream().close_fd, kUpstreamFd);
}

TEST_F(ConnectionTest, MissingDescriptorIsOurOwnFault) {
  num_peers_ = 2;
  Accept();
  connection_->OnUpstreamSocketFailed("socket()", EMFILE);
  Advance();
  EXPECT_FALSE(done_.connect);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNoResources);
  EXPECT_TRUE(LogHas("[crit]"));
  EXPECT_TRUE(LogHas("socket() failed (24: Too many open files)"));
}

TEST_F(ConnectionTest, ClientThatResetsEndsTheAttempt) {
  Accept();
  connection_->OnUpstreamSocket(kUpstreamFd);
  EndReceive(Side::kClient, -ECONNRESET);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientReset);
  EXPECT_TRUE(upstream().cancel_connect);
  connection_->OnConnected(-ECANCELED);
  Advance();
  EXPECT_TRUE(connection_->closed());
}

// --- Relaying ------------------------------------------------------------------------------------

TEST_F(ConnectionTest, NothingIsSubmittedTwice) {
  Accept();
  Connect();
  EXPECT_EQ(upstream().recv.kind, RecvWish::Kind::kCold);
  EXPECT_TRUE(upstream().poll_first);
  Advance();
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kNone);
  EXPECT_EQ(upstream().recv.kind, RecvWish::Kind::kNone);
  Receive(Side::kClient, "a");
  EXPECT_EQ(upstream().send.size(), 1u);
  Receive(Side::kClient, "b");
  EXPECT_TRUE(upstream().send.empty());
  EndSend(Side::kUpstream, 1);
  EXPECT_EQ(upstream().send.size(), 1u);
}

TEST_F(ConnectionTest, SmallMessageIsSentAtOnceAndWhatFindsNoRoomWaits) {
  Accept();
  Connect();
  Receive(Side::kClient, "ping");
  EXPECT_TRUE(upstream().send_at_once);
  for (const int result : {1, -EAGAIN}) {
    EndSend(Side::kUpstream, result);
    EXPECT_FALSE(upstream().send.empty());
    EXPECT_FALSE(upstream().send_at_once);
    EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
    EndSend(Side::kUpstream, static_cast<int>(upstream().send.size()));
    Receive(Side::kClient, "ping");
    EXPECT_TRUE(upstream().send_at_once);
  }
  EndSend(Side::kUpstream, 4);
  EXPECT_EQ(connection_->relay().bytes().to_upstream, 12u);
}

TEST_F(ConnectionTest, SendBehindWhichThereIsMoreToDoIsNotMadeAtOnce) {
  Accept();
  Connect();
  Receive(Side::kClient, "bye");
  EndReceive(Side::kClient, 0);
  EndSend(Side::kUpstream, 1);  // The rest goes out after the end: only its completion closes.
  EXPECT_EQ(upstream().send.size(), 2u);
  EXPECT_FALSE(upstream().send_at_once);
  EndSend(Side::kUpstream, 2);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
}

TEST_F(ConnectionTest, SendAtOnceThatIsToldOfLateIsNoActivity) {
  Accept();
  Connect();
  Receive(Side::kClient, "ping");
  const int64_t deadline_ms = connection_->deadline_ms();
  Advance(50'000);
  EndSend(Side::kUpstream, 4);
  EXPECT_EQ(connection_->deadline_ms(), deadline_ms);
}

TEST_F(ConnectionTest, NoFreeBufferIsTriedAgain) {
  Accept();
  Connect();
  EndReceive(Side::kClient, -ENOBUFS);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kCold);
  EXPECT_TRUE(client().poll_first);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
}

TEST_F(ConnectionTest, HotReceiveIsCancelledWhenNothingComes) {
  Accept();
  Connect();
  Receive(Side::kClient, std::string(kColdBufferBytes, 'x'));
  ASSERT_EQ(client().recv.kind, RecvWish::Kind::kHot);
  EndSend(Side::kUpstream, kColdBufferBytes);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + kHotIdleMs);
  Advance(kHotIdleMs - 1);
  EXPECT_FALSE(client().cancel_recv);
  Advance(1);
  EXPECT_TRUE(client().cancel_recv);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ - kHotIdleMs + 60'001);
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kCold);
  EXPECT_EQ(context_.slabs.num_in_use(), 0);
}

TEST_F(ConnectionTest, SilenceTimesOut) {
  Accept();
  Connect();
  Advance(60'000);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  Advance(1);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kIdleTimeout);
  EXPECT_EQ(context_.metrics.closed_total[static_cast<int>(CloseReason::kIdleTimeout)].value(), 1u);
  EXPECT_TRUE(LogHas("connection timed out (110: Connection timed out) while proxying connection"));
}

TEST_F(ConnectionTest, EndOfTheClientEndsItOnceItsBytesAreSent) {
  Accept();
  Connect();
  Receive(Side::kClient, "bye");
  EndReceive(Side::kClient, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  EndSend(Side::kUpstream, 3);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
  EndReceive(Side::kUpstream, -ECANCELED);
  EXPECT_TRUE(connection_->closed());
  EXPECT_TRUE(LogHas("client disconnected, bytes from/to client:3/0, bytes from/to upstream:0/3"));
}

TEST_F(ConnectionTest, BothEndsMeanThatAllOfBothIsSent) {
  Accept();
  Connect();
  Receive(Side::kClient, "request");
  Receive(Side::kUpstream, "response");
  connection_->OnReceived(Side::kClient, 0, {}, false);
  connection_->OnReceived(Side::kUpstream, 0, {}, false);
  receiving_[0] = receiving_[1] = false;
  Advance();
  EndSend(Side::kClient, 8);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone) << "the request has not been sent";
  EndSend(Side::kUpstream, 7);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
}

TEST_F(ConnectionTest, HalfCloseShutsDownAndGoesOn) {
  server_.half_close = true;
  Accept();
  Connect();
  EndReceive(Side::kClient, 0);
  EXPECT_TRUE(upstream().shutdown_write);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  Receive(Side::kUpstream, "late answer");
  EXPECT_EQ(client().send.size(), 11u);
  EXPECT_FALSE(upstream().shutdown_write);
  EndSend(Side::kClient, 11);
  EndReceive(Side::kUpstream, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, ResetIsPassedOnAsReset) {
  Accept();
  Connect();
  EndReceive(Side::kUpstream, -ECONNRESET);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kUpstreamReset);
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kReset);
  EXPECT_TRUE(
      LogHas("recv() failed (104: Connection reset by peer) while proxying and reading "
             "from upstream"));
}

// Linux tells an RST once. A send that was waiting takes the error, tells the bytes it had sent
// before, and the receive then sees the end of the stream.
TEST_F(ConnectionTest, ResetThatOnlyAShortSendTellsIsAReset) {
  Accept();
  Connect();
  Receive(Side::kUpstream, std::string(20'000, 'x'));
  ASSERT_EQ(client().send.size(), 20'000u);
  ASSERT_FALSE(client().send_at_once);
  sending_[0] = receiving_[0] = false;
  connection_->OnSent(Side::kClient, 2'000);
  connection_->OnReceived(Side::kClient, 0, {}, false);
  Advance();
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientReset);
  EndReceive(Side::kUpstream, -ECANCELED);
  EXPECT_EQ(upstream().close, CloseKind::kReset);
}

TEST_F(ConnectionTest, ConnectionWhoseSidesBothTakeNoMoreEndsAtOnce) {
  Accept();
  Connect();
  Receive(Side::kUpstream, "answer");
  EndSend(Side::kClient, -ECONNRESET);
  Receive(Side::kClient, "request");
  EndSend(Side::kUpstream, -ETIMEDOUT);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientReset);
}

// Its bytes can no longer all be passed on: the upstream must not take them for a whole stream.
TEST_F(ConnectionTest, UpstreamThatEndsAfterTheClientTakesNoMoreIsReset) {
  Accept();
  Connect();
  Receive(Side::kUpstream, "answer");
  EndSend(Side::kClient, -ECONNRESET);
  EndReceive(Side::kUpstream, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientReset);
  EXPECT_EQ(upstream().close, CloseKind::kReset);
}

TEST_F(ConnectionTest, CloseWaitsForDeliveryWhileThereIsProgress) {
  Accept();
  Connect();
  EndReceive(Side::kUpstream, -ECONNRESET);
  EndReceive(Side::kClient, -ECANCELED);
  ASSERT_EQ(client().close, CloseKind::kReset);
  int num_undelivered = 1'000;
  int64_t step_ms = kCloseDrainStepMs;
  for (int64_t waited_ms = 0; waited_ms < 3 * kCloseDrainMs;) {
    connection_->OnCloseDeferred(Side::kClient, kClientFd, --num_undelivered);
    EXPECT_FALSE(connection_->closed());
    EXPECT_EQ(connection_->deadline_ms(), now_ms_ + step_ms);
    Advance(step_ms);
    ASSERT_EQ(client().close, CloseKind::kReset);
    EXPECT_EQ(client().close_fd, kClientFd);
    ASSERT_FALSE(client().close_now);
    waited_ms += step_ms;
    step_ms = std::min(2 * step_ms, kCloseDrainStepMsMax);
  }
}

TEST_F(ConnectionTest, CloseThatWaitsWithoutProgressIsDoneAllTheSame) {
  Accept();
  Connect();
  EndReceive(Side::kUpstream, -ECONNRESET);
  EndReceive(Side::kClient, -ECANCELED);
  ASSERT_EQ(client().close, CloseKind::kReset);
  connection_->OnCloseDeferred(Side::kClient, kClientFd, 1'000);
  Advance(kCloseDrainStepMs);
  ASSERT_FALSE(client().close_now);
  connection_->OnCloseDeferred(Side::kClient, kClientFd, 1'000);
  Advance(kCloseDrainMs);
  EXPECT_EQ(client().close, CloseKind::kReset);
  EXPECT_TRUE(client().close_now);
  EXPECT_TRUE(connection_->closed());
}

TEST_F(ConnectionTest, SideThatHasClosedNoLongerWakesTheOneThatStillWaits) {
  Accept();
  Connect();
  EndReceive(Side::kClient, 0);
  EndReceive(Side::kUpstream, -ECANCELED);
  connection_->OnCloseDeferred(Side::kClient, kClientFd, 1'000);
  connection_->OnCloseDeferred(Side::kUpstream, kUpstreamFd, 1'000);
  Advance(kCloseDrainStepMs);
  connection_->OnCloseDeferred(Side::kClient, kClientFd, 1'000);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + 2 * kCloseDrainStepMs);
}

TEST_F(ConnectionTest, BytesSentAfterTheEndIsDecidedAreCounted) {
  Accept();
  Connect();
  Receive(Side::kUpstream, "answer");
  EndReceive(Side::kClient, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
  EndSend(Side::kClient, 6);
  EndReceive(Side::kUpstream, -ECANCELED);
  ASSERT_TRUE(connection_->closed());
  connection_.reset();
  EXPECT_EQ(context_.metrics.client_sent_bytes_total.value(), 6u);
}

TEST_F(ConnectionTest, SlowReaderIsNotIdle) {
  Accept();
  Connect();
  Receive(Side::kUpstream, "long answer");
  EndSend(Side::kClient, -EAGAIN);
  ASSERT_EQ(client().send.size(), 11u);
  for (int i = 0; i < 3; ++i) {
    Advance(60'001);
    ASSERT_TRUE(client().cancel_send) << "only a cancel tells how much has left";
    EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
    EndSend(Side::kClient, 2);
    EXPECT_EQ(client().send.size(), 11u - 2 * (i + 1));
  }
  Advance(60'001);
  ASSERT_TRUE(client().cancel_send);
  EndSend(Side::kClient, -ECANCELED);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kIdleTimeout);
  EndReceive(Side::kUpstream, -ECANCELED);
  Advance(kCloseFlushMs);
  EndSend(Side::kClient, -ECANCELED);
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kReset) << "a broken stream must not look like a whole one";
}

TEST_F(ConnectionTest, StopGivesLastBytesAMoment) {
  Accept();
  Connect();
  Receive(Side::kClient, "never answered");
  connection_->OnStop(now_ms_);
  Advance();
  EXPECT_EQ(connection_->close_reason(), CloseReason::kShutdown);
  EXPECT_FALSE(upstream().cancel_send);
  Advance(kStopFlushMs);
  EXPECT_TRUE(upstream().cancel_send);
  EXPECT_TRUE(upstream().cancel_recv);
  EXPECT_TRUE(client().cancel_recv);
}

// --- TLS -----------------------------------------------------------------------------------------

class TlsConnectionTest : public ConnectionTest {
 protected:
  TlsConnectionTest() { tls_ = true; }

  // The upstream takes what is being sent to it; its answer.
  std::vector<uint8_t> Carry() {
    const auto answer = peer_->Feed(upstream().send);
    EndSend(Side::kUpstream, static_cast<int>(upstream().send.size()));
    return answer;
  }
  void FromUpstream(const std::vector<uint8_t>& bytes) {
    Receive(Side::kUpstream, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  void Handshake() {
    Connect();
    FromUpstream(Carry());
    (void)Carry();
    ASSERT_TRUE(peer_->handshake_done());
  }

  // Whether another connection, whose own tickets are lost on the way, resumes a session.
  bool NextIsResumed() {
    Stop();
    peer_ = test_server_.Accept();
    AcceptOnSamePlan();
    Handshake();
    return peer_->resumed();
  }

  tls::TestServer test_server_{tls::ServerOptions(tls::Identities().server)};
  std::unique_ptr<tls::TestServerConnection> peer_ = test_server_.Accept();
};

TEST_F(TlsConnectionTest, ClientHelloLeavesAsSoonAsTcpStands) {
  Accept();
  EXPECT_TRUE(upstream().send.empty());
  Advance(3'000);
  connection_->OnUpstreamSocket(kUpstreamFd);
  connection_->OnConnected(0);
  Advance();
  EXPECT_FALSE(upstream().send.empty());
  // nginx: proxy_connect_timeout bounds the handshake again.
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + 5'001);
}

TEST_F(TlsConnectionTest, ClientThatIsDoneAtOnceStillBringsATicket) {
  Accept();
  Connect();
  FromUpstream(Carry());
  (void)Carry();
  const auto tickets = peer_->Write("welcome");  // On their way.
  Receive(Side::kClient, "a line for the log");
  (void)Carry();
  EXPECT_EQ(peer_->TakePlaintext(), "a line for the log");
  EndReceive(Side::kClient, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + kTicketWaitMs + 1);
  FromUpstream(tickets);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
  (void)Carry();
  EXPECT_TRUE(peer_->close_notify_received());
  EXPECT_TRUE(NextIsResumed());
}

TEST_F(TlsConnectionTest, TicketIsNotWaitedForAgainWhereNoneCame) {
  Accept();
  Handshake();  // The tickets are lost on the way.
  EndReceive(Side::kClient, 0);
  Advance(kTicketWaitMs);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  Advance(1);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
  EXPECT_FALSE(NextIsResumed());
  EndReceive(Side::kClient, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientClosed);
}

TEST_F(TlsConnectionTest, HalfClosingWaitsForATicketToo) {
  server_.half_close = true;
  Accept();
  Connect();
  FromUpstream(Carry());
  (void)Carry();
  const auto tickets = peer_->Write("welcome");
  EndReceive(Side::kClient, 0);
  EXPECT_TRUE(upstream().send.empty());
  EXPECT_FALSE(upstream().shutdown_write);
  FromUpstream(tickets);
  (void)Carry();
  EXPECT_TRUE(peer_->close_notify_received());
  EXPECT_TRUE(NextIsResumed());
}

TEST_F(TlsConnectionTest, TicketThatWasNeverSentGoesBack) {
  settings_.ticket_use = tls::TicketUse::kSingleUse;
  Accept();
  Connect();
  FromUpstream(Carry());
  (void)Carry();
  FromUpstream(peer_->Write("and two tickets"));
  Stop();
  for (int i = 0; i < 5; ++i) {
    AcceptOnSamePlan();
    connection_->OnUpstreamSocket(kUpstreamFd);
    connection_->OnConnected(-ECONNREFUSED);
    Advance();
    Stop();
  }
  EXPECT_TRUE(NextIsResumed());
  EXPECT_TRUE(NextIsResumed());
  EXPECT_FALSE(NextIsResumed());
}

TEST_F(TlsConnectionTest, ClientHelloWhoseTicketWentBackIsNotSent) {
  settings_.ticket_use = tls::TicketUse::kSingleUse;
  Accept();
  connection_->OnUpstreamSocket(kUpstreamFd);
  connection_->OnConnected(0);
  EndReceive(Side::kClient, -ECONNRESET);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientReset);
  EXPECT_TRUE(upstream().send.empty());
  Stop();
  AcceptOnSamePlan();
  connection_->OnUpstreamSocket(kUpstreamFd);
  connection_->OnConnected(0);
  connection_->OnStop(now_ms_);
  Advance();
  EXPECT_TRUE(upstream().send.empty());
}

TEST_F(TlsConnectionTest, FailureWhileATicketIsAwaitedLeavesNoDeadlineBehind) {
  tls::TestServerOptions options = tls::ServerOptions(tls::Identities().server);
  options.num_tickets = 0;
  tls::TestServer no_tickets(options);
  peer_ = no_tickets.Accept();
  Accept();
  Handshake();
  FromUpstream(peer_->Write("taken by nobody"));
  EndReceive(Side::kClient, 0);
  Advance(kTicketWaitMs / 2);
  std::vector<uint8_t> garbage = {23, 3, 3, 0, 32};
  garbage.resize(5 + 32);
  FromUpstream(garbage);
  Advance(kTicketWaitMs);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone) << "the client's bytes come first";
  EXPECT_GT(connection_->deadline_ms(), now_ms_);
}

TEST_F(TlsConnectionTest, MissingCloseNotifyWithStrictCloseResetsTheClient) {
  server_.strict_close = true;
  Accept();
  Handshake();
  FromUpstream(peer_->Write("half an answer"));
  EndReceive(Side::kUpstream, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone) << "what has come goes out first";
  EndSend(Side::kClient, 14);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kUpstreamTruncated);
  EXPECT_EQ(context_.metrics.upstream_truncated_total.value(), 1u);
  EXPECT_TRUE(LogHas("upstream closed connection without close_notify"));
  (void)Carry();
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kReset);
}

TEST_F(TlsConnectionTest, StrictCloseHoldsWithHalfCloseToo) {
  server_.strict_close = true;
  server_.half_close = true;
  Accept();
  Handshake();
  EndReceive(Side::kUpstream, 0);
  EXPECT_FALSE(client().shutdown_write);
  (void)Carry();
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kReset);
}

TEST_F(TlsConnectionTest, StrictCloseLetsACleanEndBe) {
  server_.strict_close = true;
  Accept();
  Handshake();
  FromUpstream(peer_->CloseNotify());
  (void)Carry();
  EXPECT_EQ(connection_->close_reason(), CloseReason::kUpstreamClosed);
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().close, CloseKind::kGraceful);
}

// Delivering the last bytes may take long; what else is here is of no use meanwhile.
TEST_F(TlsConnectionTest, CloseThatIsDeferredHoldsNoSlabs) {
  Accept();
  Handshake();
  auto record = peer_->Write("answer");
  record.resize(10);
  FromUpstream(record);
  EndReceive(Side::kClient, 0);
  Advance(kTicketWaitMs + 1);
  while (!upstream().send.empty()) {
    EndSend(Side::kUpstream, static_cast<int>(upstream().send.size()));
  }
  EndReceive(Side::kUpstream, -ECANCELED);
  ASSERT_EQ(upstream().close, CloseKind::kGraceful);
  connection_->OnCloseDeferred(Side::kUpstream, kUpstreamFd, 10);
  EXPECT_EQ(context_.slabs.num_in_use(), 0);
}

TEST_F(TlsConnectionTest, SilentHandshakeTimesOut) {
  Accept();
  Connect();
  Advance(5'001);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kConnectTimeout);
  EXPECT_TRUE(LogHas("while SSL handshaking to upstream"));
}

TEST_F(TlsConnectionTest, ClientBytesAreThereForTheNextPeerAfterAResetHandshake) {
  num_peers_ = 2;
  Accept();
  Receive(Side::kClient, "precious");
  Connect();
  EndSend(Side::kUpstream, static_cast<int>(upstream().send.size()));
  EndReceive(Side::kUpstream, -ECONNRESET);
  ASSERT_TRUE(done_.connect);
  Handshake();
  EXPECT_EQ(peer_->TakePlaintext(), "precious");
}

TEST_F(TlsConnectionTest, FailureRightBehindTheHandshakeTriesNoOtherPeer) {
  num_peers_ = 2;
  Accept();
  Receive(Side::kClient, "precious");
  Connect();
  auto flight = Carry();
  const std::vector<uint8_t> garbage = {23, 3, 3, 0,  17, 1,  2,  3,  4,  5,  6,
                                        7,  8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  flight.insert(flight.end(), garbage.begin(), garbage.end());
  FromUpstream(flight);
  EXPECT_FALSE(done_.connect);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kTlsFailed);
}

TEST_F(TlsConnectionTest, FailedTlsTimesOutWhenTheClientTakesNothing) {
  Accept();
  Handshake();
  auto bytes = peer_->Write("good");
  bytes.insert(bytes.end(),
               {23, 3, 3, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17});
  FromUpstream(bytes);
  ASSERT_EQ(client().send.size(), 4u);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kNone);
  Advance(60'001);
  ASSERT_TRUE(client().cancel_send);
  ASSERT_TRUE(upstream().cancel_send) << "the alert";
  EndSend(Side::kClient, -ECANCELED);
  EndSend(Side::kUpstream, -ECANCELED);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kTlsFailed);
}

TEST_F(TlsConnectionTest, FlightThatIsLargerThanASlabGoesOnWhenThereIsRoom) {
  auto spec = tools::ClientSpec("client");
  for (int i = 0; i < 1500; ++i) {
    spec.dns_names.push_back(absl::StrCat("a-rather-long-name-of-a-client-", i, ".test"));
  }
  const auto client_certificate = tls::Identities().root.Issue(spec);
  settings_.certificate = tls::FileOf("client.pem", client_certificate.pem());
  settings_.certificate_key = tls::FileOf("client.key", client_certificate.key_pem());
  tls::TestServerOptions options = tls::ServerOptions(tls::Identities().server);
  options.client_ca_pem = tls::Identities().root.pem();
  tls::TestServer demanding(options);
  peer_ = demanding.Accept();
  Accept();
  Connect();
  FromUpstream(Carry());
  for (int i = 0; i < 5 && !upstream().send.empty(); ++i) (void)Carry();
  EXPECT_EQ(peer_->error(), "");
  EXPECT_TRUE(peer_->handshake_done());
}

TEST_F(TlsConnectionTest, HandshakeIsLoggedAndCounted) {
  Accept();
  Handshake();
  EXPECT_TRUE(
      LogHas("upstream 127.0.0.1:2000 speaks TLSv1.3 with TLS_AES_128_GCM_SHA256, full "
             "handshake"));
  EXPECT_EQ(context_.metrics.upstream_handshakes_total.value(), 1u);
  EXPECT_EQ(context_.metrics.upstream_handshakes_resumed_total.value(), 0u);
}

TEST_F(TlsConnectionTest, MissingCloseNotifyIsCountedAndNamed) {
  Accept();
  Handshake();
  EndReceive(Side::kUpstream, 0);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kUpstreamTruncated);
  EXPECT_EQ(context_.metrics.upstream_truncated_total.value(), 1u);
  EXPECT_TRUE(LogHas("upstream closed connection without close_notify"));
  (void)Carry();
}

// --- A client that speaks TLS --------------------------------------------------------------------

class ClientTlsConnectionTest : public ConnectionTest {
 protected:
  ClientTlsConnectionTest() {
    client_tls_ = true;
    client_settings_.identities.push_back(
        {.certificate = tls::FileOf("server.pem", tls::Identities().server.chain_pem()),
         .certificate_key = tls::FileOf("server.key", tls::Identities().server.key_pem())});
  }

  // Accepts it, and comes to where its Finished is. Tickets are being sent to it after that.
  std::vector<uint8_t> Finished() {
    Accept();
    FromClient(peer_->Feed({}));
    const auto finished = peer_->Feed(client().send);
    EndSend(Side::kClient, static_cast<int>(client().send.size()));
    return finished;
  }
  void FromClient(std::vector<uint8_t> bytes, bool nonempty = false) {
    receiving_[Index(Side::kClient)] = false;
    connection_->OnReceived(Side::kClient, static_cast<int>(bytes.size()), bytes, nonempty);
    Advance();
  }

  tls::TestClient test_client_{{}};
  std::unique_ptr<tls::TestConnection> peer_ = test_client_.Connect();
};

TEST_F(ClientTlsConnectionTest, ClientThatTakesNoTicketIsLostWhileAnUpstreamIsLookedFor) {
  FromClient(Finished());
  ASSERT_TRUE(connect_wanted_);
  ASSERT_FALSE(client().send.empty());
  connection_->OnUpstreamSocket(kUpstreamFd);
  EndSend(Side::kClient, -ECONNRESET);
  EXPECT_EQ(connection_->close_reason(), CloseReason::kClientReset);
  EXPECT_TRUE(upstream().cancel_connect);
  connection_->OnConnected(-ECANCELED);
  Advance();
}

TEST_F(ClientTlsConnectionTest, HotReceiveIsCancelledWhileAnUpstreamIsLookedFor) {
  FromClient(Finished(), /*nonempty=*/true);
  ASSERT_TRUE(connect_wanted_);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kHot);
  EXPECT_EQ(connection_->deadline_ms(), now_ms_ + kHotIdleMs);
  Advance(kHotIdleMs);
  EXPECT_TRUE(client().cancel_recv);
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kCold);
  EXPECT_EQ(connection_->deadline_ms(), kStartMs + server_.connect_timeout_ms + 1);
}

TEST_F(ClientTlsConnectionTest, HotReceiveIsCancelledInTheHandshakeToo) {
  Accept();
  auto hello = peer_->Feed({});
  hello.resize(hello.size() / 2);
  FromClient(hello, /*nonempty=*/true);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kHot);
  Advance(kHotIdleMs);
  EXPECT_TRUE(client().cancel_recv);
  EndReceive(Side::kClient, -ECANCELED);
  EXPECT_EQ(client().recv.kind, RecvWish::Kind::kCold);
}

}  // namespace
}  // namespace sluice::engine
