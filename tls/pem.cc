#include "tls/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstring>
#include <utility>

#include "absl/log/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

bssl::UniquePtr<BIO> ReaderOf(const std::string& contents) {
  bssl::UniquePtr<BIO> reader(
      BIO_new_mem_buf(contents.data(), static_cast<ossl_ssize_t>(contents.size())));
  CHECK(reader != nullptr);
  return reader;
}

// PEM readers report the end of the text as the lack of another block.
bool AtEndOfText() {
  const uint32_t packed_error = ERR_peek_last_error();
  return ERR_GET_LIB(packed_error) == ERR_LIB_PEM &&
         ERR_GET_REASON(packed_error) == PEM_R_NO_START_LINE;
}

// For blocks that cannot be encrypted: without it BoringSSL asks at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

template <typename T, typename ReadOne>
absl::StatusOr<std::vector<bssl::UniquePtr<T>>> ReadAll(const File& file, const char* what,
                                                        ReadOne read_one) {
  ERR_clear_error();
  const bssl::UniquePtr<BIO> reader = ReaderOf(file.contents);
  std::vector<bssl::UniquePtr<T>> found;
  while (T* one = read_one(reader.get())) found.emplace_back(one);
  const bool complete = AtEndOfText();
  const std::string reason = DrainErrorQueue().reason;
  if (!complete) {
    return absl::InvalidArgumentError(absl::StrCat("\"", file.path, "\": ", what, " number ",
                                                   found.size() + 1, " is damaged (", reason, ")"));
  }
  if (found.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", file.path, "\" holds no ", what, " in PEM form"));
  }
  return found;
}

struct PasswordRequest {
  const std::string* password = nullptr;  // Null: there is none to give.
  bool asked = false;
};

int GivePassword(char* room, int room_len, int, void* request_ptr) {
  auto* request = static_cast<PasswordRequest*>(request_ptr);
  request->asked = true;
  if (request->password == nullptr || request->password->size() > static_cast<size_t>(room_len)) {
    return -1;
  }
  std::memcpy(room, request->password->data(), request->password->size());
  return static_cast<int>(request->password->size());
}

}  // namespace

absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(const File& file) {
  return ReadAll<X509>(file, "certificate", [](BIO* reader) {
    return PEM_read_bio_X509_AUX(reader, nullptr, NoPassword, nullptr);
  });
}

absl::StatusOr<std::vector<bssl::UniquePtr<X509_CRL>>> ReadCrls(const File& file) {
  return ReadAll<X509_CRL>(file, "CRL", [](BIO* reader) {
    return PEM_read_bio_X509_CRL(reader, nullptr, NoPassword, nullptr);
  });
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadPrivateKey(const File& file,
                                                         const std::vector<std::string>& passwords,
                                                         PeerRole peer) {
  // One round more than there are passwords: the first finds out whether one is needed at all.
  for (size_t round = 0; round <= passwords.size(); ++round) {
    ERR_clear_error();
    PasswordRequest request;
    if (round > 0) request.password = &passwords[round - 1];
    bssl::UniquePtr<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(ReaderOf(file.contents).get(), nullptr, GivePassword, &request));
    const bool absent = AtEndOfText();
    const std::string reason = DrainErrorQueue().reason;
    if (key != nullptr) return key;
    if (request.asked) continue;
    if (absent) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", file.path, "\" holds no private key in PEM form"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("\"", file.path, "\": the private key is damaged or of a kind that is not ",
                     "supported (", reason, ")"));
  }
  if (passwords.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", file.path, "\": the private key is encrypted and there is no password ",
                     "for it; set ", DirectivePrefix(peer), "password_file"));
  }
  const std::string what = passwords.size() == 1 ? "the password given does not decrypt"
                                                 : absl::StrCat("none of the ", passwords.size(),
                                                                " passwords given decrypts");
  return absl::InvalidArgumentError(
      absl::StrCat("\"", file.path, "\": ", what, " the private key"));
}

}  // namespace sluice::tls
