// TLS records over a socket, as a server that obeys nobody sends and reads them.
//
//   RecordLayer wire(socket);
//   wire.Queue(kHandshake, server_hello);            // In the clear until there are keys.
//   wire.QueueBytes("HTTP/1.1 400 Bad Request\r\n");  // Not even a record.
//   wire.Flush();
//
// AES-128-GCM is the only cipher. A connection that has ended is no error here: what is sent then
// is lost, and nothing more is read; the test looks at the proxy's other end.
#ifndef SLUICE_TESTS_HOSTILE_RECORD_LAYER_H_
#define SLUICE_TESTS_HOSTILE_RECORD_LAYER_H_

#include <openssl/aead.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/hostile/wire.h"
#include "tests/support/socket.h"

namespace sluice::testing {

// Of one direction.
struct TrafficKeys {
  uint16_t version;  // kTls12 or kTls13.
  std::string key;   // 16 bytes.
  std::string iv;    // 12 bytes, in TLS 1.2 the 4 that are not sent.
};

// Protects or opens the records of one direction, in their order.
class RecordCipher {
 public:
  explicit RecordCipher(const TrafficKeys& keys);

  // A whole record. `padding`: zeros behind the inner type.
  std::string Seal(uint8_t content_type, std::string_view content, std::string_view padding = "");
  // `type` and `body` are the record's; `type` becomes the inner one. Empty: it is not of these
  // keys.
  std::optional<std::string> Open(uint8_t* content_type, std::string_view body);

 private:
  std::string Nonce() const;
  std::string AdditionalData(uint8_t content_type, size_t content_bytes, size_t record_bytes) const;

  const uint16_t version_;
  const std::string iv_;
  bssl::ScopedEVP_AEAD_CTX aead_;
  uint64_t sequence_number_ = 0;
};

class RecordLayer {
 public:
  // `socket` outlives it, and is not used by anybody else meanwhile.
  explicit RecordLayer(Socket& socket);

  // --- Sending ---

  // One record, protected if there are keys.
  void Queue(uint8_t content_type, std::string_view content);
  // The same with `num_zeros` of TLS 1.3's padding.
  void QueuePadded(uint8_t content_type, std::string_view content, size_t num_zeros);
  // A handshake message in as many records as it takes.
  void QueueMessage(std::string_view message);
  // The most that QueueMessage puts into one record.
  void set_fragment_bytes(size_t bytes) { fragment_bytes_ = bytes; }
  // Bytes as they are.
  void QueueBytes(std::string_view bytes) { queued_.append(bytes); }
  // What is queued, to be queued again in another form.
  std::string TakeQueued();
  // Sends what is queued: at once, or each byte as a TCP segment of its own.
  void Flush();
  void FlushByteByByte();
  // Ends the stream with FIN; with RST, once the script has returned.
  void Finish();
  void Reset();
  bool reset() const { return reset_; }
  void SetWriteKeys(const TrafficKeys& keys) { write_cipher_.emplace(keys); }
  // What a server that has accepted the client is to say first.
  void set_greeting(std::string_view data) { greeting_ = data; }
  // Sends the greeting, if there is one, behind what is queued.
  void Greet();
  bool has_greeted() const { return has_greeted_; }

  // --- Reading ---

  struct Received {
    uint8_t content_type;  // The inner one.
    std::string content;
  };
  // The next record. Empty: the stream has ended.
  std::optional<Received> Read();
  // The next handshake message, header included; what is no handshake is passed over. Empty: the
  // stream has ended.
  std::string ReadMessage();
  // `size` bytes of application data, or fewer if the stream has ended before.
  std::string ReadData(size_t size);
  // Waits until there is something to read, or the stream has ended. False: not in this time.
  bool WaitForInput(int timeout_ms);
  // Reads on to the end of the stream. How that was.
  End Drain();

  void SetReadKeys(const TrafficKeys& keys) { read_cipher_.emplace(keys); }
  // TLS 1.2: from the client's ChangeCipherSpec on.
  void SetReadKeysBehindChangeCipherSpec(const TrafficKeys& keys) { next_read_keys_ = keys; }

  // Whether a record has come that is application data, or may be: the keys do not open it, and it
  // is too long for an alert.
  bool may_hold_application_data() const { return may_hold_application_data_; }
  // Every byte that has come.
  const std::string& bytes_received() const { return bytes_received_; }

 private:
  Socket& socket_;
  std::string queued_;
  size_t fragment_bytes_ = kFragmentBytesMax;
  bool reset_ = false;
  std::string greeting_;
  bool has_greeted_ = false;
  std::optional<RecordCipher> write_cipher_;
  std::optional<RecordCipher> read_cipher_;
  std::optional<TrafficKeys> next_read_keys_;
  std::string messages_;  // Handshake bytes that ReadMessage has not returned yet.
  bool may_hold_application_data_ = false;
  std::string bytes_received_;
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_RECORD_LAYER_H_
