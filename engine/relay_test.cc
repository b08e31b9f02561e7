#include "engine/relay.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/limits.h"
#include "gtest/gtest.h"
#include "tls/context.h"
#include "tls/server_context.h"
#include "tls/server_session_cache.h"
#include "tls/session.h"
#include "tls/testing/test_client.h"
#include "tls/testing/test_connection.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_server.h"
#include "tools/certificate_maker.h"

namespace sluice::engine {
namespace {

using Kind = RecvWish::Kind;

std::vector<uint8_t> BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

std::string TextOf(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A cold receive from `source` that took all there was, or not.
void Arrive(Relay& relay, Side source, std::string_view text, bool nonempty = false) {
  ASSERT_EQ(relay.WishToReceive(source).kind, Kind::kCold);
  std::vector<uint8_t> bytes = BytesOf(text);
  relay.OnColdBytes(source, bytes, nonempty);
}

// A hot receive from `source` of `n` bytes.
void ArriveHot(Relay& relay, Side source, size_t n) {
  const RecvWish wish = relay.WishToReceive(source);
  ASSERT_EQ(wish.kind, Kind::kHot);
  ASSERT_LE(n, wish.room.size());
  std::memset(wish.room.data(), 'x', n);
  relay.OnHotBytes(source, n, /*nonempty=*/false);
}

// Has `bytes` received from `source` as far as that is wished, and returns how many were.
size_t Deliver(Relay& relay, Side source, std::span<const uint8_t> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const RecvWish wish = relay.WishToReceive(source);
    if (wish.kind == Kind::kNone) break;
    const size_t room = wish.kind == Kind::kHot ? wish.room.size() : kColdBufferBytes;
    const auto part = bytes.subspan(done, std::min(room, bytes.size() - done));
    done += part.size();
    const bool nonempty = done < bytes.size();
    if (wish.kind == Kind::kHot) {
      std::memcpy(wish.room.data(), part.data(), part.size());
      relay.OnHotBytes(source, part.size(), nonempty);
    } else {
      std::vector<uint8_t> lent(part.begin(), part.end());
      relay.OnColdBytes(source, lent, nonempty);
    }
  }
  return done;
}

// Sends all that is due to `sink`.
std::string SendAll(Relay& relay, Side sink) {
  std::string sent;
  while (relay.has_due(sink)) {
    const auto bytes = relay.WishToSend(sink);
    relay.OnSendSubmitted(sink, bytes.size());
    sent += TextOf(bytes);
    relay.OnSent(sink, bytes.size());
  }
  return sent;
}

class PlainRelay : public ::testing::Test {
 protected:
  ~PlainRelay() override { EXPECT_EQ(pool_.num_in_use(), 0); }

  // A receive that has filled its buffer: from here on `source` is hot.
  void Heat(Side source) {
    Arrive(relay_, source, std::string(kColdBufferBytes, 'x'));
    SendAll(relay_, Opposite(source));
  }

  SlabPool pool_;
  Relay relay_{pool_, kLargestSlabBytes};
};

class SplicingRelay : public PlainRelay {
 protected:
  static constexpr uint64_t kRunBytes = 2 * kBulkReceiveBytesMin;

  ~SplicingRelay() override {
    relay_.reset();
    EXPECT_EQ(pipes_.num_in_use(), 0);
  }

  // So much has come from the upstream that it is spliced from here on.
  void StartBulk() {
    Arrive(*relay_, Side::kUpstream, std::string(kColdBufferBytes, 'x'));
    SendAll(*relay_, Side::kClient);
    for (int i = 0; i < 2; ++i) {
      ArriveHot(*relay_, Side::kUpstream, kBulkReceiveBytesMin);
      SendAll(*relay_, Side::kClient);
    }
  }
  void Fill(std::string_view text) {
    ASSERT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kSplice);
    relay_->splice_pipe_from(Side::kUpstream)->FillWith(BytesOf(text));
    relay_->OnFilled(Side::kUpstream, text.size());
  }
  std::string Drain() {
    SplicePipe* const pipe = relay_->WishToDrain(Side::kClient);
    if (pipe == nullptr) return "";
    std::vector<uint8_t> bytes(pipe->num_bytes());
    pipe->DrainInto(bytes);
    relay_->OnDrained(Side::kClient, bytes.size());
    return TextOf(bytes);
  }

  SplicePipes pipes_{1, kRunBytes};
  std::optional<Relay> relay_{std::in_place, pool_, kLargestSlabBytes, &pipes_};
};

TEST_F(SplicingRelay, BulkIsSpliced) {
  StartBulk();
  const std::string piece(100'000, 'p');
  Fill(piece);
  EXPECT_TRUE(relay_->has_due(Side::kClient));
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kNone) << "the pipe is not empty";
  EXPECT_EQ(Drain(), piece);
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kSplice);
  EXPECT_EQ(relay_->bytes().spliced, piece.size());
  EXPECT_EQ(pool_.num_in_use(), 0);
}

