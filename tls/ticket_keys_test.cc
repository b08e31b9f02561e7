#include "tls/ticket_keys.h"

#include <openssl/cipher.h>
#include <openssl/hmac.h>

#include <array>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/server_session_cache.h"

namespace sluice::tls {
namespace {

constexpr int64_t kLifetimeS = 300;

struct Ticket {
  std::array<uint8_t, 16> name;
  std::array<uint8_t, 16> iv;
};

Ticket Seal(TicketKeys& keys, int64_t now_s) {
  Ticket ticket;
  bssl::ScopedEVP_CIPHER_CTX cipher;
  bssl::ScopedHMAC_CTX hmac;
  EXPECT_EQ(keys.Seal(ticket.name.data(), ticket.iv.data(), cipher.get(), hmac.get(), now_s), 1);
  return ticket;
}

int Open(TicketKeys& keys, const Ticket& ticket, int64_t now_s) {
  bssl::ScopedEVP_CIPHER_CTX cipher;
  bssl::ScopedHMAC_CTX hmac;
  return keys.Open(ticket.name.data(), ticket.iv.data(), cipher.get(), hmac.get(), now_s);
}

TEST(TicketKeysTest, RandomKeyIsReplacedAfterItsLifetimeAndReadForAsLongAgain) {
  const auto keys = TicketKeys::Random(kLifetimeS);
  const Ticket ticket = Seal(*keys, 1000);
  EXPECT_EQ(Open(*keys, ticket, 1000 + kLifetimeS - 1), 1);
  EXPECT_EQ(Open(*keys, ticket, 1000 + kLifetimeS), 2) << "to be replaced";
  EXPECT_NE(Seal(*keys, 1000 + kLifetimeS).name, ticket.name);
  EXPECT_EQ(Open(*keys, ticket, 1000 + 2 * kLifetimeS - 1), 2);
  EXPECT_EQ(Open(*keys, ticket, 1000 + 2 * kLifetimeS), 0);
}

TEST(TicketKeysTest, TwoProcessesNeverShareARandomKey) {
  EXPECT_EQ(Open(*TicketKeys::Random(kLifetimeS), Seal(*TicketKeys::Random(kLifetimeS), 0), 0), 0);
}

TEST(TicketKeysTest, KeysOfFilesStayAndTheFirstOneIsWrittenWith) {
  std::vector<Problem> problems;
  const File short_key{.path = "short", .contents = std::string(48, 's')};
  const File long_key{.path = "long", .contents = std::string(80, 'l')};
  const auto before = TicketKeys::FromFiles({short_key}, &problems);
  const auto after = TicketKeys::FromFiles({long_key, short_key}, &problems);
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(Open(*after, Seal(*before, 0), 1'000'000'000), 2);
  EXPECT_EQ(Open(*after, Seal(*after, 0), 1'000'000'000), 1);
  EXPECT_EQ(Open(*before, Seal(*after, 0), 0), 0);
}

TEST(TicketKeysTest, ServersOfEqualSettingsHaveEqualKeysAsLongAsSomebodyHoldsThem) {
  ServerSessionCache sessions;
  const Fingerprint one = {1};
  const Fingerprint other = {2};
  auto keys = sessions.RandomKeysOf(one, kLifetimeS);
  EXPECT_EQ(sessions.RandomKeysOf(one, kLifetimeS), keys);
  EXPECT_NE(sessions.RandomKeysOf(other, kLifetimeS), keys);
  const Ticket ticket = Seal(*keys, 0);
  keys.reset();
  EXPECT_EQ(Open(*sessions.RandomKeysOf(one, kLifetimeS), ticket, 0), 0);
}

TEST(ServerSessionCacheTest, CachesOfOneNameAndSizeAreOne) {
  ServerSessionCache sessions;
  const auto cache = sessions.CacheOf("tls", 1 << 20);
  EXPECT_EQ(sessions.CacheOf("tls", 1 << 20), cache);
  EXPECT_NE(sessions.CacheOf("other", 1 << 20), cache);
  EXPECT_NE(sessions.CacheOf("tls", 1 << 21), cache);
}

}  // namespace
}  // namespace sluice::tls
