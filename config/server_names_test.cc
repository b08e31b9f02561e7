#include "config/server_names.h"

#include <string>

#include "gtest/gtest.h"

namespace sluice::config {
namespace {

constexpr int kNone = -1;

TEST(ServerNamesTest, ExactNamesComeBeforeWildcardsAndLongerWildcardsBeforeShorter) {
  ServerNames names;
  EXPECT_TRUE(names.Add("*.example.com", 1));
  EXPECT_TRUE(names.Add("*.b.example.com", 2));
  EXPECT_TRUE(names.Add("a.b.example.com", 3));
  EXPECT_TRUE(names.Add("www.*", 4));
  EXPECT_TRUE(names.Add("www.example.*", 5));
  EXPECT_EQ(names.Find("a.b.example.com"), 3);
  EXPECT_EQ(names.Find("c.b.example.com"), 2);
  EXPECT_EQ(names.Find("x.y.example.com"), 1);
  EXPECT_EQ(names.Find("www.example.com"), 1) << "a wildcard in front comes first";
  EXPECT_EQ(names.Find("www.example.org"), 5);
  EXPECT_EQ(names.Find("www.other.org"), 4);
  EXPECT_EQ(names.Find("example.com"), kNone) << "the wildcard stands for something";
  EXPECT_EQ(names.Find("www"), kNone);
  EXPECT_EQ(names.Find("other.org"), kNone);
}

TEST(ServerNamesTest, CaseAndADotAtTheEndDoNotMatter) {
  ServerNames names;
  EXPECT_TRUE(names.Add("WWW.Example.com", 7));
  EXPECT_EQ(names.Find("www.exAMPLE.com."), 7);
}

TEST(ServerNamesTest, DotInFrontMeansTheNameAndAllBelow) {
  ServerNames names;
  EXPECT_TRUE(names.Add(".example.com", 1));
  EXPECT_EQ(names.Find("example.com"), 1);
  EXPECT_EQ(names.Find("a.b.example.com"), 1);
  EXPECT_FALSE(names.Add("*.example.com", 2));
  EXPECT_FALSE(names.Add("example.com", 2));
}

TEST(ServerNamesTest, WhatIsNoNameIsNotFoundAndBreaksNothing) {
  ServerNames names;
  EXPECT_TRUE(names.Add("*.example.com", 1));
  for (const std::string& name : {std::string(), std::string("."), std::string(".."),
                                  std::string(".example.com"), std::string("\0.x", 3)}) {
    EXPECT_EQ(names.Find(name), kNone) << name;
  }
}

TEST(ServerNamesTest, FormsThatNginxTakesAreValid) {
  for (const char* name : {"example.com", "*.example.com", ".example.com", "www.*", "", "_", "a"}) {
    EXPECT_TRUE(ServerNames::IsValid(name)) << name;
  }
  for (const char* name : {"*", "*.", "w*.example.com", "www.*.com", "a..b", "~^www", "a/b", "a b",
                           "$hostname", "www.example.com."}) {
    EXPECT_FALSE(ServerNames::IsValid(name)) << name;
  }
}

}  // namespace
}  // namespace sluice::config
