#include "tls/ticket_cache.h"

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

class TicketCacheTest : public ::testing::Test {
 protected:
  std::shared_ptr<TicketPool> PoolFor(const Settings& settings, const std::string& peer) {
    return cache_.PoolFor(FingerprintOf(settings), peer, settings);
  }
  static void PutOne(TicketPool& pool) {
    const bssl::UniquePtr<SSL_CTX> ssl_ctx(SSL_CTX_new(TLS_with_buffers_method()));
    SSL_SESSION* session = SSL_SESSION_new(ssl_ctx.get());
    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
    pool.Put(0, session);
  }
  static bool HasOne(TicketPool& pool) {
    return bssl::UniquePtr<SSL_SESSION>(pool.Take(0)) != nullptr;
  }
  static Settings Trusting(const std::string& ca) {
    Settings settings;
    settings.verify = true;
    settings.name = "backend.test";
    settings.trusted_certificate = {.path = "ca.pem", .contents = ca};
    return settings;
  }

  TicketCache cache_{2};
};

TEST_F(TicketCacheTest, EqualSettingsAndPeerShareOnePoolAndWhatIsInIt) {
  const auto before = PoolFor(Trusting("A"), "192.0.2.1:443");
  PutOne(*before);
  const auto after = PoolFor(Trusting("A"), "192.0.2.1:443");
  EXPECT_EQ(after, before);
  EXPECT_TRUE(HasOne(*after));
}

TEST_F(TicketCacheTest, APoolOutlivesAPlanIfTheNextOneHoldsItFirst) {
  auto old_plan = PoolFor(Trusting("A"), "192.0.2.1:443");
  PutOne(*old_plan);
  const auto new_plan = PoolFor(Trusting("A"), "192.0.2.1:443");
  old_plan.reset();
  EXPECT_TRUE(HasOne(*new_plan));
}

TEST_F(TicketCacheTest, AChangedFileOrAnotherPeerGivesAnEmptyPool) {
  const auto pool = PoolFor(Trusting("A"), "192.0.2.1:443");
  PutOne(*pool);
  const auto other_ca = PoolFor(Trusting("B"), "192.0.2.1:443");
  Settings with_crl = Trusting("A");
  with_crl.crl = {.path = "crl.pem", .contents = "C"};
  const auto other_crl = PoolFor(with_crl, "192.0.2.1:443");
  const auto other_peer = PoolFor(Trusting("A"), "192.0.2.2:443");
  for (const auto& other : {other_ca, other_crl, other_peer}) {
    EXPECT_NE(other, pool);
    EXPECT_FALSE(HasOne(*other));
  }
}

TEST_F(TicketCacheTest, APoolIsFreedAfterItsLastUser) {
  auto pool = PoolFor(Trusting("A"), "192.0.2.1:443");
  const std::weak_ptr<TicketPool> watch = pool;
  PutOne(*pool);
  pool.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(HasOne(*PoolFor(Trusting("A"), "192.0.2.1:443")));
}

TEST_F(TicketCacheTest, APoolInUseIsFoundHoweverManyOthersComeAndGo) {
  const auto pool = PoolFor(Trusting("A"), "192.0.2.1:443");
  for (int port = 1; port < 1000; ++port)
    PoolFor(Trusting("A"), "192.0.2.1:" + std::to_string(port));
  EXPECT_EQ(PoolFor(Trusting("A"), "192.0.2.1:443"), pool);
}

TEST_F(TicketCacheTest, APoolFollowsItsSettings) {
  Settings settings = Trusting("A");
  settings.ticket_use = TicketUse::kSingleUse;
  const auto strict = PoolFor(settings, "192.0.2.1:443");
  PutOne(*strict);
  EXPECT_TRUE(HasOne(*strict));
  EXPECT_FALSE(HasOne(*strict));
  settings.session_cache_bytes = 1;
  const auto small = PoolFor(settings, "192.0.2.1:443");
  EXPECT_NE(small, strict);
  PutOne(*small);
  EXPECT_TRUE(HasOne(*small)) << "a shard has room for a session at least";
}

TEST_F(TicketCacheTest, APoolLivesOnWithoutTheCache) {
  std::shared_ptr<TicketPool> pool;
  {
    TicketCache cache(1);
    pool = cache.PoolFor(FingerprintOf(Trusting("A")), "192.0.2.1:443", Trusting("A"));
  }
  PutOne(*pool);
  EXPECT_TRUE(HasOne(*pool));
}

}  // namespace
}  // namespace sluice::tls