TEST_F(SplicingRelay, WhatIsInASlabLeavesBeforeAnythingIsSpliced) {
  Arrive(*relay_, Side::kUpstream, std::string(kColdBufferBytes, 'x'));
  SendAll(*relay_, Side::kClient);
  ArriveHot(*relay_, Side::kUpstream, 2 * kBulkReceiveBytesMin);
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kNone);
  EXPECT_EQ(SendAll(*relay_, Side::kClient).size(), 2 * kBulkReceiveBytesMin);
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kSplice);
}

TEST_F(SplicingRelay, TwoSmallPiecesInARowEndTheBulk) {
  StartBulk();
  Fill("little");
  Drain();
  Fill(std::string(100'000, 'x'));
  Drain();
  Fill("little");
  Drain();
  Fill("and little");
  EXPECT_EQ(Drain(), "and little");
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kCold);
  EXPECT_EQ(pipes_.num_in_use(), 0);
}

TEST_F(SplicingRelay, CoolingDownGivesThePipeBack) {
  StartBulk();
  ASSERT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kSplice);
  relay_->CoolDown(Side::kUpstream);
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kCold);
  EXPECT_EQ(pipes_.num_in_use(), 0);
}

TEST_F(SplicingRelay, EndComesBehindWhatIsInThePipe) {
  StartBulk();
  Fill("last");
  relay_->OnEnded(Side::kUpstream);
  EXPECT_FALSE(relay_->drained(Side::kUpstream));
  EXPECT_EQ(Drain(), "last");
  EXPECT_TRUE(relay_->drained(Side::kUpstream));
  EXPECT_EQ(pipes_.num_in_use(), 0);
}

TEST_F(SplicingRelay, WhatIsDroppedIsDroppedInThePipeToo) {
  StartBulk();
  Fill("for nobody");
  relay_->Drop(Side::kClient);
  EXPECT_EQ(relay_->WishToDrain(Side::kClient), nullptr);
  EXPECT_TRUE(relay_->drained(Side::kUpstream));
  EXPECT_EQ(pipes_.num_in_use(), 0);
}

TEST_F(SplicingRelay, WithoutAPipeBulkGoesThroughSlabs) {
  auto taken = pipes_.Acquire();
  StartBulk();
  EXPECT_EQ(relay_->WishToReceive(Side::kUpstream).kind, Kind::kHot);
  relay_->OnHotBytes(Side::kUpstream, 0, false);
  pipes_.Release(std::move(taken));
}

TEST_F(PlainRelay, WhatArrivesIsDueAtTheOtherSide) {
  Arrive(relay_, Side::kClient, "ping");
  EXPECT_EQ(SendAll(relay_, Side::kUpstream), "ping");
  Arrive(relay_, Side::kUpstream, "pong");
  EXPECT_EQ(SendAll(relay_, Side::kClient), "pong");
  EXPECT_EQ(relay_.bytes().from_client, 4u);
  EXPECT_EQ(relay_.bytes().to_upstream, 4u);
  EXPECT_EQ(relay_.bytes().from_upstream, 4u);
  EXPECT_EQ(relay_.bytes().to_client, 4u);
}

TEST_F(PlainRelay, NothingOnTheWayMeansNoSlab) {
  EXPECT_EQ(relay_.WishToReceive(Side::kClient).kind, Kind::kCold);
  EXPECT_EQ(pool_.num_in_use(), 0);
  Arrive(relay_, Side::kClient, "ping");
  EXPECT_EQ(pool_.num_in_use(), 1);
  SendAll(relay_, Side::kUpstream);
  EXPECT_EQ(pool_.num_in_use(), 0);
}

TEST_F(PlainRelay, UnsentRestOfASendStaysDue) {
  Arrive(relay_, Side::kClient, "abcdef");
  relay_.OnSendSubmitted(Side::kUpstream, 6);
  relay_.OnSent(Side::kUpstream, 2);
  EXPECT_EQ(TextOf(relay_.WishToSend(Side::kUpstream)), "cdef");
  EXPECT_EQ(relay_.bytes().to_upstream, 2u);
  SendAll(relay_, Side::kUpstream);
}

TEST_F(PlainRelay, FullBufferOrMoreBehindItMakesTheNextReceiveHot) {
  for (const bool nonempty : {false, true}) {
    SlabPool pool;
    Relay relay(pool, kLargestSlabBytes);
    Arrive(relay, Side::kClient, nonempty ? "a little" : std::string(kColdBufferBytes, 'x'),
           nonempty);
    SendAll(relay, Side::kUpstream);
    EXPECT_TRUE(relay.hot(Side::kClient));
    const RecvWish wish = relay.WishToReceive(Side::kClient);
    EXPECT_EQ(wish.kind, Kind::kHot);
    EXPECT_EQ(wish.room.size(), kSlabClassBytes[1]);
    relay.OnHotBytes(Side::kClient, 0, false);
  }
}

