#include "tls/algorithm_lists.h"

#include <openssl/nid.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/log/check.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

// One thing a list may name: the name to recommend, and what else it is called.
struct Choice {
  int id;
  std::string_view name;
  std::string_view aliases[2];
};

// What TLS 1.3 still has (RFC 8446 4.2.7) of what BoringSSL has.
constexpr Choice kGroupChoices[] = {
    {NID_X25519, "X25519", {}},
    {NID_X9_62_prime256v1, "P-256", {"prime256v1", "secp256r1"}},
    {NID_secp384r1, "P-384", {"secp384r1"}},
    {NID_secp521r1, "P-521", {"secp521r1"}},
};

// BoringSSL also knows rsa_pkcs1_md5_sha1, but drops it from every list.
constexpr Choice kSignatureChoices[] = {
    {SSL_SIGN_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256", {"ECDSA+SHA256"}},
    {SSL_SIGN_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384", {"ECDSA+SHA384"}},
    {SSL_SIGN_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512", {"ECDSA+SHA512"}},
    {SSL_SIGN_ED25519, "ed25519", {}},
    {SSL_SIGN_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256", {"RSA-PSS+SHA256", "PSS+SHA256"}},
    {SSL_SIGN_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384", {"RSA-PSS+SHA384", "PSS+SHA384"}},
    {SSL_SIGN_RSA_PSS_RSAE_SHA512, "rsa_pss_rsae_sha512", {"RSA-PSS+SHA512", "PSS+SHA512"}},
    {SSL_SIGN_RSA_PKCS1_SHA256, "rsa_pkcs1_sha256", {"RSA+SHA256"}},
    {SSL_SIGN_RSA_PKCS1_SHA384, "rsa_pkcs1_sha384", {"RSA+SHA384"}},
    {SSL_SIGN_RSA_PKCS1_SHA512, "rsa_pkcs1_sha512", {"RSA+SHA512"}},
    {SSL_SIGN_RSA_PKCS1_SHA1, "rsa_pkcs1_sha1", {"RSA+SHA1"}},
    {SSL_SIGN_ECDSA_SHA1, "ecdsa_sha1", {"ECDSA+SHA1"}},
};

bool IsCalled(const Choice& choice, std::string_view name) {
  return absl::EqualsIgnoreCase(choice.name, name) ||
         std::any_of(std::begin(choice.aliases), std::end(choice.aliases),
                     [&](std::string_view alias) {
                       return !alias.empty() && absl::EqualsIgnoreCase(alias, name);
                     });
}

std::string NamesOf(std::span<const Choice> choices) {
  return absl::StrJoin(choices, ", ", [](std::string* out, const Choice& choice) {
    absl::StrAppend(out, choice.name);
  });
}

// The ids of what `list` names, in its order; nothing if a problem was found. `what` is what one
// name stands for.
std::optional<std::vector<int>> ReadList(std::string_view list, std::span<const Choice> choices,
                                         std::string_view what, Field field,
                                         std::vector<Problem>* problems) {
  std::vector<int> ids;
  bool good = true;
  const auto refuse = [&](std::string message) {
    good = false;
    problems->push_back({.field = field, .message = std::move(message)});
  };
  for (const std::string_view name : absl::StrSplit(list, ':')) {
    const auto choice = std::find_if(choices.begin(), choices.end(),
                                     [&](const Choice& one) { return IsCalled(one, name); });
    if (name.empty()) {
      refuse(absl::StrCat("a ", what, " has no name in \"", Printable(list),
                          "\": remove the ':' that is too many"));
    } else if (choice == choices.end()) {
      refuse(absl::StrCat("unknown ", what, " \"", Printable(name), "\": expected some of ",
                          NamesOf(choices), ", joined by ':'"));
    } else if (std::find(ids.begin(), ids.end(), choice->id) != ids.end()) {
      refuse(absl::StrCat(what, " \"", Printable(name), "\" stands twice in \"", Printable(list),
                          "\": remove one"));
    } else {
      ids.push_back(choice->id);
    }
  }
  if (!good) return std::nullopt;
  return ids;
}

}  // namespace

bool ApplyGroups(const std::string& groups, SSL_CTX* ssl_ctx, std::vector<Problem>* problems) {
  const std::optional<std::vector<int>> ids =
      ReadList(groups, kGroupChoices, "group", Field::kGroups, problems);
  if (!ids.has_value()) return false;
  CHECK_EQ(SSL_CTX_set1_curves(ssl_ctx, ids->data(), ids->size()), 1);
  return true;
}

bool ApplySignatureAlgorithms(const std::string& algorithms, SSL_CTX* ssl_ctx,
                              std::vector<Problem>* problems) {
  const std::optional<std::vector<int>> ids = ReadList(
      algorithms, kSignatureChoices, "signature algorithm", Field::kSignatureAlgorithms, problems);
  if (!ids.has_value()) return false;
  const std::vector<uint16_t> codes(ids->begin(), ids->end());
  CHECK_EQ(SSL_CTX_set_verify_algorithm_prefs(ssl_ctx, codes.data(), codes.size()), 1);
  CHECK_EQ(SSL_CTX_set_signing_algorithm_prefs(ssl_ctx, codes.data(), codes.size()), 1);
  return true;
}

std::vector<uint16_t> SignatureAlgorithmCodes(const std::string& algorithms) {
  std::vector<Problem> problems;
  const std::optional<std::vector<int>> ids = ReadList(
      algorithms, kSignatureChoices, "signature algorithm", Field::kSignatureAlgorithms, &problems);
  if (!ids.has_value()) return {};
  return {ids->begin(), ids->end()};
}

}  // namespace sluice::tls
