#include "config/tls_values.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/parameter.h"
#include "config/quote.h"
#include "config/read_file.h"
#include "config/suggest.h"
#include "config/tls_version.h"
#include "config/value.h"

namespace sluice::config {
namespace {

// RFC 7301 3.1: one byte holds the length of a name.
constexpr size_t kAlpnNameBytesMax = 255;
// RFC 7301 allows 65,535 bytes for the list, but BoringSSL's servers take no ClientHello above
// 16 KiB: half of that, so that everything else has room.
constexpr size_t kAlpnListBytesMax = 8'192;

constexpr Parameter<CertificateCache> kCertificateCacheParameters[] = {
    {"off",
     {},
     [](std::string_view, CertificateCache& cache) {
       cache.max = 0;
       return true;
     }},
    {"max", "a number from 1",
     [](std::string_view value, CertificateCache& cache) {
       return SetIfGiven(ParseNumber(value, 1, std::numeric_limits<int>::max()), &cache.max);
     }},
    {"inactive", "a time such as \"10s\"",
     [](std::string_view value, CertificateCache& cache) {
       const std::optional<int64_t> inactive_ms = ParseDurationMs(value);
       cache.inactive_ms = inactive_ms.value_or(cache.inactive_ms);
       return inactive_ms.has_value();
     }},
    {"valid", "a time such as \"60s\"",
     [](std::string_view value, CertificateCache& cache) {
       const std::optional<int64_t> valid_ms = ParseDurationMs(value);
       cache.valid_ms = valid_ms.value_or(cache.valid_ms);
       return valid_ms.has_value();
     }},
};

}  // namespace

std::optional<std::string> PathArg(const Call& call) {
  const Word& word = call.arg(0);
  if (word.text.empty()) return "";
  if (call.RefuseVariables(word)) return std::nullopt;
  for (const std::string_view scheme : {"data:", "engine:", "store:"}) {
    if (word.text.starts_with(scheme)) {
      call.NotSupportedYet(word, absl::StrCat("\"", scheme, "\" in \"", call.spec.name, "\""));
      return std::nullopt;
    }
  }
  return ResolvePath(call.conf_directory, word.text);
}

void SetPath(const Call& call, std::string* path) {
  if (std::optional<std::string> given = PathArg(call)) *path = *std::move(given);
}

void AddVersions(const Call& call, uint8_t* mask, tls::Version* min, tls::Version* max) {
  uint8_t& versions = *mask;
  if (call.is_first) versions = 0;
  bool bad = false;
  for (const Word& word : call.directive.args) {
    if (absl::EqualsIgnoreCase(word.text, "SSLv2") || absl::EqualsIgnoreCase(word.text, "SSLv3")) {
      call.Error(word, absl::StrCat(word.text,
                                    " is broken and not built in: remove it, and use "
                                    "TLSv1.2 TLSv1.3"));
      bad = true;
      continue;
    }
    const std::optional<tls::Version> version = ParseTlsVersion(word.text);
    if (!version.has_value()) {
      const std::vector<std::string_view> names = TlsVersionNames();
      call.Error(word, absl::StrCat("invalid value ", Quote(word.text), " in \"", call.spec.name,
                                    "\" directive: expected one of ", absl::StrJoin(names, ", "),
                                    DidYouMean(word.text, names)));
      bad = true;
      continue;
    }
    const auto* found = std::find(std::begin(kTlsVersions), std::end(kTlsVersions), *version);
    versions |= static_cast<uint8_t>(1u << (found - std::begin(kTlsVersions)));
  }
  if (bad) return;

  const int lowest = std::countr_zero(versions);
  const int highest = std::bit_width(versions) - 1;
  if (std::popcount(versions) != highest - lowest + 1) {
    // OpenSSL and BoringSSL would silently offer the part below the hole only.
    std::vector<std::string_view> missing;
    for (int i = lowest; i < highest; ++i) {
      if ((versions & (1u << i)) == 0) missing.push_back(tls::VersionName(kTlsVersions[i]));
    }
    call.Error(call.directive.name, absl::StrCat("\"", call.spec.name, "\" has a hole: add ",
                                                 absl::StrJoin(missing, " "),
                                                 ", or leave out what is on one side of it"));
    return;
  }
  *min = kTlsVersions[lowest];
  *max = kTlsVersions[highest];
}

void SetProtocolNames(const Call& call, std::vector<std::string>* names) {
  std::vector<std::string>& alpn = *names;
  alpn.clear();
  size_t list_bytes = 0;  // Each name stands behind one byte of length (RFC 7301 3.1).
  for (const Word& word : call.directive.args) {
    if (call.RefuseVariables(word)) continue;
    if (word.text.empty() || word.text.size() > kAlpnNameBytesMax) {
      call.InvalidValue(word, absl::StrCat("the name of a protocol, 1 to ", kAlpnNameBytesMax,
                                           " bytes, such as \"h2\""));
      continue;
    }
    list_bytes += 1 + word.text.size();
    if (list_bytes > kAlpnListBytesMax) {
      call.Error(
          word,
          absl::StrCat("the names in \"", call.spec.name, "\" are too long: together, ",
                       "with one byte more for each, they may have ", kAlpnListBytesMax, " bytes"));
      return;
    }
    alpn.push_back(word.text);
  }
}

void SetKeyLogPath(const Call& call, std::string* path) {
  const Word& word = call.arg(0);
  if (call.RefuseVariables(word)) return;
  *path = word.text.empty() ? "" : ResolvePath(call.prefix, word.text);
}

void SetAlgorithms(const Call& call, std::string* algorithms) {
  const Word& word = call.arg(0);
  if (word.text.empty()) return call.InvalidValue(word, "at least one name");
  *algorithms = word.text;
}

void SetCertificateCache(const Call& call, CertificateCache* target) {
  CertificateCache cache;
  if (!SetParameters<CertificateCache>(call, 0, kCertificateCacheParameters, cache)) return;
  const std::vector<Word>& args = call.directive.args;
  const bool off =
      std::any_of(args.begin(), args.end(), [](const Word& word) { return word.text == "off"; });
  if (off) cache.max = 0;
  *target = cache;
  if (off) return;
  if (cache.max == 0) {
    call.Error(call.directive.name, absl::StrCat("\"", call.spec.name,
                                                 "\" must have the \"max\" parameter, or \"off\""));
    return;
  }
  call.diagnostics.Notice(
      call.directive.name.span,
      absl::StrCat("\"", call.spec.name,
                   "\" has no effect here: it is for certificates that are named with variables"));
}

}  // namespace sluice::config
