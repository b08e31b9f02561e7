#include "tests/hostile/record_layer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"

namespace sluice::testing {
namespace {

constexpr size_t kTagBytes = 16;
// RFC 5288 3: the part of the nonce that stands in front of each TLS 1.2 record.
constexpr size_t kExplicitNonceBytes = 8;

// RFC 8446 5.2: an alert, its type and the tag.
constexpr size_t kSealedAlertBytes = 2 + 1 + kTagBytes;

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}
uint8_t* Data(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }

std::string U64(uint64_t value) {
  return absl::StrCat(U32(static_cast<uint32_t>(value >> 32)), U32(static_cast<uint32_t>(value)));
}

}  // namespace

RecordCipher::RecordCipher(const TrafficKeys& keys) : version_(keys.version), iv_(keys.iv) {
  CHECK_EQ(EVP_AEAD_CTX_init(aead_.get(), EVP_aead_aes_128_gcm(), Data(keys.key), keys.key.size(),
                             kTagBytes, nullptr),
           1);
}

std::string RecordCipher::Nonce() const {
  const std::string sequence_number = U64(sequence_number_);
  if (version_ == kTls12) return iv_ + sequence_number;
  std::string nonce = iv_;
  for (size_t i = 0; i < sequence_number.size(); ++i) {
    nonce[nonce.size() - sequence_number.size() + i] ^= sequence_number[i];
  }
  return nonce;
}

std::string RecordCipher::AdditionalData(uint8_t content_type, size_t content_bytes,
                                         size_t record_bytes) const {
  if (version_ == kTls13) return RecordHeader(kApplicationData, record_bytes);
  return absl::StrCat(U64(sequence_number_), RecordHeader(content_type, content_bytes));
}

std::string RecordCipher::Seal(uint8_t content_type, std::string_view content,
                               std::string_view padding) {
  const bool tls13 = version_ == kTls13;
  const std::string plaintext =
      tls13 ? absl::StrCat(content, U8(content_type), padding) : std::string(content);
  const std::string nonce = Nonce();
  const std::string additional_data =
      AdditionalData(content_type, content.size(), plaintext.size() + kTagBytes);
  std::string sealed(plaintext.size() + kTagBytes, '\0');
  size_t sealed_bytes = 0;
  CHECK_EQ(EVP_AEAD_CTX_seal(aead_.get(), Data(sealed), &sealed_bytes, sealed.size(), Data(nonce),
                             nonce.size(), Data(plaintext), plaintext.size(), Data(additional_data),
                             additional_data.size()),
           1);
  CHECK_EQ(sealed_bytes, sealed.size());
  const std::string explicit_nonce = tls13 ? "" : U64(sequence_number_);
  ++sequence_number_;
  return Record(tls13 ? uint8_t{kApplicationData} : content_type, explicit_nonce + sealed);
}

std::optional<std::string> RecordCipher::Open(uint8_t* content_type, std::string_view body) {
  const bool tls13 = version_ == kTls13;
  // A TLS 1.3 client's ChangeCipherSpec, and an alert of one that has no keys yet.
  if (tls13 && *content_type != kApplicationData) return std::string(body);
  std::string nonce = Nonce();
  const size_t overhead_bytes = kTagBytes + (tls13 ? 0 : kExplicitNonceBytes);
  if (body.size() < overhead_bytes) return {};
  const std::string additional_data =
      AdditionalData(*content_type, body.size() - overhead_bytes, body.size());
  if (!tls13) {
    nonce = absl::StrCat(iv_, body.substr(0, kExplicitNonceBytes));
    body.remove_prefix(kExplicitNonceBytes);
  }
  std::string content(body.size(), '\0');
  size_t content_bytes = 0;
  if (EVP_AEAD_CTX_open(aead_.get(), Data(content), &content_bytes, content.size(), Data(nonce),
                        nonce.size(), Data(body), body.size(), Data(additional_data),
                        additional_data.size()) != 1) {
    return {};
  }
  ++sequence_number_;
  content.resize(content_bytes);
  if (tls13) {
    content.resize(content.find_last_not_of('\0') + 1);
    CHECK(!content.empty());
    *content_type = static_cast<uint8_t>(content.back());
    content.pop_back();
  }
  return content;
}

