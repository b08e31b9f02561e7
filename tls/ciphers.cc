#include "tls/ciphers.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tls/error_queue.h"

namespace sluice::tls {
namespace {

// Names that OpenSSL has (openssl-ciphers(1)) for what BoringSSL has not: removing them has just
// the effect that is asked for.
constexpr std::string_view kAbsentNames[] = {
    "ADH",
    "AECDH",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "AESCCM",
    "AESCCM8",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "CBC",
    "DES",
    "DH",
    "DHE",
    "DSS",
    "EDH",
    "EXP",
    "EXPORT",
    "EXPORT40",
    "EXPORT56",
    "GOST89MAC",
    "GOST94",
    "IDEA",
    "KRB5",
    "LOW",
    "MD5",
    "MEDIUM",
    "NULL",
    "RC2",
    "RC4",
    "SEED",
    "SRP",
    "SSLv2",
    "aDH",
    "aDSS",
    "aGOST",
    "aGOST01",
    "aNULL",
    "aSRP",
    "eNULL",
    "kDH",
    "kDHE",
    "kDHEPSK",
    "kDHd",
    "kDHr",
    "kECDHEPSK",
    "kEDH",
    "kGOST",
    "kRSAPSK",
    "kSRP",
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
};

// What names of OpenSSL's cipher suites, such as DHE-RSA-AES256-SHA256, are made of
// (openssl-ciphers(1)).
constexpr std::string_view kSuiteNameParts[] = {
    "128",     "256",         "AES",         "ADH",      "AECDH",  "AES128", "AES256", "ARIA128",
    "ARIA256", "CAMELLIA128", "CAMELLIA256", "CBC",      "CBC3",   "CCM",    "CCM8",   "CHACHA20",
    "DES",     "DH",          "DHE",         "DSS",      "ECDH",   "ECDHE",  "ECDSA",  "EDH",
    "EXP",     "GCM",         "GOST2001",    "GOST2012", "GOST89", "GOST94", "IDEA",   "KRB5",
    "MD5",     "NULL",        "POLY1305",    "PSK",      "RC2",    "RC4",    "RSA",    "SEED",
    "SHA",     "SHA256",      "SHA384",      "SRP",
};

constexpr std::string_view kTripleDesNames[] = {"3DES", "DES-CBC3-SHA",
                                                "TLS_RSA_WITH_3DES_EDE_CBC_SHA"};

template <size_t N>
bool IsOneOf(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Whether `name` is made as OpenSSL makes names of suites: if BoringSSL does not know it, it is one
// that BoringSSL does not have, and no slip.
bool IsMadeLikeASuite(std::string_view name) {
  const std::vector<std::string_view> parts = absl::StrSplit(name, '-');
  return parts.size() > 1 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return IsOneOf(part, kSuiteNameParts);
         });
}

// BoringSSL tells unknown names only in its strict reading, and one at a time.
bool IsKnown(std::string_view name, SSL_CTX* scratch) {
  if (SSL_CTX_set_strict_cipher_list(scratch, std::string(name).c_str()) == 1) return true;
  const bool unknown = ERR_GET_REASON(ERR_peek_error()) == SSL_R_INVALID_COMMAND;
  ERR_clear_error();
  return !unknown;
}

bool IsTls13Suite(std::string_view name) {
  return absl::StartsWith(name, "TLS_AES_") || absl::StartsWith(name, "TLS_CHACHA20_");
}

bool IsSyntax(char c) {
  return absl::ascii_isalnum(c) || absl::StrContains("-._+!@", std::string_view(&c, 1));
}

class Reader {
 public:
  Reader(const std::string& ciphers, std::vector<Problem>* problems)
      : problems_(problems), scratch_(SSL_CTX_new(TLS_method())) {
    CHECK(scratch_ != nullptr);
    bool first = true;
    for (std::string_view rule :
         absl::StrSplit(ciphers, absl::ByAnyChar(":, ;"), absl::SkipEmpty())) {
      ReadRule(rule, first);
      first = false;
    }
  }

