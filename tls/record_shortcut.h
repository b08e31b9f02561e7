// TLS records opened and sealed in the caller's memory.
//
// SSL_read copies every record twice and SSL_write once, and both allocate and free 16 KB for each.
// These go around that, with internals of the BoringSSL that WORKSPACE pins; whatever is not plain
// application data they leave to the public functions. Built with --define=boringssl=public they
// are not there: then each says that it is unable, always, and any BoringSSL will do.
#ifndef SLUICE_TLS_RECORD_SHORTCUT_H_
#define SLUICE_TLS_RECORD_SHORTCUT_H_

#include <cstddef>
#include <cstdint>
#include <span>

struct ssl_st;  // BoringSSL's SSL.

namespace sluice::tls {

enum class OpenedRecord : uint8_t {
  // `*plaintext`, never empty, stands where the record stood.
  kData,
  // The record is not all there. Nothing was consumed.
  kIncomplete,
  // Consumed, and no data: a message of the handshake protocol, an alert, or an error. The next
  // SSL_read, which must find no further input, deals with it or says what is wrong.
  kNotData,
  // Nothing was done: let SSL_read have the input.
  kUnable,
};

// Opens the record at the start of `input`, whose bytes are overwritten, if its plaintext cannot be
// longer than `plaintext_bytes_max`. `*consumed`: the length of the record.
OpenedRecord OpenRecordInPlace(ssl_st* ssl, std::span<uint8_t> input, size_t plaintext_bytes_max,
                               std::span<const uint8_t>* plaintext, size_t* consumed);

// Seals `plaintext`, of 1 to 16384 bytes, as one record at the start of `output`, which has room
// for SSL_max_seal_overhead bytes more and does not overlap it. `*produced`: the length of the
// record. False: nothing was done, let SSL_write do it.
bool SealRecordInto(ssl_st* ssl, std::span<const uint8_t> plaintext, std::span<uint8_t> output,
                    size_t* produced);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_RECORD_SHORTCUT_H_