TEST_F(PlainRelay, OnlyALongRunOfLargeReceivesIsPaced) {
  Heat(Side::kClient);
  const auto receive = [&](size_t n, bool nonempty) {
    relay_.OnHotBytes(Side::kClient, n, nonempty);
    SendAll(relay_, Side::kUpstream);
    return relay_.WishToReceive(Side::kClient);
  };
  RecvWish wish = relay_.WishToReceive(Side::kClient);
  for (size_t total = kBulkReceiveBytesMin; total < kBulkRunBytes; total += kBulkReceiveBytesMin) {
    wish = receive(kBulkReceiveBytesMin, /*nonempty=*/false);
    ASSERT_EQ(wish.kind, Kind::kHot);
    EXPECT_FALSE(wish.paced) << total;
  }
  EXPECT_TRUE(receive(kBulkReceiveBytesMin, /*nonempty=*/false).paced);
  // What is there already is not waited for.
  EXPECT_FALSE(receive(kBulkReceiveBytesMin, /*nonempty=*/true).paced);
  EXPECT_TRUE(receive(kBulkReceiveBytesMin, /*nonempty=*/false).paced);
  // A short receive ends the run.
  EXPECT_FALSE(receive(kBulkReceiveBytesMin - 1, /*nonempty=*/false).paced);
  EXPECT_FALSE(receive(kBulkReceiveBytesMin, /*nonempty=*/false).paced);
  relay_.OnHotBytes(Side::kClient, 0, false);
  relay_.CoolDown(Side::kClient);
}

TEST_F(PlainRelay, FullHotReceivesGrowTheSlabToTheLargest) {
  Heat(Side::kClient);
  std::vector<size_t> rooms;
  for (int i = 0; i < 3; ++i) {
    const RecvWish wish = relay_.WishToReceive(Side::kClient);
    ASSERT_EQ(wish.kind, Kind::kHot);
    rooms.push_back(wish.room.size());
    relay_.OnHotBytes(Side::kClient, wish.room.size(), true);
    SendAll(relay_, Side::kUpstream);
  }
  EXPECT_EQ(rooms, (std::vector<size_t>{128 * 1024, 1024 * 1024, 1024 * 1024}));
  relay_.CoolDown(Side::kClient);
}

