// Does what ssl_read_impl (ssl/ssl_lib.cc) or do_tls_write (ssl/s3_pkt.cc) of the pinned BoringSSL
// does for a record of application data, without their buffers. Everything else is told apart here
// and left to them.
#include "tls/record_shortcut.h"

#include <openssl/ssl.h>

#include <cstring>
#include <functional>
#include <limits>

#include "absl/log/check.h"
#include "src/ssl/internal.h"
#include "tls/record_cipher.h"

namespace sluice::tls {
namespace {

// Keys of its own for a direction are made, and keep 1.2 KB, once a record as long as this has gone
// there. That earlier costs more than it saves.
constexpr size_t kLongRecordBytes = 4 * 1024;

// The two bytes of a record's header that say how long its body is (RFC 8446 5.1).
size_t BodyBytes(std::span<const uint8_t> header) { return size_t{header[3]} << 8 | header[4]; }

bool Overlap(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return std::less<>()(a.data(), b.data() + b.size()) &&
         std::less<>()(b.data(), a.data() + a.size());
}

// Input or opened data waits in the library.
bool HasBufferedInput(const SSL* ssl) {
  return !ssl->s3->read_buffer.empty() || !ssl->s3->pending_app_data.empty();
}

// The library would look at more than the next record: nothing can be read any more, or a message
// of the handshake protocol has begun.
bool MustReadOtherwise(const SSL* ssl) {
  const bssl::SSL3_STATE& state = *ssl->s3;
  return state.read_shutdown != bssl::ssl_shutdown_none ||
         (state.hs_buf != nullptr && state.hs_buf->length > 0) ||
         state.read_sequence == std::numeric_limits<uint64_t>::max();
}

// Output of the library has to go first, or there must be none any more.
bool MustWriteOtherwise(const SSL* ssl) {
  const bssl::SSL3_STATE& state = *ssl->s3;
  return SSL_in_init(ssl) || state.write_shutdown != bssl::ssl_shutdown_none ||
         !state.write_buffer.empty() || !state.pending_write.empty() ||
         state.unreported_bytes_written > 0 || state.pending_flight != nullptr ||
         state.pending_hs_data != nullptr || state.alert_dispatch ||
         state.write_sequence == std::numeric_limits<uint64_t>::max();
}

// The cipher for the next record of `record_bytes`: null is BoringSSL's own.
const RecordCipher* CipherFor(const SSL* ssl, RecordCipher::Direction direction,
                              size_t record_bytes, std::unique_ptr<RecordCipher>* cipher) {
  if (*cipher != nullptr && !(*cipher)->IsCurrent(ssl)) cipher->reset();
  if (*cipher == nullptr && record_bytes >= kLongRecordBytes) {
    *cipher = RecordCipher::Create(ssl, direction);
  }
  return cipher->get();
}

// Leaves to the library what is not data.
size_t OpenData(SSL* ssl, const RecordCipher& cipher, std::span<const uint8_t> record,
                uint8_t* output) {
  if (MustReadOtherwise(ssl)) return 0;
  bssl::SSL3_STATE& state = *ssl->s3;
  const size_t opened = cipher.Open(state.read_sequence, record, output);
  if (opened == 0) return 0;
  ++state.read_sequence;
  state.empty_record_count = 0;
  state.warning_alert_count = 0;
  state.key_update_count = 0;
  return opened;
}

}  // namespace

RecordShortcut::RecordShortcut(SSL* ssl) : ssl_(ssl) {}

RecordShortcut::~RecordShortcut() = default;

OpenedRecord RecordShortcut::Open(std::span<uint8_t> input, std::span<uint8_t> room, size_t* opened,
                                  size_t* consumed) {
  DCHECK(!Overlap(input, room));
  *opened = *consumed = 0;
  if (SSL_in_init(ssl_) || HasBufferedInput(ssl_)) return OpenedRecord::kUnable;
  if (input.size() < SSL3_RT_HEADER_LENGTH) return OpenedRecord::kIncomplete;
  const size_t body_bytes = BodyBytes(input);
  if (body_bytes > SSL3_RT_MAX_ENCRYPTED_LENGTH || body_bytes > room.size()) {
    return OpenedRecord::kUnable;
  }
  if (input.size() < SSL3_RT_HEADER_LENGTH + body_bytes) return OpenedRecord::kIncomplete;
  const std::span<uint8_t> record = input.first(SSL3_RT_HEADER_LENGTH + body_bytes);
  const RecordCipher* const cipher =
      CipherFor(ssl_, RecordCipher::Direction::kOpen, record.size(), &opens_);
  if (cipher != nullptr) *opened = OpenData(ssl_, *cipher, record, room.data());
  if (*opened > 0) {
    *consumed = record.size();
    return OpenedRecord::kData;
  }

  bssl::Span<uint8_t> plaintext;
  uint8_t alert = SSL_AD_DECODE_ERROR;
  const bssl::ssl_open_record_t result = bssl::ssl_open_app_data(
      ssl_, &plaintext, consumed, &alert, bssl::MakeSpan(record.data(), record.size()));
  *consumed = record.size();
  if (result == bssl::ssl_open_record_success) {
    ssl_->s3->key_update_count = 0;
    *opened = plaintext.size();
    std::memcpy(room.data(), plaintext.data(), plaintext.size());
    return OpenedRecord::kData;
  }
  if (result == bssl::ssl_open_record_error && alert != 0) {
    bssl::ssl_send_alert(ssl_, SSL3_AL_FATAL, alert);
  }
  return OpenedRecord::kNotData;
}

bool RecordShortcut::Seal(std::span<const uint8_t> plaintext, std::span<uint8_t> output,
                          size_t* produced) {
  DCHECK(!Overlap(plaintext, output));
  if (MustWriteOtherwise(ssl_)) return false;
  const RecordCipher* const cipher =
      CipherFor(ssl_, RecordCipher::Direction::kSeal, plaintext.size(), &seals_);
  if (cipher == nullptr || output.size() < plaintext.size() + cipher->overhead_bytes()) {
    return bssl::tls_seal_record(ssl_, output.data(), produced, output.size(),
                                 SSL3_RT_APPLICATION_DATA, plaintext.data(), plaintext.size());
  }
  *produced = cipher->Seal(ssl_->s3->write_sequence++, plaintext, output.data());
  return true;
}

}  // namespace sluice::tls
