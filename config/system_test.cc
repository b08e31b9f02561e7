#include "config/system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

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

TEST(ThisSystem, TellsWhatAFileIsAndWhoMayReadIt) {
  const std::string path = testing::TempDir() + "/system_test.file";
  std::ofstream(path) << "x";
  ASSERT_EQ(chmod(path.c_str(), 0604), 0);
  const System system = ThisSystem();
  EXPECT_EQ(*system.mode_of(path), mode_t{S_IFREG | 0604});
  const absl::StatusOr<mode_t> inside = system.mode_of(path + "/inside");
  EXPECT_EQ(inside.status().message(), "stat() failed (20: Not a directory)");
  EXPECT_FALSE(absl::IsNotFound(inside.status()));
  ASSERT_EQ(unlink(path.c_str()), 0);
  const absl::StatusOr<mode_t> gone = system.mode_of(path);
  EXPECT_EQ(gone.status().message(), "stat() failed (2: No such file or directory)");
  EXPECT_TRUE(absl::IsNotFound(gone.status()));
  EXPECT_TRUE(S_ISDIR(*system.mode_of(testing::TempDir())));
  EXPECT_TRUE(S_ISCHR(*system.mode_of("/dev/null")));
}

}  // namespace
}  // namespace sluice::config
