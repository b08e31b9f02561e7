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
  Template parsed = Good(text);
  Names names;
  parsed.Bind([&](std::string_view name) {
    names.emplace_back(name);
    return static_cast<int>(names.size()) - 1;
  });
  std::string shown;
  parsed.AppendTo(
      shown, [&](int index, std::string& out) { absl::StrAppend(&out, "<", names[index], ">"); });
  return shown;
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
  std::string value;
  Good("$a!").AppendTo(value, [](int, std::string& out) { out += "$b"; });
  EXPECT_EQ(value, "$b!");
}

TEST(Template, IsConstantWithoutVariables) {
  EXPECT_TRUE(Good("a").constant());
  EXPECT_TRUE(Template().constant());
  EXPECT_FALSE(Good("a$b").constant());
}

TEST(Template, WhatIsPrependedIsTakenLiterally) {
  Template path = Good("$a.log");
  path.Prepend("/logs/$x/");
  std::string value;
  path.AppendTo(value, [](int, std::string& out) { out += "1"; });
  EXPECT_EQ(value, "/logs/$x/1.log");
  Template constant = Good("b");
  constant.Prepend("/a/");
  EXPECT_EQ(constant.text(), "/a/b");
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
