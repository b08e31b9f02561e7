#include "tests/hostile/misbehaviour.h"

#include <openssl/cipher.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "absl/strings/str_cat.h"
#include "tls/failure_advice.h"

namespace sluice::testing {
namespace {

// The words of tls/error_queue.h for errors of BoringSSL's, and the advice on them. No script asks
// for a client certificate before it fails.
std::string Failure(std::string_view function, const Errors& errors) {
  tls::Failure failure{.kind = tls::FailureKind::kProtocol};
  std::string text;
  for (const Error& error : errors) {
    const uint32_t code =
        ERR_GET_LIB(error.code) != 0 ? error.code : ERR_PACK(ERR_LIB_SSL, error.code);
    char line[ERR_ERROR_STRING_BUF_LEN];
    ERR_error_string_n(code, line, sizeof(line));
    if (ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) {
      failure.kind = tls::FailureKind::kAlertReceived;
      failure.alert = static_cast<uint8_t>(ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET);
    }
    absl::StrAppend(&text, " ", line, error.detail.empty() ? "" : ":", error.detail);
  }
  failure.text = absl::StrCat(function, "() failed (SSL:", text, ")");
  const std::string_view advice = tls::FailureAdvice(failure, /*certificate_missing=*/false);
  return absl::StrCat(failure.text, advice.empty() ? "" : ": ", advice);
}

}  // namespace

Errors Forged() {
  return {ERR_PACK(ERR_LIB_CIPHER, CIPHER_R_BAD_DECRYPT),
          SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC};
}

Error AlertReceived(AlertDescription description) {
  return {static_cast<uint32_t>(SSL_AD_REASON_OFFSET + description),
          absl::StrCat("SSL alert number ", description)};
}

Ending RefusedAs(const Errors& errors) {
  return RefusedBecause(Failure("SSL_do_handshake", errors));
}

Ending RefusedBecause(std::string_view text) {
  return {.log = absl::StrCat(text, " while SSL handshaking to upstream"), .refused = true};
}

Ending BrokenAs(const Errors& errors, std::string_view received) {
  return {.log = absl::StrCat(Failure("SSL_read", errors), " while proxying connection"),
          .received = std::string(received),
          .client_end = End::kReset};
}

Ending Served(std::string_view received) { return {.received = std::string(received)}; }

Ending Truncated(std::string_view received) {
  return {.log = "upstream closed connection without close_notify while proxying connection",
          .received = std::string(received)};
}

}  // namespace sluice::testing
