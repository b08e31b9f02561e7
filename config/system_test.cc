#include "config/system.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::config {
namespace {

TEST(ThisSystem, ResolvesLiteralsWithoutDuplicates) {
  const auto addresses = ThisSystem().resolve("127.0.0.1");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  ASSERT_EQ(addresses->size(), 1u);
  EXPECT_EQ((*addresses)[0].text, "127.0.0.1:0");
}

TEST(ThisSystem, TellsWhyANameHasNoAddress) {
  // RFC 6761: never resolves.
  const auto addresses = ThisSystem().resolve("name.invalid");
  ASSERT_FALSE(addresses.ok());
  EXPECT_FALSE(addresses.status().message().empty());
}

TEST(ThisSystem, KnowsItsUsersAndCpus) {
  const System system = ThisSystem();
  EXPECT_TRUE(system.user_exists("root"));
  EXPECT_FALSE(system.user_exists("no such user"));
  EXPECT_TRUE(system.group_exists("root"));
  EXPECT_FALSE(system.group_exists("no such group"));
  ASSERT_FALSE(system.usable_cpus.empty());
  EXPECT_TRUE(std::is_sorted(system.usable_cpus.begin(), system.usable_cpus.end()));
}

}  // namespace
}  // namespace sluice::config
