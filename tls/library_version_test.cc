#include "tls/library_version.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

TEST(LibraryVersionTest, NamesTheRevisionAndTheApiVersion) {
  EXPECT_THAT(LibraryVersion(),
              ::testing::MatchesRegex("BoringSSL ([0-9a-f]{40}|unknown) "
                                      "\\(API version [0-9]+, OpenSSL [^\n]*\\)"));
}

}  // namespace
}  // namespace sluice::tls
