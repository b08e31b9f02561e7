#include "engine/command_line.h"

#include <csignal>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using Action = CommandLine::Action;
using testing::AllOf;
using testing::HasSubstr;

CommandLine Parse(const std::vector<const char*>& arguments) {
  const absl::StatusOr<CommandLine> command = ParseCommandLine(arguments);
  EXPECT_TRUE(command.ok()) << command.status();
  return command.ok() ? *command : CommandLine();
}

std::string Error(const std::vector<const char*>& arguments) {
  return std::string(ParseCommandLine(arguments).status().message());
}

TEST(CommandLineTest, NothingRunsWithTheDefaults) {
  const CommandLine command = Parse({});
  EXPECT_EQ(command.action, Action::kRun);
  EXPECT_EQ(command.prefix, "/etc/sluice/");
  EXPECT_EQ(command.config_file, "sluice.conf");
  EXPECT_EQ(command.error_log, "");
  EXPECT_EQ(command.globals, "");
  EXPECT_FALSE(command.quiet);
}

TEST(CommandLineTest, FlagsChooseTheAction) {
  EXPECT_EQ(Parse({"-t"}).action, Action::kTest);
  EXPECT_EQ(Parse({"-T"}).action, Action::kTestAndDump);
  EXPECT_EQ(Parse({"--dump-plan"}).action, Action::kDumpPlan);
}

// As ngx_show_version_info does.
TEST(CommandLineTest, WhatToShowIsAskedForBesideTheAction) {
  const auto shown = [](const std::vector<const char*>& arguments) {
    const CommandLine command = Parse(arguments);
    return std::tuple(command.show_version, command.show_build, command.show_help, command.action);
  };
  EXPECT_EQ(shown({}), std::tuple(false, false, false, Action::kRun));
  EXPECT_EQ(shown({"-v"}), std::tuple(true, false, false, Action::kRun));
  EXPECT_EQ(shown({"-V"}), std::tuple(true, true, false, Action::kRun));
  EXPECT_EQ(shown({"-h"}), std::tuple(true, false, true, Action::kRun));
  EXPECT_EQ(shown({"-?"}), std::tuple(true, false, true, Action::kRun));
  EXPECT_EQ(shown({"-tV"}), std::tuple(true, true, false, Action::kTest));
  EXPECT_EQ(shown({"-vh", "-s", "stop"}), std::tuple(true, false, true, Action::kSignal));
}

TEST(CommandLineTest, TestGoesBeforeASignalInWhateverOrder) {
  EXPECT_EQ(Parse({"-t", "-s", "stop"}).action, Action::kTest);
  EXPECT_EQ(Parse({"-s", "stop", "-t"}).action, Action::kTest);
  EXPECT_EQ(Parse({"-T", "-s", "stop"}).action, Action::kTestAndDump);
  EXPECT_EQ(Parse({"-s", "stop", "-T"}).action, Action::kTestAndDump);
}

TEST(CommandLineTest, PlanIsDumpedAloneOrNotAtAll) {
  for (const char* option : {"-t", "-T", "-sstop"}) {
    const std::string name(option, 2);
    EXPECT_THAT(Error({"--dump-plan", option}),
                HasSubstr("\"--dump-plan\" and \"" + name + "\" cannot be used together"));
    EXPECT_EQ(Error({option, "--dump-plan"}), Error({"--dump-plan", option}));
  }
}

TEST(CommandLineTest, StrictIsForWhatUsesAConfiguration) {
  EXPECT_FALSE(Parse({"-t"}).strict);
  EXPECT_TRUE(Parse({"--strict"}).strict);
  EXPECT_EQ(Parse({"--strict"}).action, Action::kRun);
  EXPECT_TRUE(Parse({"-t", "--strict"}).strict);
  EXPECT_EQ(Parse({"--strict", "-Tq"}).action, Action::kTestAndDump);
  // A test goes before a signal, here too.
  EXPECT_TRUE(Parse({"-t", "-s", "stop", "--strict"}).strict);
  EXPECT_THAT(Error({"--strict", "-s", "stop"}),
              HasSubstr("\"--strict\" and \"-s\" cannot be used together"));
  EXPECT_THAT(Error({"--dump-plan", "--strict"}),
              HasSubstr("\"--strict\" and \"--dump-plan\" cannot be used together"));
}

