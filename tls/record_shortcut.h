// TLS records opened and sealed in the caller's memory.
//
// SSL_read copies every record twice and SSL_write once, and both allocate and free 16 KB for each.
// This goes around that, with internals of the BoringSSL that WORKSPACE pins, and for long records
// around its AES-GCM where the CPU has something better (RecordCipher); whatever is not plain
// application data is left to the public functions. Built with --define=boringssl=public it is not
// there: then it says that it is unable, always, and any BoringSSL will do.
#ifndef SLUICE_TLS_RECORD_SHORTCUT_H_
#define SLUICE_TLS_RECORD_SHORTCUT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct ssl_st;  // BoringSSL's SSL.

namespace sluice::tls {

class RecordCipher;

enum class OpenedRecord : uint8_t {
  kData,
  // The record is not all there. Nothing was consumed.
  kIncomplete,
  // Consumed, and no data: a message of the handshake protocol, an alert, or an error. The next
  // SSL_read, which must find no further input, deals with it or says what is wrong.
  kNotData,
  // Nothing was done: let SSL_read have the input.
  kUnable,
};

// For one connection.
class RecordShortcut {
 public:
  // `ssl` lives longer.
  explicit RecordShortcut(ssl_st* ssl);
  ~RecordShortcut();
  RecordShortcut(const RecordShortcut&) = delete;
  RecordShortcut& operator=(const RecordShortcut&) = delete;

  // Opens the record at the start of `input` into `room`, which does not overlap it, if it is sure
  // to fit. `*opened`: the number of bytes, never 0 with kData. `*consumed`: the length of the
  // record. What stood there, and behind `*opened` in `room`, may be overwritten.
  OpenedRecord Open(std::span<uint8_t> input, std::span<uint8_t> room, size_t* opened,
                    size_t* consumed);

  // Seals `plaintext`, of 1 to 16384 bytes, as one record at the start of `output`, which has room
  // for SSL_max_seal_overhead bytes more and does not overlap it. `*produced`: the length of the
  // record. False: nothing was done, let SSL_write do it.
  bool Seal(std::span<const uint8_t> plaintext, std::span<uint8_t> output, size_t* produced);

 private:
  ssl_st* const ssl_;
  // Where long records have gone.
  std::unique_ptr<RecordCipher> opens_;
  std::unique_ptr<RecordCipher> seals_;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_RECORD_SHORTCUT_H_
