#include "tls/peer_name.h"

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

struct Case {
  const char* name;
  const char* text;
  bool is_ip;
};

class PeerNameTest : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Names, PeerNameTest,
                         ::testing::Values(Case{"backend.test", "backend.test", false},
                                           Case{"backend.test.", "backend.test", false},
                                           Case{"backend.test..", "backend.test.", false},
                                           Case{".", ".", false}, Case{"", "", false},
                                           Case{"10.0.0.1", "10.0.0.1", true},
                                           Case{"10.0.0.1.", "10.0.0.1", false},
                                           Case{"10.0.0.256", "10.0.0.256", false},
                                           Case{"::1", "::1", true}, Case{"[::1]", "::1", true},
                                           Case{"[10.0.0.1]", "[10.0.0.1]", false},
                                           Case{"[]", "[]", false}, Case{"[::1", "[::1", false}));

TEST_P(PeerNameTest, IsReadAsAHostNameOrAnAddress) {
  const PeerName name = ParsePeerName(GetParam().name);
  EXPECT_EQ(name.text, GetParam().text);
  EXPECT_EQ(name.is_ip, GetParam().is_ip);
}

}  // namespace
}  // namespace sluice::tls
