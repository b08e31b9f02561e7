#include "engine/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Runs `body` in a child process, since what it does cannot be undone. True if it returned true.
bool InChild(const std::function<bool()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body() ? 0 : 1);
  int status;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

rlim_t DescriptorLimit() {
  rlimit limit;
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit.rlim_cur;
}

TEST(DescriptorLimitTest, SoftLimitIsRaisedToTheHardOne) {
  EXPECT_TRUE(InChild([] {
    const rlimit limit = {100, 200};
    Logger logger;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && RaiseDescriptorLimit({}, logger).ok() &&
           DescriptorLimit() == 200;
  }));
}

TEST(DescriptorLimitTest, ConfiguredLimitIsSet) {
  EXPECT_TRUE(InChild([] {
    const rlimit limit = {100, 200};
    Logger logger;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           RaiseDescriptorLimit({.nofile_limit = 150}, logger).ok() && DescriptorLimit() == 150;
  }));
}

TEST(DescriptorLimitTest, LimitThatNobodyMaySetIsAnError) {
  Logger logger;
  EXPECT_THAT(RaiseDescriptorLimit({.nofile_limit = int64_t{1} << 40}, logger).message(),
              AllOf(HasSubstr("setrlimit(RLIMIT_NOFILE, 1099511627776) failed (1: "),
                    HasSubstr("worker_rlimit_nofile")));
}

TEST(DescriptorLimitTest, MoreConnectionsThanDescriptorsAreWarnedOf) {
  Logger logger;
  testing::internal::CaptureStderr();
  EXPECT_TRUE(InChild([&] {
    return RaiseDescriptorLimit({.num_shards = 4, .nofile_limit = 100, .worker_connections = 26},
                                logger)
        .ok();
  }));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("[warn] 104 connections"), HasSubstr("resource limit: 100")));
}

class DropPrivilegesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  }
};

TEST_F(DropPrivilegesTest, UserGroupAndSupplementaryGroupsAreThoseOfTheUser) {
  const passwd* nobody = getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const uid_t uid = nobody->pw_uid;
  const gid_t gid = nobody->pw_gid;
  EXPECT_TRUE(InChild([&] {
    const gid_t root_groups[] = {0, 1, 2};
    if (setgroups(3, root_groups) != 0) return false;
    if (!DropPrivileges({.user = "nobody"}).ok()) return false;
    gid_t groups[16];
    const int num_groups = getgroups(16, groups);
    for (int i = 0; i < num_groups; ++i) {
      if (groups[i] != gid) return false;
    }
    uid_t real, effective, saved;
    getresuid(&real, &effective, &saved);
    return real == uid && effective == uid && saved == uid && getegid() == gid && setuid(0) != 0 &&
           prctl(PR_GET_DUMPABLE) == 0;
  }));
}

TEST_F(DropPrivilegesTest, GroupMayBeAnother) {
  const group* daemon = getgrnam("daemon");
  ASSERT_NE(daemon, nullptr);
  const gid_t gid = daemon->gr_gid;
  EXPECT_TRUE(InChild([&] {
    return DropPrivileges({.user = "nobody", .group = "daemon"}).ok() && getegid() == gid;
  }));
}

TEST_F(DropPrivilegesTest, UnknownUserOrGroupIsNamed) {
  EXPECT_THAT(DropPrivileges({.user = "no-such-user"}).message(),
              HasSubstr("user \"no-such-user\" does not exist"));
  EXPECT_THAT(DropPrivileges({.user = "nobody", .group = "no-such-group"}).message(),
              HasSubstr("group \"no-such-group\" does not exist"));
}

TEST_F(DropPrivilegesTest, WithoutAUserNothingChanges) {
  EXPECT_TRUE(DropPrivileges({}).ok());
  EXPECT_EQ(geteuid(), 0u);
}

TEST_F(DropPrivilegesTest, WithoutRootNothingChanges) {
  EXPECT_TRUE(InChild([] {
    return setuid(65534) == 0 && DropPrivileges({.user = "root"}).ok() && geteuid() == 65534;
  }));
}

}  // namespace
}  // namespace sluice::engine