  bool refused() const { return refused_; }
  bool names_triple_des() const { return names_triple_des_; }

 private:
  void Refuse(std::string_view rule, std::string_view why) {
    refused_ = true;
    problems_->push_back({.field = Field::kCiphers,
                          .message = absl::StrCat("cipher rule \"", Printable(rule), "\" ", why)});
  }
  void Warn(std::string_view name, std::string_view why) {
    problems_->push_back({.field = Field::kCiphers,
                          .fatal = false,
                          .message = absl::StrCat("cipher name \"", Printable(name), "\" ", why)});
  }

  void ReadRule(std::string_view rule, bool first) {
    const size_t at = rule.find('@');
    if (at != std::string_view::npos && rule != "@STRENGTH") {
      if (absl::StartsWith(rule.substr(at), "@SECLEVEL")) {
        return Refuse(rule.substr(at),
                      "cannot be used: BoringSSL has no security levels; remove it");
      }
      return Refuse(rule.substr(at), "is not known; remove it (\"@STRENGTH\" alone is known)");
    }
    if (rule == "@STRENGTH") return;
    if (!std::all_of(rule.begin(), rule.end(), IsSyntax)) {
      return Refuse(rule, "holds a character that has no meaning in a cipher list; remove it");
    }
    const bool removes = rule.front() == '!' || rule.front() == '-';
    const bool adds = !removes && rule.front() != '+';
    const std::string_view names = adds ? rule : rule.substr(1);
    if (names.empty() || absl::StrContains(names, "!") || names.front() == '+' ||
        names.back() == '+' || absl::StrContains(names, "++")) {
      return Refuse(rule, "is not complete; a rule is a name, or !, - or + and a name");
    }
    if (first && names == "DEFAULT" && adds) return;
    for (std::string_view name : absl::StrSplit(names, '+')) ReadName(name, adds);
  }

  void ReadName(std::string_view name, bool adds) {
    if (name == "DEFAULT") {
      return Warn(name, "is ignored: it counts only at the start of the list");
    }
    if (IsTls13Suite(name)) {
      return Warn(name, "is ignored: the suites of TLS 1.3 cannot be chosen by this list");
    }
    const bool is_known = IsKnown(name, scratch_.get());
    if (IsOneOf(name, kAbsentNames) || (!is_known && IsMadeLikeASuite(name))) {
      if (adds) Warn(name, "is ignored: BoringSSL has no such cipher");
      return;
    }
    if (!is_known) {
      return Warn(name, "is ignored: BoringSSL does not know it; check its spelling or remove it");
    }
    if (adds && IsOneOf(name, kTripleDesNames)) names_triple_des_ = true;
  }

  std::vector<Problem>* problems_;
  bssl::UniquePtr<SSL_CTX> scratch_;
  bool refused_ = false;
  bool names_triple_des_ = false;
};

}  // namespace

bool ApplyCiphers(const std::string& ciphers, SSL_CTX* ssl_ctx, std::vector<Problem>* problems) {
  ERR_clear_error();
  const Reader reader(ciphers, problems);
  if (reader.refused()) return false;
  const std::string list =
      absl::StrCat(ciphers, reader.names_triple_des() ? ":!aPSK" : ":!aPSK:!3DES");
  if (SSL_CTX_set_cipher_list(ssl_ctx, list.c_str()) == 1) return true;
  problems->push_back(
      {.field = Field::kCiphers,
       .message = absl::StrCat("cipher list \"", Printable(ciphers), "\" leaves no cipher (",
                               DrainErrorQueue().reason, "); add one that is known, such as ",
                               "\"ECDHE-RSA-AES128-GCM-SHA256\", or use \"DEFAULT\"")});
  return false;
}

}  // namespace sluice::tls
