#include "config/system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

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

TEST(ThisSystem, TellsWhoMayReadAFile) {
  const std::string path = testing::TempDir() + "/system_test.file";
  std::ofstream(path) << "x";
  ASSERT_EQ(chmod(path.c_str(), 0604), 0);
  const System system = ThisSystem();
  EXPECT_EQ(system.permissions_of(path), 0604);
  ASSERT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(system.permissions_of(path), 0);
}

}  // namespace
}  // namespace sluice::config
