#include "engine/ring_setup_error.h"

#include <sys/resource.h>

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Explain(RingSetupFacts facts) {
  if (facts.kernel_release.empty()) facts.kernel_release = "6.12.9-amd64";
  return ExplainRingSetupError(facts);
}

TEST(RingSetupErrorTest, SysctlThatForbidsAllIsNamedWithItsValue) {
  EXPECT_THAT(Explain({.error = EPERM, .io_uring_disabled = 2}),
              AllOf(HasSubstr("kernel.io_uring_disabled is 2"),
                    HasSubstr("sysctl -w kernel.io_uring_disabled=0"), Not(HasSubstr("seccomp"))));
}

TEST(RingSetupErrorTest, SysctlThatForbidsTheUnprivilegedNamesTheGroup) {
  EXPECT_THAT(Explain({.error = EPERM, .io_uring_disabled = 1}),
              AllOf(HasSubstr("kernel.io_uring_disabled is 1"), HasSubstr("io_uring_group")));
}

TEST(RingSetupErrorTest, RefusalWithoutTheSysctlIsSeccomp) {
  EXPECT_THAT(Explain({.error = EPERM, .io_uring_disabled = 0}),
              AllOf(HasSubstr("seccomp"), HasSubstr("kernel.io_uring_disabled is 0")));
  EXPECT_THAT(Explain({.error = EPERM}), AllOf(HasSubstr("seccomp"), HasSubstr("not set")));
}

TEST(RingSetupErrorTest, RefusalOfALaterCallIsSeccompWhateverTheSysctl) {
  for (int disabled : {0, 1, 2}) {
    EXPECT_THAT(
        Explain({.call = "io_uring_enter()", .error = EPERM, .io_uring_disabled = disabled}),
        AllOf(HasSubstr("io_uring_enter() is not permitted"), HasSubstr("seccomp"),
              Not(HasSubstr("io_uring_disabled"))));
  }
}

TEST(RingSetupErrorTest, MissingCallOnAnOldKernelSaysWhichKernelIsNeeded) {
  EXPECT_THAT(Explain({.error = ENOSYS, .kernel_release = "4.19.0-27-amd64"}),
              AllOf(HasSubstr("4.19.0-27-amd64"), HasSubstr("6.1 or newer")));
}

TEST(RingSetupErrorTest, MissingCallOnANewKernelIsNotBlamedOnItsAge) {
  EXPECT_THAT(Explain({.error = ENOSYS}),
              AllOf(HasSubstr("CONFIG_IO_URING"), HasSubstr("seccomp"), Not(HasSubstr("too old"))));
}

TEST(RingSetupErrorTest, RefusedFlagsOnAKernelBefore61SayWhichKernelIsNeeded) {
  for (const char* release : {"5.15.0-1", "6.0.19", "5.4"}) {
    EXPECT_THAT(Explain({.error = EINVAL, .kernel_release = release}),
                AllOf(HasSubstr(release), HasSubstr("6.1 or newer")));
  }
  for (const char* release : {"6.1.0", "6.10.3", "7.0-rc1"}) {
    EXPECT_THAT(Explain({.error = EINVAL, .kernel_release = release}), Not(HasSubstr("too old")));
  }
}

TEST(RingSetupErrorTest, LockedMemoryLimitIsNamedWithItsValue) {
  EXPECT_THAT(Explain({.error = ENOMEM, .memlock_limit_bytes = 65536}),
              AllOf(HasSubstr("65536 bytes"), HasSubstr("LimitMEMLOCK=infinity")));
}

TEST(RingSetupErrorTest, NoMemoryWithoutALimitIsNotBlamedOnTheLimit) {
  EXPECT_THAT(Explain({.error = ENOMEM, .memlock_limit_bytes = RLIM_INFINITY}),
              AllOf(HasSubstr("memory"), Not(HasSubstr("LimitMEMLOCK"))));
}

TEST(RingSetupErrorTest, DescriptorLimitsAreNamed) {
  EXPECT_THAT(Explain({.error = EMFILE, .nofile_limit = 1024}),
              AllOf(HasSubstr("1024"), HasSubstr("worker_rlimit_nofile")));
  EXPECT_THAT(Explain({.error = ENFILE}), HasSubstr("fs.file-max"));
}

TEST(RingSetupErrorTest, AnythingElseShowsTheErrorItself) {
  EXPECT_THAT(Explain({.error = EIO}), AllOf(HasSubstr("(5: "), HasSubstr("6.12.9-amd64")));
}

TEST(RingSetupErrorTest, EveryExplanationIsOneLine) {
  for (int error = 1; error < 134; ++error) {
    EXPECT_THAT(Explain({.error = error}), Not(HasSubstr("\n"))) << error;
  }
}

TEST(RingSetupErrorTest, FactsAreThoseOfThisMachine) {
  const RingSetupFacts facts = GatherRingSetupFacts("io_uring_enter()", EPERM);
  EXPECT_EQ(facts.call, "io_uring_enter()");
  EXPECT_EQ(facts.error, EPERM);
  EXPECT_FALSE(facts.kernel_release.empty());
  EXPECT_GT(facts.nofile_limit, 0u);
  // A ring can be made here (see ring_test), so this is not 2; before Linux 6.6 it is not there.
  EXPECT_NE(facts.io_uring_disabled.value_or(0), 2);
}

}  // namespace
}  // namespace sluice::engine
