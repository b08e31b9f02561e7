#include "config/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::config {
namespace {

constexpr std::string_view kWords[] = {"listen", "proxy_ssl_verify", "proxy_ssl_verify_depth", "on",
                                       "off",    "TLSv1.2"};

TEST(Nearest, FindsASlipOfEachKind) {
  EXPECT_EQ(Nearest("liten", kWords), "listen");    // A letter is missing,
  EXPECT_EQ(Nearest("lissten", kWords), "listen");  // one too many,
  EXPECT_EQ(Nearest("lidten", kWords), "listen");   // another one,
  EXPECT_EQ(Nearest("lsiten", kWords), "listen");   // two swapped,
  EXPECT_EQ(Nearest("LISTEN", kWords), "listen");   // only the case.
  EXPECT_EQ(Nearest("TLSV1.2", kWords), "TLSv1.2");
}

TEST(Nearest, TakesTheNearestOfSeveral) {
  EXPECT_EQ(Nearest("proxy_ssl_verfiy_depth", kWords), "proxy_ssl_verify_depth");
  EXPECT_EQ(Nearest("proxy_ssl_verfiy", kWords), "proxy_ssl_verify");
}

TEST(Nearest, KeepsMostOfWhatWasWritten) {
  constexpr std::string_view kVersions[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
  EXPECT_EQ(Nearest("TLSv12", kVersions), "TLSv1.2");
  EXPECT_EQ(Nearest("TLSv13", kVersions), "TLSv1.3");
  EXPECT_EQ(Nearest("TLSv1.9", kVersions), "TLSv1.1");  // The first of those that are as long.
}

TEST(Nearest, LeavesAWordAloneThatIsNoSlip) {
  EXPECT_EQ(Nearest("", kWords), "");
  EXPECT_EQ(Nearest("of", kWords), "");  // Two letters could be anything.
  EXPECT_EQ(Nearest("opf", kWords), "");
  EXPECT_EQ(Nearest("silent", kWords), "");
  EXPECT_EQ(Nearest("upstream", kWords), "");
  EXPECT_EQ(Nearest(std::string(100'000, 'x'), kWords), "");
  EXPECT_EQ(Nearest("listen", {}), "");
}

TEST(DidYouMean, EndsASentence) {
  EXPECT_EQ(DidYouMean("liten", kWords), ", did you mean \"listen\"?");
  EXPECT_EQ(DidYouMean("xyz", kWords), "");
}

}  // namespace
}  // namespace sluice::config