TEST(CommandLineTest, ValuesStandBehindTheirOptionOrFollowIt) {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"-c", "/x.conf", "-p", "/p/", "-e", "/e", "-g", "a b;"},
        std::vector<const char*>{"-c/x.conf", "-p/p/", "-e/e", "-ga b;"}}) {
    const CommandLine command = Parse(arguments);
    EXPECT_EQ(command.config_file, "/x.conf");
    EXPECT_EQ(command.prefix, "/p/");
    EXPECT_EQ(command.error_log, "/e");
    EXPECT_EQ(command.globals, "a b;");
  }
}

TEST(CommandLineTest, OptionsCombineAsInNginx) {
  const CommandLine command = Parse({"-tqc", "/x.conf"});
  EXPECT_EQ(command.action, Action::kTest);
  EXPECT_TRUE(command.quiet);
  EXPECT_EQ(command.config_file, "/x.conf");
  EXPECT_EQ(Parse({"-Tt"}).action, Action::kTestAndDump);
  EXPECT_EQ(Parse({"-tT"}).action, Action::kTestAndDump);
}

TEST(CommandLineTest, PrefixAlwaysEndsWithASlash) { EXPECT_EQ(Parse({"-p", "/p"}).prefix, "/p/"); }

TEST(CommandLineTest, Signals) {
  EXPECT_EQ(Parse({"-s", "stop"}).action, Action::kSignal);
  EXPECT_EQ(Parse({"-s", "stop"}).signal, SIGTERM);
  EXPECT_EQ(Parse({"-squit"}).signal, SIGQUIT);
  EXPECT_EQ(Parse({"-s", "reopen"}).signal, SIGUSR1);
  EXPECT_EQ(Parse({"-s", "reload"}).signal, SIGHUP);
}

TEST(CommandLineTest, MistakesAreNamedWithAHint) {
  EXPECT_EQ(Error({"-x"}), "invalid option: \"-x\"; \"sluice -h\" lists the options");
  EXPECT_THAT(Error({"-tx"}), HasSubstr("invalid option: \"-tx\""));
  EXPECT_THAT(Error({"start"}), HasSubstr("invalid option: \"start\""));
  EXPECT_THAT(Error({"-"}), HasSubstr("invalid option: \"-\""));
  EXPECT_THAT(Error({"--help"}), HasSubstr("invalid option: \"--help\""));
  EXPECT_THAT(Error({"-s", "restart"}), HasSubstr("invalid option: \"-s restart\""));
  EXPECT_THAT(Error({""}), HasSubstr("invalid option: \"\""));
}

TEST(CommandLineTest, MissingValuesAreNamed) {
  EXPECT_THAT(Error({"-c"}), HasSubstr("option \"-c\" requires file name"));
  EXPECT_THAT(Error({"-t", "-p"}), HasSubstr("option \"-p\" requires directory name"));
  EXPECT_THAT(Error({"-g", ""}), HasSubstr("option \"-g\" requires parameter"));
  EXPECT_THAT(Error({"-s"}), HasSubstr("option \"-s\" requires parameter"));
}

TEST(HelpTextTest, ListsEveryOption) {
  for (const char* option :
       {"-h", "-v", "-V", "-t", "-T", "-q", "-s signal", "-p prefix", "-e filename", "-c filename",
        "-g directives", "--strict", "--dump-plan"}) {
    EXPECT_THAT(HelpText(), HasSubstr(option));
  }
}

}  // namespace
}  // namespace sluice::engine
