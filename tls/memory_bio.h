// The bytes between BoringSSL and its caller: a BIO over spans that are lent for one call.
//
// BoringSSL reads straight out of the caller's input and writes straight into the caller's output.
// It cannot repeat an alert that found no room, so the tail of a write that does not fit is kept
// here, bounded, and moved out first when room comes. Longer writes are refused in part, which
// BoringSSL retries by itself.
#ifndef SLUICE_TLS_MEMORY_BIO_H_
#define SLUICE_TLS_MEMORY_BIO_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

struct bio_st;  // BoringSSL's BIO.

namespace sluice::tls {

// An alert record with a KeyUpdate record before it, the most that BoringSSL writes only once: 59
// bytes with TLS 1.0 CBC (RFC 5246 6.2.3: header 5, IV 16, alert 2, MAC 20, padding 16), 27 + 24
// bytes in TLS 1.3 (RFC 8446 5.2: header 5, message 5 or 2, type 1, tag 16).
inline constexpr size_t kKeptBytesMax = 128;

class MemoryBio {
 public:
  // Allocation failure aborts.
  MemoryBio();
  ~MemoryBio();
  MemoryBio(const MemoryBio&) = delete;
  MemoryBio& operator=(const MemoryBio&) = delete;

  // Owned by this; take a reference to give it to an SSL, which must not outlive this.
  bio_st* bio() const { return bio_; }

  // Lends both spans until TakeBack and moves what was kept into `output`.
  void Lend(std::span<uint8_t> input, std::span<uint8_t> output);
  // Forgets the spans.
  void TakeBack();

  // Bytes wait for more output: nothing else may be written until a Lend has moved them all.
  bool keeps_output() const { return num_kept_ > 0; }

  // Input not read yet, and output not written yet.
  size_t input_left() const { return input_.size(); }
  size_t output_left() const { return output_.size(); }
  void DropInput() { input_ = {}; }

  // For what goes around the BIO: the spans themselves, and how much of them it leaves.
  std::span<uint8_t> input() const { return input_; }
  std::span<uint8_t> output() const { return output_; }
  void set_input(std::span<uint8_t> left) { input_ = left; }
  void set_output(std::span<uint8_t> left) { output_ = left; }

 private:
  // The functions of the BIO_METHOD, declared here for their access to the spans.
  friend struct MemoryBioMethod;

  size_t Read(std::span<uint8_t> room);
  size_t Write(std::span<const uint8_t> bytes);

  bio_st* bio_;
  std::span<uint8_t> input_;
  std::span<uint8_t> output_;
  std::array<uint8_t, kKeptBytesMax> kept_;
  size_t num_kept_ = 0;
};

}  // namespace sluice::tls

#endif  // SLUICE_TLS_MEMORY_BIO_H_
