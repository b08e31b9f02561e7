#include "tls/memory_bio.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>

#include "absl/log/check.h"

namespace sluice::tls {

struct MemoryBioMethod {
  static MemoryBio& Of(BIO* bio) { return *static_cast<MemoryBio*>(BIO_get_data(bio)); }

  static int Read(BIO* bio, char* room, int len) {
    BIO_clear_retry_flags(bio);
    const size_t num_read =
        Of(bio).Read({reinterpret_cast<uint8_t*>(room), static_cast<size_t>(len)});
    if (num_read > 0) return static_cast<int>(num_read);
    BIO_set_retry_read(bio);
    return -1;
  }

  static int Write(BIO* bio, const char* bytes, int len) {
    BIO_clear_retry_flags(bio);
    const size_t num_written =
        Of(bio).Write({reinterpret_cast<const uint8_t*>(bytes), static_cast<size_t>(len)});
    if (num_written > 0) return static_cast<int>(num_written);
    BIO_set_retry_write(bio);
    return -1;
  }

  // A flight counts as sent only once a flush has succeeded. No other request has a meaning here.
  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* Get() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index(), "lent spans");
      CHECK(made != nullptr);
      BIO_meth_set_read(made, Read);
      BIO_meth_set_write(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }
};

MemoryBio::MemoryBio() : bio_(BIO_new(MemoryBioMethod::Get())) {
  CHECK(bio_ != nullptr);
  BIO_set_data(bio_, this);
  BIO_set_init(bio_, 1);
}

MemoryBio::~MemoryBio() { BIO_free(bio_); }

void MemoryBio::Lend(std::span<uint8_t> input, std::span<uint8_t> output) {
  input_ = input;
  output_ = output;
  const size_t num_moved = std::min(num_kept_, output_.size());
  if (num_moved == 0) return;
  std::memcpy(output_.data(), kept_.data(), num_moved);
  output_ = output_.subspan(num_moved);
  num_kept_ -= num_moved;
  std::memmove(kept_.data(), kept_.data() + num_moved, num_kept_);
}

void MemoryBio::TakeBack() {
  input_ = {};
  output_ = {};
}

size_t MemoryBio::Read(std::span<uint8_t> room) {
  const size_t num_read = std::min(room.size(), input_.size());
  if (num_read == 0) return 0;
  std::memcpy(room.data(), input_.data(), num_read);
  input_ = input_.subspan(num_read);
  return num_read;
}

size_t MemoryBio::Write(std::span<const uint8_t> bytes) {
  // Lend has moved out what was kept before output_ gets new bytes, and once it is full all that
  // follows is kept: the order of bytes holds.
  const size_t num_out = std::min(bytes.size(), output_.size());
  if (num_out > 0) {
    std::memcpy(output_.data(), bytes.data(), num_out);
    output_ = output_.subspan(num_out);
    bytes = bytes.subspan(num_out);
  }
  const size_t num_keep = std::min(bytes.size(), kept_.size() - num_kept_);
  if (num_keep > 0) {
    std::memcpy(kept_.data() + num_kept_, bytes.data(), num_keep);
    num_kept_ += num_keep;
  }
  return num_out + num_keep;
}

}  // namespace sluice::tls