TEST_F(PlainRelay, SlabsGrowNoLargerThanTold) {
  Relay relay(pool_, 40'000);
  Arrive(relay, Side::kClient, std::string(kColdBufferBytes, 'x'));
  SendAll(relay, Side::kUpstream);
  for (int i = 0; i < 3; ++i) {
    const RecvWish wish = relay.WishToReceive(Side::kClient);
    EXPECT_LE(wish.room.size(), kSlabClassBytes[1]);
    relay.OnHotBytes(Side::kClient, wish.room.size(), true);
    SendAll(relay, Side::kUpstream);
  }
}

TEST_F(PlainRelay, ShortHotReceiveMakesTheNextOneCold) {
  Heat(Side::kClient);
  ArriveHot(relay_, Side::kClient, 100);
  EXPECT_FALSE(relay_.hot(Side::kClient));
  SendAll(relay_, Side::kUpstream);
  EXPECT_EQ(relay_.WishToReceive(Side::kClient).kind, Kind::kCold);
}

TEST_F(PlainRelay, CooledDownReceiveGivesItsSlabBack) {
  Heat(Side::kClient);
  ASSERT_EQ(relay_.WishToReceive(Side::kClient).kind, Kind::kHot);
  EXPECT_EQ(pool_.num_in_use(), 1);
  relay_.CoolDown(Side::kClient);
  EXPECT_FALSE(relay_.hot(Side::kClient));
  relay_.OnHotBytes(Side::kClient, 0, false);  // Cancelled.
  EXPECT_EQ(pool_.num_in_use(), 0);
}

TEST_F(PlainRelay, SinkThatTakesNothingStopsTheReceiving) {
  Heat(Side::kClient);
  size_t held = 0;
  for (RecvWish wish; (wish = relay_.WishToReceive(Side::kClient)).kind == Kind::kHot;) {
    held += wish.room.size();
    relay_.OnHotBytes(Side::kClient, wish.room.size(), true);
    ASSERT_LE(held, kLargestSlabBytes);
  }
  EXPECT_GT(held, 0u);
  // The other direction goes on.
  EXPECT_EQ(relay_.WishToReceive(Side::kUpstream).kind, Kind::kCold);
  EXPECT_EQ(SendAll(relay_, Side::kUpstream).size(), held);
  EXPECT_EQ(relay_.WishToReceive(Side::kClient).kind, Kind::kHot);
  relay_.OnHotBytes(Side::kClient, 0, false);
}

TEST_F(PlainRelay, ReceiveAndSendShareASlab) {
  Heat(Side::kClient);
  ArriveHot(relay_, Side::kClient, 20'000);
  relay_.OnSendSubmitted(Side::kUpstream, 20'000);
  const RecvWish wish = relay_.WishToReceive(Side::kClient);
  ASSERT_EQ(wish.kind, Kind::kHot);
  std::memset(wish.room.data(), 'y', 10'000);
  relay_.OnSent(Side::kUpstream, 20'000);
  relay_.OnHotBytes(Side::kClient, 10'000, false);
  EXPECT_EQ(SendAll(relay_, Side::kUpstream), std::string(10'000, 'y'));
}

TEST_F(PlainRelay, SpentBudgetLeavesSmallSlabs) {
  SlabPool pool(/*budget_bytes=*/0);
  Relay relay(pool, kLargestSlabBytes);
  Arrive(relay, Side::kClient, std::string(kColdBufferBytes, 'x'));
  SendAll(relay, Side::kUpstream);
  const RecvWish wish = relay.WishToReceive(Side::kClient);
  EXPECT_EQ(wish.kind, Kind::kHot);
  EXPECT_EQ(wish.room.size(), kSmallSlabBytes);
  relay.OnHotBytes(Side::kClient, 0, false);
}

TEST_F(PlainRelay, EndedSourceIsDrainedOnceItsBytesAreSent) {
  Arrive(relay_, Side::kClient, "last words");
  relay_.OnEnded(Side::kClient);
  EXPECT_EQ(relay_.WishToReceive(Side::kClient).kind, Kind::kNone);
  EXPECT_FALSE(relay_.drained(Side::kClient));
  SendAll(relay_, Side::kUpstream);
  EXPECT_TRUE(relay_.drained(Side::kClient));
}

TEST_F(PlainRelay, DroppedSinkDiscardsWhatWaitsAndStopsTheSource) {
  Arrive(relay_, Side::kClient, "never mind");
  relay_.Drop(Side::kUpstream);
  EXPECT_FALSE(relay_.has_due(Side::kUpstream));
  EXPECT_TRUE(relay_.drained(Side::kClient));
  EXPECT_EQ(relay_.WishToReceive(Side::kClient).kind, Kind::kNone);
}

TEST_F(PlainRelay, DroppedSinkKeepsTheBytesOfASendInFlight) {
  Arrive(relay_, Side::kClient, "on the way");
  const auto bytes = relay_.WishToSend(Side::kUpstream);
  relay_.OnSendSubmitted(Side::kUpstream, bytes.size());
  relay_.Drop(Side::kUpstream);
  EXPECT_EQ(TextOf(bytes), "on the way");
  EXPECT_EQ(pool_.num_in_use(), 1);
  relay_.OnSent(Side::kUpstream, 0);
  EXPECT_EQ(pool_.num_in_use(), 0);
}

class TlsRelay : public ::testing::Test {
 protected:
  explicit TlsRelay(tls::Settings settings = tls::VerifyingSettings(tls::Identities().root))
      : context_(*tls::Context::Create(settings)) {}
  ~TlsRelay() override {
    relay_.reset();
    EXPECT_EQ(pool_.num_in_use(), 0);
  }

  void Start(const tools::Certificate& certificate = tls::Identities().server,
             tls::Version version = tls::Version::kTls13) {
    tls::TestServerOptions options = tls::ServerOptions(certificate);
    options.max_version = version;
    server_ = std::make_unique<tls::TestServer>(options);
    upstream_ = server_->Accept();
    relay_->StartTls(tls::Session::Create(*context_, nullptr, 0));
  }

  // Carries what is due to the upstream, and returns its answer.
  std::vector<uint8_t> Carry() {
    return upstream_->Feed(BytesOf(SendAll(*relay_, Side::kUpstream)));
  }

  void FromUpstream(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const auto part = bytes.first(std::min(bytes.size(), kColdBufferBytes));
      const RecvWish wish = relay_->WishToReceive(Side::kUpstream);
      if (wish.kind == Kind::kHot) {
        std::memcpy(wish.room.data(), part.data(), part.size());
        relay_->OnHotBytes(Side::kUpstream, part.size(), false);
      } else {
        ASSERT_EQ(wish.kind, Kind::kCold);
        std::vector<uint8_t> lent(part.begin(), part.end());
        relay_->OnColdBytes(Side::kUpstream, lent, false);
      }
      bytes = bytes.subspan(part.size());
    }
  }

  void Handshake() {
    for (int i = 0; i < 4 && relay_->handshaking(Side::kUpstream); ++i) FromUpstream(Carry());
    ASSERT_FALSE(relay_->handshaking(Side::kUpstream));
    FromUpstream(Carry());
    ASSERT_TRUE(upstream_->handshake_done());
  }

  SlabPool pool_;
  std::unique_ptr<tls::Context> context_;
  std::unique_ptr<Relay> relay_ = std::make_unique<Relay>(pool_, kLargestSlabBytes);
  std::unique_ptr<tls::TestServer> server_;
  std::unique_ptr<tls::TestServerConnection> upstream_;
};

TEST_F(TlsRelay, ClientHelloIsThereBeforeThereIsAConnection) {
  Start();
  EXPECT_TRUE(relay_->handshaking(Side::kUpstream));
  EXPECT_TRUE(relay_->has_due(Side::kUpstream));
  EXPECT_FALSE(Carry().empty());
}

TEST_F(TlsRelay, FirstClientBytesLeaveTogetherWithFinished) {
  Start();
  Arrive(*relay_, Side::kClient, "early");
  EXPECT_TRUE(relay_->holds_client_bytes());
  FromUpstream(Carry());
  ASSERT_FALSE(relay_->handshaking(Side::kUpstream));
  const auto flight = relay_->WishToSend(Side::kUpstream);
  relay_->OnSendSubmitted(Side::kUpstream, flight.size());
  (void)upstream_->Feed(flight);
  EXPECT_EQ(upstream_->TakePlaintext(), "early");
  relay_->OnSent(Side::kUpstream, flight.size());
}

TEST_F(TlsRelay, BytesPassBothWays) {
  Start();
  Handshake();
  const std::string request(100'000, 'q');
  const std::string response(20'000, 'r');
  Arrive(*relay_, Side::kClient, request.substr(0, kColdBufferBytes));
  (void)Carry();
  ArriveHot(*relay_, Side::kClient, request.size() - kColdBufferBytes);
  (void)Carry();
  EXPECT_EQ(upstream_->TakePlaintext().size(), request.size());
  FromUpstream(upstream_->Write(response));
  EXPECT_EQ(SendAll(*relay_, Side::kClient), response);
  EXPECT_EQ(relay_->bytes().to_upstream, request.size());
  EXPECT_EQ(relay_->bytes().from_upstream, response.size());
  relay_->CoolDown(Side::kClient);
  relay_->CoolDown(Side::kUpstream);
}

TEST_F(TlsRelay, CloseNotifyStandsBehindAllBytes) {
  Start();
  Handshake();
  Arrive(*relay_, Side::kClient, "last words");
  relay_->OnEnded(Side::kClient);
  relay_->QueueCloseNotify(Side::kUpstream);
  relay_->QueueCloseNotify(Side::kUpstream);
  EXPECT_FALSE(relay_->drained(Side::kClient));
  (void)Carry();
  EXPECT_EQ(upstream_->TakePlaintext(), "last words");
  EXPECT_TRUE(upstream_->close_notify_received());
  EXPECT_TRUE(relay_->drained(Side::kClient));
}

TEST_F(TlsRelay, NothingIsSealedBehindCloseNotify) {
  Start();
  Handshake();
  // More than the slab of what is sealed holds: the rest waits.
  relay_->CoolDown(Side::kClient);
  for (int i = 0; i < 12; ++i) {
    const RecvWish wish = relay_->WishToReceive(Side::kClient);
    if (wish.kind == Kind::kNone) break;
    const std::string text(kColdBufferBytes, 'x');
    if (wish.kind == Kind::kCold) {
      std::vector<uint8_t> bytes = BytesOf(text);
      relay_->OnColdBytes(Side::kClient, bytes, false);
    } else {
      std::memset(wish.room.data(), 'x', wish.room.size());
      relay_->OnHotBytes(Side::kClient, wish.room.size(), false);
    }
  }
  ASSERT_TRUE(relay_->holds_client_bytes());
  relay_->QueueCloseNotify(Side::kUpstream);
  (void)Carry();
  EXPECT_EQ(upstream_->error(), "");
  EXPECT_FALSE(relay_->tls_failed(Side::kUpstream));
}

TEST_F(TlsRelay, CloseNotifyOfTheUpstreamEndsItsStream) {
  Start();
  Handshake();
  FromUpstream(upstream_->Write("bye"));
  FromUpstream(upstream_->CloseNotify());
  EXPECT_TRUE(relay_->tls_closed(Side::kUpstream));
  EXPECT_TRUE(relay_->ended(Side::kUpstream));
  EXPECT_EQ(SendAll(*relay_, Side::kClient), "bye");
  EXPECT_TRUE(relay_->drained(Side::kUpstream));
}

TEST_F(TlsRelay, WrongCertificateGetsAnAlertAndNoByteOfTheClients) {
  const auto stranger = tools::Certificate::SelfSigned(tools::CaSpec("stranger"));
  Start(stranger.Issue(tools::ServerSpec({"backend.test"})));
  Arrive(*relay_, Side::kClient, "secret");
  FromUpstream(Carry());
  EXPECT_TRUE(relay_->tls_failed(Side::kUpstream));
  EXPECT_EQ(relay_->session(Side::kUpstream)->failure().kind,
            tls::FailureKind::kCertificateUntrusted);
  (void)Carry();
  EXPECT_NE(upstream_->error().find("SSL alert number 48"), std::string::npos)
      << upstream_->error();
  EXPECT_EQ(upstream_->TakePlaintext(), "");
  EXPECT_TRUE(relay_->holds_client_bytes());
}

TEST_F(TlsRelay, ClientBytesWaitForTheNextUpstreamWhenOneEndsInTheHandshake) {
  Start();
  Arrive(*relay_, Side::kClient, "for whom it may concern");
  relay_->OnEnded(Side::kUpstream);
  relay_->ForgetUpstream();
  Start();
  Handshake();
  EXPECT_EQ(upstream_->TakePlaintext(), "for whom it may concern");
}

TEST_F(TlsRelay, FailureRightBehindTheHandshakeIsNoFailureOfTheHandshake) {
  for (const tls::Version version : {tls::Version::kTls12, tls::Version::kTls13}) {
    SCOPED_TRACE(tls::VersionName(version));
    relay_ = std::make_unique<Relay>(pool_, kLargestSlabBytes);
    Start(tls::Identities().server, version);
    auto flight = Carry();
    if (version == tls::Version::kTls12) {
      FromUpstream(flight);
      flight = Carry();
    }
    const std::vector<uint8_t> garbage = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                          9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    flight.insert(flight.end(), garbage.begin(), garbage.end());
    FromUpstream(flight);
    EXPECT_FALSE(relay_->handshaking(Side::kUpstream));
    EXPECT_TRUE(relay_->tls_failed(Side::kUpstream));
  }
}

// A chain of certificates that does not fit into a small slab.
class TlsRelayWithLargeCertificate : public TlsRelay {
 protected:
  TlsRelayWithLargeCertificate() : TlsRelay(LargeSettings()) {}

  static tls::Settings LargeSettings() {
    auto spec = tools::ClientSpec("client");
    for (int i = 0; i < 1500; ++i) {
      spec.dns_names.push_back("a-rather-long-name-of-a-client-" + std::to_string(i) + ".test");
    }
    const auto client = tls::Identities().root.Issue(spec);
    tls::Settings settings = tls::VerifyingSettings(tls::Identities().root);
    settings.certificate = tls::FileOf("client.pem", client.chain_pem());
    settings.certificate_key = tls::FileOf("client.key", client.key_pem());
    return settings;
  }
};

TEST_F(TlsRelayWithLargeCertificate, FlightThatIsLargerThanASlabGoesOnWhenThereIsRoom) {
  tls::TestServerOptions options = tls::ServerOptions(tls::Identities().server);
  options.client_ca_pem = tls::Identities().root.pem();
  server_ = std::make_unique<tls::TestServer>(options);
  upstream_ = server_->Accept();
  relay_->StartTls(tls::Session::Create(*context_, nullptr, 0));
  for (int i = 0; i < 10 && relay_->handshaking(Side::kUpstream); ++i) {
    FromUpstream(Carry());
  }
  (void)Carry();
  EXPECT_FALSE(relay_->handshaking(Side::kUpstream));
  EXPECT_EQ(upstream_->error(), "");
  EXPECT_TRUE(upstream_->handshake_done());
}

// --- A client that speaks TLS --------------------------------------------------------------------

std::string Pattern(size_t n) {
  std::string text(n, '\0');
  for (size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * 2654435761u >> 16);
  return text;
}

struct TlsSides {
  tls::Version client;
  bool upstream;  // Speaks TLS as well.
};

class ClientTlsRelay : public TlsRelay, public ::testing::WithParamInterface<TlsSides> {
 protected:
  ClientTlsRelay() {
    tls::ServerSettings settings;
    settings.identities.push_back(
        {.certificate = tls::FileOf("server.pem", tls::Identities().server.chain_pem()),
         .certificate_key = tls::FileOf("server.key", tls::Identities().server.key_pem())});
    server_context_ = *tls::ServerContext::Create(
        settings, tls::ServerResumption::Of(settings, client_sessions_));
    client_ = client_side_.Connect();
    relay_->StartClientTls(tls::Session::Create(*server_context_));
  }
  ~ClientTlsRelay() override { relay_.reset(); }

  // Carries what is due to the client, and what it answers.
  void CarryToClient() { FromClient(client_->Feed(BytesOf(SendAll(*relay_, Side::kClient)))); }
  void FromClient(std::span<const uint8_t> bytes) {
    EXPECT_EQ(Deliver(*relay_, Side::kClient, bytes), bytes.size());
  }
  // Up to the client's last flight; what is due to it then is not sent.
  void ShakeHandsWithClient() {
    FromClient(client_->Feed({}));
    for (int i = 0; i < 4 && relay_->handshaking(Side::kClient); ++i) CarryToClient();
    ASSERT_FALSE(relay_->handshaking(Side::kClient));
  }
  void StartUpstream() {
    if (GetParam().upstream) Start();
  }
  void ShakeHands() {
    ShakeHandsWithClient();
    CarryToClient();
    ASSERT_TRUE(client_->handshake_done());
    StartUpstream();
    if (GetParam().upstream) Handshake();
  }

  // What the upstream is sent.
  std::string ToUpstream() {
    if (!GetParam().upstream) return SendAll(*relay_, Side::kUpstream);
    (void)Carry();
    return upstream_->TakePlaintext();
  }
  std::vector<uint8_t> SaidByUpstream(std::string_view text) {
    return GetParam().upstream ? upstream_->Write(text) : BytesOf(text);
  }
  std::string ToClient() {
    CarryToClient();
    return client_->TakePlaintext();
  }

  tls::ServerSessionCache client_sessions_;
  std::unique_ptr<tls::ServerContext> server_context_;
  tls::TestClient client_side_{{.max_version = GetParam().client}};
  std::unique_ptr<tls::TestConnection> client_;
};

INSTANTIATE_TEST_SUITE_P(
    Sides, ClientTlsRelay,
    ::testing::Values(TlsSides{tls::Version::kTls12, false}, TlsSides{tls::Version::kTls13, false},
                      TlsSides{tls::Version::kTls12, true}, TlsSides{tls::Version::kTls13, true}),
    [](const auto& info) {
      return std::string(info.param.client == tls::Version::kTls13 ? "Tls13" : "Tls12") +
             (info.param.upstream ? "ToTls" : "ToPlain");
    });

TEST_P(ClientTlsRelay, BytesPassBothWaysAndPlaintextIsCounted) {
  ShakeHands();
  FromClient(client_->Write("request"));
  EXPECT_EQ(ToUpstream(), "request");
  Deliver(*relay_, Side::kUpstream, SaidByUpstream("the response"));
  EXPECT_EQ(ToClient(), "the response");
  const RelayBytes& bytes = relay_->bytes();
  EXPECT_EQ(bytes.from_client, 7u);
  EXPECT_EQ(bytes.to_upstream, 7u);
  EXPECT_EQ(bytes.from_upstream, 12u);
  EXPECT_EQ(bytes.to_client, 12u);
  EXPECT_EQ(bytes.spliced, 0u);
  EXPECT_EQ(pool_.num_in_use(), 0);
}

TEST_P(ClientTlsRelay, UpstreamThatTakesNothingStopsTheClient) {
  ShakeHands();
  const std::string request = Pattern(5'000'000);
  const std::vector<uint8_t> sealed = client_->Write(request);
  size_t done = Deliver(*relay_, Side::kClient, sealed);
  EXPECT_LT(done, 4 * kLargestSlabBytes);
  EXPECT_LE(pool_.num_in_use(), 3);
  std::string arrived;
  while (relay_->has_due(Side::kUpstream)) {
    const auto part = relay_->WishToSend(Side::kUpstream);
    relay_->OnSendSubmitted(Side::kUpstream, part.size());
    // What comes meanwhile does not touch the bytes of the send.
    done += Deliver(*relay_, Side::kClient, std::span(sealed).subspan(done));
    if (GetParam().upstream) {
      (void)upstream_->Feed(part);
      arrived += upstream_->TakePlaintext();
    } else {
      arrived += TextOf(part);
    }
    relay_->OnSent(Side::kUpstream, part.size());
    done += Deliver(*relay_, Side::kClient, std::span(sealed).subspan(done));
  }
  EXPECT_EQ(done, sealed.size());
  EXPECT_TRUE(arrived == request) << arrived.size();
  EXPECT_EQ(relay_->bytes().to_upstream, request.size());
  relay_->CoolDown(Side::kClient);
}

TEST_P(ClientTlsRelay, ClientThatTakesNothingStopsTheUpstream) {
  ShakeHands();
  const std::string response = Pattern(5'000'000);
  const std::vector<uint8_t> said = SaidByUpstream(response);
  size_t done = Deliver(*relay_, Side::kUpstream, said);
  EXPECT_LT(done, 4 * kLargestSlabBytes);
  EXPECT_LE(pool_.num_in_use(), 3);
  std::string arrived;
  while (relay_->has_due(Side::kClient)) {
    const auto part = relay_->WishToSend(Side::kClient);
    relay_->OnSendSubmitted(Side::kClient, part.size());
    done += Deliver(*relay_, Side::kUpstream, std::span(said).subspan(done));
    (void)client_->Feed(part);
    arrived += client_->TakePlaintext();
    relay_->OnSent(Side::kClient, part.size());
    done += Deliver(*relay_, Side::kUpstream, std::span(said).subspan(done));
  }
  EXPECT_EQ(done, said.size());
  EXPECT_EQ(client_->error(), "");
  EXPECT_TRUE(arrived == response) << arrived.size();
  EXPECT_EQ(relay_->bytes().to_client, response.size());
  relay_->CoolDown(Side::kUpstream);
}

TEST_P(ClientTlsRelay, CloseNotifyToTheClientStandsBehindAllBytesOnce) {
  ShakeHands();
  Deliver(*relay_, Side::kUpstream, SaidByUpstream("last words"));
  relay_->OnEnded(Side::kUpstream);
  relay_->QueueCloseNotify(Side::kClient);
  const size_t due = relay_->WishToSend(Side::kClient).size();
  relay_->QueueCloseNotify(Side::kClient);
  EXPECT_EQ(relay_->WishToSend(Side::kClient).size(), due);
  EXPECT_EQ(ToClient(), "last words");
  EXPECT_TRUE(client_->close_notify_received());
  EXPECT_EQ(client_->error(), "");
  EXPECT_TRUE(relay_->drained(Side::kUpstream));
}

TEST_P(ClientTlsRelay, CloseNotifyOfTheClientEndsItsStream) {
  ShakeHands();
  auto bytes = client_->Write("bye");
  const auto close_notify = client_->CloseNotify();
  bytes.insert(bytes.end(), close_notify.begin(), close_notify.end());
  FromClient(bytes);
  EXPECT_TRUE(relay_->ended(Side::kClient));
  EXPECT_TRUE(relay_->tls_closed(Side::kClient));
  EXPECT_EQ(ToUpstream(), "bye");
  EXPECT_TRUE(relay_->drained(Side::kClient));
}

TEST_P(ClientTlsRelay, NextUpstreamGetsTheBytesAndTheClientItsWholeHandshake) {
  ShakeHandsWithClient();
  // In the middle of a record, with the end of the handshake due to the client.
  const auto sealed = client_->handshake_done() ? client_->Write("for whom it may concern")
                                                : std::vector<uint8_t>();
  FromClient(std::span(sealed).first(sealed.size() / 2));
  StartUpstream();
  FromClient(std::span(sealed).subspan(sealed.size() / 2));
  if (GetParam().upstream) (void)Carry();
  relay_->OnEnded(Side::kUpstream);
  relay_->ForgetUpstream();
  StartUpstream();
  if (GetParam().upstream) Handshake();
  CarryToClient();
  EXPECT_EQ(client_->error(), "");
  ASSERT_TRUE(client_->handshake_done());
  EXPECT_NE(client_->session(), nullptr) << "no ticket has come";
  if (sealed.empty()) FromClient(client_->Write("for whom it may concern"));
  EXPECT_EQ(ToUpstream(), "for whom it may concern");
  Deliver(*relay_, Side::kUpstream, SaidByUpstream("welcome"));
  EXPECT_EQ(ToClient(), "welcome");
}

TEST_P(ClientTlsRelay, PrefaceFindsRoomInFrontOfAllThatTheClientHasSent) {
  ShakeHandsWithClient();
  CarryToClient();
  const std::string request = Pattern(3'000'000);
  const std::vector<uint8_t> sealed = client_->Write(request);
  size_t done = Deliver(*relay_, Side::kClient, sealed);
  ASSERT_TRUE(relay_->holds_client_bytes());
  const std::string preface(kPrefaceBytesMax, 'p');
  std::string sent;
  if (GetParam().upstream) {
    tls::TestServerOptions options = tls::ServerOptions(tls::Identities().server);
    server_ = std::make_unique<tls::TestServer>(options);
    upstream_ = server_->Accept();
    relay_->StartTls(tls::Session::Create(*context_, nullptr, 0), preface);
    const std::string hello = SendAll(*relay_, Side::kUpstream);
    sent = hello.substr(0, preface.size());
    FromUpstream(upstream_->Feed(BytesOf(hello.substr(preface.size()))));
  } else {
    relay_->QueuePreface(preface);
  }
  do {
    done += Deliver(*relay_, Side::kClient, std::span(sealed).subspan(done));
    sent += ToUpstream();
  } while (done < sealed.size());
  sent += ToUpstream();
  EXPECT_TRUE(sent == preface + request) << sent.size();
  relay_->CoolDown(Side::kClient);
}

TEST_P(ClientTlsRelay, BrokenRecordComesBehindWhatWasGood) {
  ShakeHands();
  auto bytes = client_->Write("good");
  std::vector<uint8_t> garbage = {23, 3, 3, 0, 64};
  garbage.resize(garbage.size() + 64, 0x5a);
  bytes.insert(bytes.end(), garbage.begin(), garbage.end());
  FromClient(bytes);
  EXPECT_TRUE(relay_->tls_failed(Side::kClient));
  EXPECT_FALSE(relay_->tls_failed(Side::kUpstream));
  EXPECT_FALSE(relay_->drained(Side::kClient));
  EXPECT_EQ(ToUpstream(), "good");
  EXPECT_TRUE(relay_->drained(Side::kClient));
  (void)client_->Feed(BytesOf(SendAll(*relay_, Side::kClient)));
  EXPECT_NE(client_->error().find("SSL alert number"), std::string::npos) << client_->error();
}

// A PROXY header in front of so much that the slab is full.
TEST_F(PlainRelay, PrefaceFindsRoomBehindAHeaderThatIsGone) {
  Arrive(relay_, Side::kClient, "head", /*nonempty=*/true);
  const RecvWish wish = relay_.WishToReceive(Side::kClient);
  ASSERT_EQ(wish.kind, Kind::kHot);
  ArriveHot(relay_, Side::kClient, wish.room.size());
  relay_.ConsumeClientBytes(4);
  relay_.QueuePreface(std::string(kPrefaceBytesMax, 'p'));
  EXPECT_EQ(SendAll(relay_, Side::kUpstream),
            std::string(kPrefaceBytesMax, 'p') + std::string(wish.room.size(), 'x'));
}

}  // namespace
}  // namespace sluice::engine
