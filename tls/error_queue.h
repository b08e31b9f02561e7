// BoringSSL's thread-local error queue as text for the operator.
#ifndef SLUICE_TLS_ERROR_QUEUE_H_
#define SLUICE_TLS_ERROR_QUEUE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::tls {

struct QueuedErrors {
  // Every entry, oldest first, as nginx writes them: " error:...:reason:data error:...". Empty when
  // the queue was.
  std::string text;
  // The oldest entry's reason alone ("BAD_DECRYPT"), for sentences of our own.
  std::string reason;
  // An entry says that the peer sent a fatal alert, and which.
  bool alert_received = false;
  uint8_t alert = 0;
};

// Takes everything out of this thread's queue.
QueuedErrors DrainErrorQueue();

// `text` with every byte that is not printable ASCII as \xHH, so that nothing a peer or a file
// holds can break a log line.
std::string Printable(std::string_view text);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_ERROR_QUEUE_H_
