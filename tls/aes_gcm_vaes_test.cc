#include "tls/aes_gcm_vaes.h"

#include <openssl/aead.h>

#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

using Bytes = std::vector<uint8_t>;

// With a key of so many bytes, beside BoringSSL's AES-GCM with the same key.
class AesGcmVaesTest : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    if (!AesGcmVaes::Available()) GTEST_SKIP() << "this CPU has no VAES with AVX-512";
    const EVP_AEAD* const aead = GetParam() == 16 ? EVP_aead_aes_128_gcm() : EVP_aead_aes_256_gcm();
    const Bytes key = Random(GetParam());
    ASSERT_EQ(EVP_AEAD_CTX_init(reference_.get(), aead, key.data(), key.size(),
                                EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr),
              1);
    cipher_.emplace(key);
  }

  Bytes Random(size_t num_bytes) {
    Bytes bytes(num_bytes);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    return bytes;
  }
  AesGcmVaes::Nonce RandomNonce() {
    AesGcmVaes::Nonce nonce;
    for (uint8_t& byte : nonce) byte = static_cast<uint8_t>(random_());
    return nonce;
  }
  Bytes SealedByReference(const AesGcmVaes::Nonce& nonce, const Bytes& additional_data,
                          const Bytes& plaintext) {
    Bytes sealed(plaintext.size() + AesGcmVaes::kTagBytes);
    size_t num_bytes;
    EXPECT_EQ(EVP_AEAD_CTX_seal(reference_.get(), sealed.data(), &num_bytes, sealed.size(),
                                nonce.data(), nonce.size(), plaintext.data(), plaintext.size(),
                                additional_data.data(), additional_data.size()),
              1);
    EXPECT_EQ(num_bytes, sealed.size());
    return sealed;
  }

  std::minstd_rand random_{1};
  bssl::ScopedEVP_AEAD_CTX reference_;
  std::optional<AesGcmVaes> cipher_;
};

INSTANTIATE_TEST_SUITE_P(KeyBytes, AesGcmVaesTest, ::testing::Values(16, 32));

// Its code differs by the number of blocks up to 48, by what stands behind whole ones, and by where
// the counter of the blocks carries.
std::vector<size_t> Sizes() {
  std::vector<size_t> sizes;
  for (const auto& [first, last] :
       {std::pair{0, 2200}, {4040, 4140}, {8130, 8230}, {12230, 12330}, {16320, 16385}}) {
    for (int size = first; size <= last; ++size) sizes.push_back(size);
  }
  return sizes;
}

TEST_P(AesGcmVaesTest, SealsAsBoringSslDoesWhateverTheSizeAndTheTrailer) {
  for (const size_t size : Sizes()) {
    const Bytes plaintext = Random(size);
    const Bytes additional_data = Random(size % 2 == 0 ? 5 : 13);
    const AesGcmVaes::Nonce nonce = RandomNonce();
    const Bytes expected = SealedByReference(nonce, additional_data, plaintext);
    for (const size_t trailer : {0, 1, 16}) {
      if (trailer > size) continue;
      Bytes sealed(expected.size() + 1, 0xee);
      cipher_->Seal(nonce, additional_data, std::span(plaintext).first(size - trailer),
                    std::span(plaintext).last(trailer), sealed.data());
      ASSERT_EQ(sealed.back(), 0xee) << size;
      sealed.pop_back();
      ASSERT_EQ(sealed, expected) << size << " bytes, " << trailer << " of them behind";
    }
  }
}

TEST_P(AesGcmVaesTest, OpensWhatBoringSslHasSealedIntoOtherMemoryAndInPlace) {
  for (const size_t size : Sizes()) {
    const Bytes plaintext = Random(size);
    const Bytes additional_data = Random(size % 2 == 0 ? 5 : 13);
    const AesGcmVaes::Nonce nonce = RandomNonce();
    Bytes sealed = SealedByReference(nonce, additional_data, plaintext);
    Bytes opened(size + 1, 0xee);
    ASSERT_TRUE(cipher_->Open(nonce, additional_data, sealed, opened.data())) << size;
    ASSERT_EQ(opened.back(), 0xee) << size;
    opened.pop_back();
    ASSERT_EQ(opened, plaintext);
    ASSERT_TRUE(cipher_->Open(nonce, additional_data, sealed, sealed.data())) << size;
    sealed.resize(size);
    ASSERT_EQ(sealed, plaintext);
  }
}

TEST_P(AesGcmVaesTest, RefusesWhateverWasChangedAndTellsNothingOfIt) {
  const Bytes plaintext = Random(300);
  const Bytes additional_data = Random(5);
  const AesGcmVaes::Nonce nonce = RandomNonce();
  const Bytes sealed = SealedByReference(nonce, additional_data, plaintext);
  Bytes opened(plaintext.size(), 0xee);
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= 1 << bit % 8;
    ASSERT_FALSE(cipher_->Open(nonce, additional_data, changed, opened.data())) << bit;
    ASSERT_EQ(opened, Bytes(plaintext.size()));
  }
  for (size_t i = 0; i < additional_data.size(); ++i) {
    Bytes changed = additional_data;
    changed[i] ^= 0x80;
    ASSERT_FALSE(cipher_->Open(nonce, changed, sealed, opened.data())) << i;
  }
  for (size_t i = 0; i < nonce.size(); ++i) {
    AesGcmVaes::Nonce changed = nonce;
    changed[i] ^= 0x80;
    ASSERT_FALSE(cipher_->Open(changed, additional_data, sealed, opened.data())) << i;
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    ASSERT_FALSE(
        cipher_->Open(nonce, additional_data, std::span(sealed).first(size), opened.data()))
        << size;
  }
}

}  // namespace
}  // namespace sluice::tls
