#include "config/template.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

using Names = std::vector<std::string>;

Template Good(std::string_view text) {
  const absl::StatusOr<Template> parsed = Template::Parse(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status();
  return parsed.value_or(Template());
}

// `text` with each variable as its name in angle brackets.
std::string Shown(std::string_view text) {
  const Template parsed = Good(text);
  Names values;
  for (const std::string& name : parsed.variables()) values.push_back(absl::StrCat("<", name, ">"));
  return parsed.Evaluate([&](size_t i) { return std::string_view(values[i]); });
}

std::string Error(std::string_view text) {
  return std::string(Template::Parse(text).status().message());
}

TEST(Template, TextWithoutVariablesIsItself) {
  for (const char* text : {"", "host", "/etc/ssl/{x}.crt", "a}b"}) {
    EXPECT_TRUE(Good(text).variables().empty()) << text;
    EXPECT_EQ(Shown(text), text);
  }
}

TEST(Template, NameEndsWhereNoMoreOfItCanFollow) {
  EXPECT_EQ(Shown("$host"), "<host>");
  EXPECT_EQ(Shown("$host:80"), "<host>:80");
  EXPECT_EQ(Shown("/keys/$a_1/$b.key"), "/keys/<a_1>/<b>.key");
  EXPECT_EQ(Shown("$a$b"), "<a><b>");
  EXPECT_EQ(Shown("$_"), "<_>");
}

TEST(Template, BracketsEndAName) {
  EXPECT_EQ(Shown("${host}name"), "<host>name");
  EXPECT_EQ(Shown("a${b}${c}"), "a<b><c>");
}

TEST(Template, CaptureHasOneDigit) {
  EXPECT_EQ(Shown("$1.example.com"), "<1>.example.com");
  EXPECT_EQ(Shown("$12"), "<1>2");
  EXPECT_EQ(Shown("$1st"), "<1>st");
  // nginx: $0 is no capture but a name like others.
  EXPECT_EQ(Shown("$0a"), "<0a>");
}

TEST(Template, EachVariableIsListedOnceInLowerCase) {
  EXPECT_EQ(Good("$b-$A-${B}-$a").variables(), (Names{"b", "a"}));
  EXPECT_EQ(Shown("$b-$A-${B}-$a"), "<b>-<a>-<b>-<a>");
}

TEST(Template, ValuesMayHoldDollars) {
  EXPECT_EQ(Good("$a!").Evaluate([](size_t) { return std::string_view("$b"); }), "$b!");
}

TEST(Template, WhatIsNoNameIsAnError) {
  for (const char* text : {"$", "a$", "$-", "$$", "$ a", "${}", "${", "${-}", "$.crt"}) {
    EXPECT_EQ(Error(text), "invalid variable name") << text;
  }
}

TEST(Template, OpenBracketIsAnErrorWithTheName) {
  for (const char* text : {"${host", "${host.com}", "${host$x}"}) {
    EXPECT_EQ(Error(text), "the closing bracket in \"host\" variable is missing") << text;
  }
}

}  // namespace
}  // namespace sluice::config
