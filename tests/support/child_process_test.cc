#include "tests/support/child_process.h"

#include <signal.h>

#include "gtest/gtest.h"

namespace sluice::testing {
namespace {

TEST(ChildProcessTest, GivesExitCodeAndBothOutputs) {
  const Finished finished = RunToEnd({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(3, finished.exit_code);
  EXPECT_EQ("out\nerr\n", finished.output);
}

TEST(ChildProcessTest, WaitForOutputSeesWhatComesWhileItRuns) {
  ChildProcess child({"sh", "-c", "echo ready ready; exec tail -f /dev/null"});
  EXPECT_TRUE(child.WaitForOutput("ready", 2));
  EXPECT_FALSE(child.HasEnded());
}

TEST(ChildProcessTest, WaitForOutputGivesUpWhenTheChildEnds) {
  ChildProcess child({"echo", "one"});
  EXPECT_FALSE(child.WaitForOutput("two"));
}

TEST(ChildProcessTest, EndBySignalIsTold) {
  ChildProcess child({"cat", "/dev/zero"});
  child.Signal(SIGTERM);
  EXPECT_EQ(128 + SIGTERM, child.Wait());
}

TEST(ChildProcessTest, NeverBlocksOnLongOutput) {
  EXPECT_EQ(1'000'000u, RunToEnd({"head", "-c", "1000000", "/dev/zero"}).output.size());
}

TEST(ChildProcessTest, UnknownProgramIsNamed) {
  const Finished finished = RunToEnd({"no_such_program"});
  EXPECT_EQ(127, finished.exit_code);
  EXPECT_EQ("cannot execute: no_such_program", finished.output);
}

}  // namespace
}  // namespace sluice::testing
