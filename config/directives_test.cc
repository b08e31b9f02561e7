#include "config/directives.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::config {
namespace {

TEST(Directives, EveryRowIsComplete) {
  for (const DirectiveSpec& spec : AllDirectives()) {
    SCOPED_TRACE(spec.name);
    EXPECT_EQ(spec.usage.empty(), spec.form != Form::kBlock && spec.args.max == 0);
    EXPECT_NE(spec.contexts, 0);
    EXPECT_LE(spec.args.min, spec.args.max);
    const bool is_alias = !spec.replaced_by.empty();
    const bool does_nothing = !spec.no_effect.empty();
    EXPECT_EQ(spec.help.empty(), is_alias || does_nothing);
    EXPECT_EQ(spec.inside != kMain, spec.form == Form::kBlock);
    EXPECT_TRUE(spec.form != Form::kFlag || (spec.args.min == 1 && spec.args.max == 1));
    const bool needs_set = spec.form != Form::kBlock && !is_alias && !does_nothing;
    EXPECT_EQ(spec.set != nullptr, needs_set && spec.name != "include");
  }
}

TEST(Directives, RowsOfOneNameDoNotMeetInAContext) {
  for (const DirectiveSpec& spec : AllDirectives()) {
    uint8_t seen = 0;
    for (const DirectiveSpec* same : FindDirectives(spec.name)) {
      EXPECT_EQ(seen & same->contexts, 0) << spec.name;
      seen |= same->contexts;
    }
  }
}

TEST(Directives, OldNamesLeadToARowForTheSameContexts) {
  for (const DirectiveSpec& spec : AllDirectives()) {
    if (spec.replaced_by.empty()) continue;
    ASSERT_EQ(FindDirectives(spec.replaced_by).size(), 1u) << spec.name;
    EXPECT_EQ(FindDirectives(spec.replaced_by)[0]->contexts, spec.contexts) << spec.name;
  }
}

TEST(Directives, WhatIsRefusedIsNotSupported) {
  std::set<std::string_view> names;
  for (const RefusedDirective& refused : RefusedDirectives()) {
    EXPECT_TRUE(names.insert(refused.name).second) << refused.name;
    EXPECT_TRUE(FindDirectives(refused.name).empty()) << refused.name;
    EXPECT_EQ(FindRefusedDirective(refused.name), &refused);
  }
  EXPECT_EQ(FindRefusedDirective("listen"), nullptr);
}

TEST(Directives, SuggestsFirstWhatMayStandThere) {
  EXPECT_EQ(DirectiveNames(kEvents)[0], "include");
  EXPECT_EQ(DirectiveNames(kEvents)[1], "worker_connections");
}

TEST(ContextNames, ReadsAsAList) {
  EXPECT_EQ(ContextNames(kMain), "the main context");
  EXPECT_EQ(ContextNames(kStream | kServer), "\"stream\" or \"server\"");
}

}  // namespace
}  // namespace sluice::config
