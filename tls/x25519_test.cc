// The X25519 that is linked in, beside BoringSSL's own.
#include <openssl/curve25519.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

extern "C" {
decltype(X25519) __real_X25519;
}

namespace {

using Bytes = std::array<uint8_t, 32>;
static_assert(X25519_PRIVATE_KEY_LEN == 32 && X25519_PUBLIC_VALUE_LEN == 32 &&
              X25519_SHARED_KEY_LEN == 32);

Bytes FromHex(const std::string& hex) {
  std::string text;
  Bytes bytes = {};
  EXPECT_TRUE(absl::HexStringToBytes(hex, &text) && text.size() == bytes.size()) << hex;
  std::copy(text.begin(), text.end(), bytes.begin());
  return bytes;
}

Bytes RandomBytes() {
  Bytes bytes;
  RAND_bytes(bytes.data(), bytes.size());
  return bytes;
}

Bytes Shared(const Bytes& private_key, const Bytes& peer) {
  Bytes shared;
  EXPECT_EQ(X25519(shared.data(), private_key.data(), peer.data()), 1);
  return shared;
}

TEST(X25519Test, IsNotTheOneOfBoringSsl) { EXPECT_NE(&X25519, &__real_X25519); }

// RFC 7748 5.2.
TEST(X25519Test, GivesTheSharedSecretsOfTheRfc) {
  EXPECT_EQ(Shared(FromHex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                   FromHex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
            FromHex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
  EXPECT_EQ(Shared(FromHex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                   FromHex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
            FromHex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"));
}

// RFC 7748 5.2: each result is the next private key, each private key the next public one.
TEST(X25519Test, GivesWhatTheRfcHasAfterAThousandIterations) {
  Bytes private_key = {9};
  Bytes public_value = {9};
  for (int i = 0; i < 1000; ++i) {
    const Bytes shared = Shared(private_key, public_value);
    public_value = private_key;
    private_key = shared;
  }
  EXPECT_EQ(private_key,
            FromHex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

TEST(X25519Test, GivesWhatBoringSslGivesForAnyPointEvenOneNotReduced) {
  for (int i = 0; i < 2000; ++i) {
    const Bytes private_key = RandomBytes();
    Bytes peer = RandomBytes();
    if (i % 4 == 0) {
      // From 2^255 - 32 up, with both values of the bit that does not count (RFC 7748 5): some are
      // not reduced modulo 2^255 - 19.
      peer.fill(0xff);
      peer[0] = static_cast<uint8_t>(0xe0 + i / 4 % 32);
      if (i % 8 == 0) peer[31] = 0x7f;
    }
    Bytes shared;
    Bytes expected;
    const int usable = X25519(shared.data(), private_key.data(), peer.data());
    EXPECT_EQ(usable, __real_X25519(expected.data(), private_key.data(), peer.data()));
    ASSERT_EQ(shared, expected) << "at " << i;
  }
}

TEST(X25519Test, TakesAndGivesBytesAtAnyAddress) {
  struct {
    alignas(8) uint8_t shift;
    Bytes public_value, private_key, shared, expected;
  } all;
  X25519_keypair(all.public_value.data(), all.private_key.data());
  EXPECT_EQ(X25519(all.shared.data(), all.private_key.data(), all.public_value.data()), 1);
  __real_X25519(all.expected.data(), all.private_key.data(), all.public_value.data());
  EXPECT_EQ(all.shared, all.expected);
}

TEST(X25519Test, SaysThatAPointOfSmallOrderIsOfNoUse) {
  for (const char* point : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
       }) {
    Bytes shared;
    EXPECT_EQ(X25519(shared.data(), RandomBytes().data(), FromHex(point).data()), 0) << point;
  }
}

TEST(X25519Test, MakesKeyPairsThatBoringSslTakesForOnesAndNoneTwice) {
  Bytes last = {};
  for (int i = 0; i < 500; ++i) {
    Bytes public_value;
    Bytes private_key;
    X25519_keypair(public_value.data(), private_key.data());
    Bytes expected;
    X25519_public_from_private(expected.data(), private_key.data());
    ASSERT_EQ(public_value, expected);
    ASSERT_NE(public_value, last);
    last = public_value;
  }
}

}  // namespace
