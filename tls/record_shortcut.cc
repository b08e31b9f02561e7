// Each function does what ssl_read_impl (ssl/ssl_lib.cc) or do_tls_write (ssl/s3_pkt.cc) of the
// pinned BoringSSL does for a record of application data, without their buffers. Everything else is
// told apart here and left to them.
#include "tls/record_shortcut.h"

#include <openssl/ssl.h>

#include "src/ssl/internal.h"

namespace sluice::tls {
namespace {

// The two bytes of a record's header that say how long its body is (RFC 8446 5.1).
size_t BodyBytes(std::span<const uint8_t> header) { return size_t{header[3]} << 8 | header[4]; }

// Input or opened data waits in the library.
bool HasBufferedInput(const SSL* ssl) {
  return !ssl->s3->read_buffer.empty() || !ssl->s3->pending_app_data.empty();
}

// Output of the library has to go first, or there must be none any more.
bool MustWriteOtherwise(const SSL* ssl) {
  const bssl::SSL3_STATE& state = *ssl->s3;
  return SSL_in_init(ssl) || state.write_shutdown != bssl::ssl_shutdown_none ||
         !state.write_buffer.empty() || !state.pending_write.empty() ||
         state.unreported_bytes_written > 0 || state.pending_flight != nullptr ||
         state.pending_hs_data != nullptr || state.alert_dispatch;
}

}  // namespace

OpenedRecord OpenRecordInPlace(ssl_st* ssl, std::span<uint8_t> input, size_t plaintext_bytes_max,
                               std::span<const uint8_t>* plaintext, size_t* consumed) {
  *consumed = 0;
  if (SSL_in_init(ssl) || HasBufferedInput(ssl)) return OpenedRecord::kUnable;
  if (input.size() < SSL3_RT_HEADER_LENGTH) return OpenedRecord::kIncomplete;
  const size_t body_bytes = BodyBytes(input);
  if (body_bytes > SSL3_RT_MAX_ENCRYPTED_LENGTH || body_bytes > plaintext_bytes_max) {
    return OpenedRecord::kUnable;
  }
  const size_t record_bytes = SSL3_RT_HEADER_LENGTH + body_bytes;
  if (input.size() < record_bytes) return OpenedRecord::kIncomplete;

  bssl::Span<uint8_t> opened;
  uint8_t alert = SSL_AD_DECODE_ERROR;
  const bssl::ssl_open_record_t result = bssl::ssl_open_app_data(
      ssl, &opened, consumed, &alert, bssl::MakeSpan(input.data(), record_bytes));
  *consumed = record_bytes;
  if (result == bssl::ssl_open_record_success) {
    ssl->s3->key_update_count = 0;
    *plaintext = {opened.data(), opened.size()};
    return OpenedRecord::kData;
  }
  if (result == bssl::ssl_open_record_error && alert != 0) {
    bssl::ssl_send_alert(ssl, SSL3_AL_FATAL, alert);
  }
  return OpenedRecord::kNotData;
}

bool SealRecordInto(ssl_st* ssl, std::span<const uint8_t> plaintext, std::span<uint8_t> output,
                    size_t* produced) {
  if (MustWriteOtherwise(ssl)) return false;
  return bssl::tls_seal_record(ssl, output.data(), produced, output.size(),
                               SSL3_RT_APPLICATION_DATA, plaintext.data(), plaintext.size());
}

}  // namespace sluice::tls
