#include "tls/record_shortcut.h"

namespace sluice::tls {

class RecordCipher {};

RecordShortcut::RecordShortcut(ssl_st* ssl) : ssl_(ssl) {}

RecordShortcut::~RecordShortcut() = default;

OpenedRecord RecordShortcut::Open(std::span<uint8_t>, std::span<uint8_t>, size_t*, size_t*) {
  return OpenedRecord::kUnable;
}

bool RecordShortcut::Seal(std::span<const uint8_t>, std::span<uint8_t>, size_t*) { return false; }

}  // namespace sluice::tls
