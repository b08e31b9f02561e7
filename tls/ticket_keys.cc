#include "tls/ticket_keys.h"

#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"

namespace sluice::tls {
namespace {

constexpr size_t kNameBytes = 16;
constexpr size_t kIvBytes = 16;
constexpr size_t kShortKeyBytes = 16;
constexpr size_t kLongKeyBytes = 32;

}  // namespace

struct TicketKeys::Key {
  std::array<uint8_t, kNameBytes> name;
  std::array<uint8_t, kLongKeyBytes> hmac;
  std::array<uint8_t, kLongKeyBytes> aes;
  size_t key_bytes = kLongKeyBytes;  // Of each of the two.
  int64_t made_s = 0;

  const EVP_CIPHER* cipher() const {
    return key_bytes == kShortKeyBytes ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
  }
  bool Start(evp_cipher_ctx_st* cipher_ctx, hmac_ctx_st* hmac_ctx, const uint8_t* iv,
             bool seals) const {
    return HMAC_Init_ex(hmac_ctx, hmac.data(), key_bytes, EVP_sha256(), nullptr) == 1 &&
           EVP_CipherInit_ex(cipher_ctx, cipher(), nullptr, aes.data(), iv, seals ? 1 : 0) == 1;
  }
};

TicketKeys::TicketKeys(std::vector<Key> keys, std::optional<int64_t> lifetime_s)
    : lifetime_s_(lifetime_s), keys_(std::move(keys)) {}

TicketKeys::~TicketKeys() {
  const absl::MutexLock lock(&mutex_);
  for (Key& key : keys_) OPENSSL_cleanse(&key, sizeof(key));
}

std::shared_ptr<TicketKeys> TicketKeys::Random(int64_t lifetime_s) {
  return std::shared_ptr<TicketKeys>(new TicketKeys({}, lifetime_s));
}

std::shared_ptr<TicketKeys> TicketKeys::FromFiles(const std::vector<File>& files,
                                                  std::vector<Problem>* problems) {
  std::vector<Key> keys;
  bool usable = true;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string& bytes = files[i].contents;
    Key key;
    if (bytes.size() == kNameBytes + 2 * kShortKeyBytes) {
      key.key_bytes = kShortKeyBytes;
    } else if (bytes.size() != kNameBytes + 2 * kLongKeyBytes) {
      usable = false;
      problems->push_back(
          {.field = Field::kTicketKey,
           .message = absl::StrCat("\"", files[i].path, "\" holds ", bytes.size(),
                                   " bytes where a ticket key has 48 or 80; make one with "
                                   "\"openssl rand 80\""),
           .index = static_cast<int>(i)});
      continue;
    }
    std::memcpy(key.name.data(), bytes.data(), kNameBytes);
    std::memcpy(key.hmac.data(), bytes.data() + kNameBytes, key.key_bytes);
    std::memcpy(key.aes.data(), bytes.data() + kNameBytes + key.key_bytes, key.key_bytes);
    keys.push_back(key);
  }
  if (!usable) return nullptr;
  return std::shared_ptr<TicketKeys>(new TicketKeys(std::move(keys), std::nullopt));
}

void TicketKeys::Rotate(int64_t now_s) {
  if (!lifetime_s_.has_value()) return;
  const auto age_s = [&](const Key& key) { return now_s - key.made_s; };
  if (keys_.empty() || age_s(keys_.front()) >= *lifetime_s_) {
    Key key;
    CHECK_EQ(RAND_bytes(key.name.data(), key.name.size()), 1);
    CHECK_EQ(RAND_bytes(key.hmac.data(), key.hmac.size()), 1);
    CHECK_EQ(RAND_bytes(key.aes.data(), key.aes.size()), 1);
    key.made_s = now_s;
    keys_.insert(keys_.begin(), key);
  }
  while (age_s(keys_.back()) >= 2 * *lifetime_s_) {
    OPENSSL_cleanse(&keys_.back(), sizeof(Key));
    keys_.pop_back();
  }
}

int TicketKeys::Seal(uint8_t* name, uint8_t* iv, evp_cipher_ctx_st* cipher, hmac_ctx_st* hmac,
                     int64_t now_s) {
  const absl::MutexLock lock(&mutex_);
  Rotate(now_s);
  const Key& key = keys_.front();
  std::memcpy(name, key.name.data(), kNameBytes);
  if (RAND_bytes(iv, kIvBytes) != 1) return -1;
  return key.Start(cipher, hmac, iv, /*seals=*/true) ? 1 : -1;
}

int TicketKeys::Open(const uint8_t* name, const uint8_t* iv, evp_cipher_ctx_st* cipher,
                     hmac_ctx_st* hmac, int64_t now_s) {
  const absl::MutexLock lock(&mutex_);
  Rotate(now_s);
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& known) {
    return std::memcmp(known.name.data(), name, kNameBytes) == 0;
  });
  if (key == keys_.end()) return 0;
  if (!key->Start(cipher, hmac, iv, /*seals=*/false)) return -1;
  return key == keys_.begin() ? 1 : 2;
}

}  // namespace sluice::tls
