#include "engine/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
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

TEST(LogsForUserTest, OnlyFilesThatAreNotThereYetAreTheUsers) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const std::string folder = absl::StrCat("/tmp/privileges_test.", getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/old") << "";
  ASSERT_EQ(symlink((folder + "/elsewhere").c_str(), (folder + "/link").c_str()), 0);
  config::Plan plan;
  plan.process.user = "nobody";
  plan.process.error_logs = {{.file = folder + "/new"}, {.file = folder + "/old"}};
  plan.servers.push_back({.error_logs = {{.file = "stderr"}, {.file = folder + "/link"}}});
  plan.tls_profiles.push_back({.key_log_path = folder + "/keys"});
  CreateLogsForUser(plan);
  const uid_t nobody = getpwnam("nobody")->pw_uid;
  struct stat file;
  ASSERT_EQ(stat((folder + "/new").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, nobody);
  ASSERT_EQ(stat((folder + "/keys").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, nobody);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((folder + "/old").c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, 0u);
  EXPECT_FALSE(std::filesystem::exists(folder + "/elsewhere"));
  std::filesystem::remove_all(folder);
}

config::Plan PlanOf(const config::Process& process) {
  config::Plan plan;
  plan.process = process;
  return plan;
}

// Of the calling thread.
struct Capabilities {
  uint64_t effective = 0;
  uint64_t permitted = 0;
};
Capabilities GetCapabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, sets) != 0) return {~uint64_t{0}, ~uint64_t{0}};
  return {uint64_t{sets[1].effective} << 32 | sets[0].effective,
          uint64_t{sets[1].permitted} << 32 | sets[0].permitted};
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
    if (!DropPrivileges(PlanOf({.user = "nobody"})).ok()) return false;
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
    return DropPrivileges(PlanOf({.user = "nobody", .group = "daemon"})).ok() && getegid() == gid;
  }));
}

TEST_F(DropPrivilegesTest, UnknownUserOrGroupIsNamed) {
  EXPECT_THAT(DropPrivileges(PlanOf({.user = "no-such-user"})).message(),
              HasSubstr("user \"no-such-user\" does not exist"));
  EXPECT_THAT(DropPrivileges(PlanOf({.user = "nobody", .group = "no-such-group"})).message(),
              HasSubstr("group \"no-such-group\" does not exist"));
}

TEST_F(DropPrivilegesTest, NoCapabilityIsLeft) {
  EXPECT_TRUE(InChild([] {
    if (!DropPrivileges(PlanOf({.user = "nobody"})).ok()) return false;
    const Capabilities left = GetCapabilities();
    return left.effective == 0 && left.permitted == 0;
  }));
}

TEST_F(DropPrivilegesTest, TransparentBindKeepsTheOneCapabilityThatItNeeds) {
  constexpr uint64_t kNetRaw = uint64_t{1} << CAP_NET_RAW;
  if ((GetCapabilities().permitted & kNetRaw) == 0) GTEST_SKIP() << "root has no CAP_NET_RAW here";
  EXPECT_TRUE(InChild([] {
    config::Plan plan = PlanOf({.user = "nobody"});
    plan.servers.resize(2);
    plan.servers[1].bind = {.transparent = true};
    if (!DropPrivileges(plan).ok()) return false;
    const Capabilities left = GetCapabilities();
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    return left.effective == kNetRaw && left.permitted == kNetRaw && getuid() != 0 &&
           prctl(PR_GET_KEEPCAPS) == 0 &&
           setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0;
  }));
}

TEST_F(DropPrivilegesTest, WithoutAUserNothingChanges) {
  EXPECT_TRUE(DropPrivileges({}).ok());
  EXPECT_EQ(geteuid(), 0u);
}

TEST_F(DropPrivilegesTest, WithoutRootNothingChanges) {
  EXPECT_TRUE(InChild([] {
    return setuid(65534) == 0 && DropPrivileges(PlanOf({.user = "root"})).ok() &&
           geteuid() == 65534;
  }));
}

}  // namespace
}  // namespace sluice::engine
