#include "tls/error_queue.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice::tls {
namespace {

// BoringSSL numbers the reason for a received alert 1000 + alert, and alerts are one byte.
bool SaysAlertReceived(uint32_t packed_error) {
  const int reason = ERR_GET_REASON(packed_error);
  return ERR_GET_LIB(packed_error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
         reason <= SSL_AD_REASON_OFFSET + 255;
}

}  // namespace

QueuedErrors DrainErrorQueue() {
  QueuedErrors errors;
  const char* data = nullptr;
  int flags = 0;
  while (uint32_t packed_error = ERR_get_error_line_data(nullptr, nullptr, &data, &flags)) {
    char line[ERR_ERROR_STRING_BUF_LEN];
    ERR_error_string_n(packed_error, line, sizeof(line));
    absl::StrAppend(&errors.text, " ", line);
    if ((flags & ERR_FLAG_STRING) != 0 && data[0] != '\0') {
      absl::StrAppend(&errors.text, ":", Printable(data));
    }
    if (errors.reason.empty()) {
      const char* reason = ERR_reason_error_string(packed_error);
      errors.reason = reason != nullptr ? reason : "unknown error";
    }
    if (SaysAlertReceived(packed_error)) {
      errors.alert_received = true;
      errors.alert = static_cast<uint8_t>(ERR_GET_REASON(packed_error) - SSL_AD_REASON_OFFSET);
    }
  }
  return errors;
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  for (const unsigned char c : text) {
    if (c >= 0x20 && c < 0x7f) {
      printable.push_back(static_cast<char>(c));
    } else {
      absl::StrAppendFormat(&printable, "\\x%02X", c);
    }
  }
  return printable;
}

}  // namespace sluice::tls