RecordLayer::RecordLayer(Socket& socket) : socket_(socket) {
  const int on = 1;
  PCHECK(setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
}

void RecordLayer::Queue(uint8_t content_type, std::string_view content) {
  QueueBytes(write_cipher_ ? write_cipher_->Seal(content_type, content)
                           : Record(content_type, content));
}

void RecordLayer::QueuePadded(uint8_t content_type, std::string_view content, size_t num_zeros) {
  CHECK(write_cipher_);
  QueueBytes(write_cipher_->Seal(content_type, content, std::string(num_zeros, '\0')));
}

void RecordLayer::QueueMessage(std::string_view message) {
  for (; !message.empty(); message.remove_prefix(std::min(message.size(), fragment_bytes_))) {
    Queue(kHandshake, message.substr(0, fragment_bytes_));
  }
}

std::string RecordLayer::TakeQueued() { return std::exchange(queued_, {}); }

void RecordLayer::Flush() { socket_.Send(TakeQueued()); }

void RecordLayer::FlushByteByByte() {
  for (const char byte : TakeQueued()) {
    if (!socket_.Send({&byte, 1})) return;
  }
}

void RecordLayer::Greet() {
  if (greeting_.empty()) return;
  Queue(kApplicationData, greeting_);
  Flush();
  has_greeted_ = true;
}

void RecordLayer::Finish() {
  Flush();
  socket_.ShutdownWrite();
}

void RecordLayer::Reset() {
  Flush();
  socket_.ResetOnClose();
  reset_ = true;
}

std::optional<RecordLayer::Received> RecordLayer::Read() {
  const std::string header = socket_.Receive(kRecordHeaderBytes);
  bytes_received_ += header;
  if (header.size() < kRecordHeaderBytes) return {};
  const size_t body_bytes = static_cast<uint8_t>(header[3]) << 8 | static_cast<uint8_t>(header[4]);
  const std::string body = socket_.Receive(body_bytes);
  bytes_received_ += body;
  if (body.size() < body_bytes) return {};

  Received received = {.content_type = static_cast<uint8_t>(header[0])};
  std::optional<std::string> content =
      read_cipher_ ? read_cipher_->Open(&received.content_type, body) : body;
  may_hold_application_data_ |= received.content_type == kApplicationData &&
                                ((read_cipher_ && content) || body.size() > kSealedAlertBytes);
  received.content = std::move(content).value_or("");
  if (received.content_type == kChangeCipherSpec && next_read_keys_) {
    SetReadKeys(*next_read_keys_);
    next_read_keys_.reset();
  }
  return received;
}

std::string RecordLayer::ReadMessage() {
  constexpr size_t kHeaderBytes = 4;
  for (;;) {
    if (messages_.size() >= kHeaderBytes) {
      const auto byte = [this](int i) { return static_cast<uint8_t>(messages_[i]); };
      const size_t message_bytes = kHeaderBytes + (byte(1) << 16 | byte(2) << 8 | byte(3));
      if (messages_.size() >= message_bytes) {
        std::string message = messages_.substr(0, message_bytes);
        messages_.erase(0, message_bytes);
        return message;
      }
    }
    const std::optional<Received> received = Read();
    if (!received) return "";
    if (received->content_type == kHandshake) messages_ += received->content;
  }
}

std::string RecordLayer::ReadData(size_t size) {
  std::string data;
  while (data.size() < size) {
    const std::optional<Received> received = Read();
    if (!received) break;
    if (received->content_type == kApplicationData) data += received->content;
  }
  return data;
}

bool RecordLayer::WaitForInput(int timeout_ms) {
  pollfd socket = {.fd = socket_.fd(), .events = POLLIN};
  return poll(&socket, 1, timeout_ms) > 0;
}

End RecordLayer::Drain() {
  while (Read()) {
  }
  return socket_.end();
}

}  // namespace sluice::testing
