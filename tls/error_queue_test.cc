#include "tls/error_queue.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "gtest/gtest.h"

namespace sluice::tls {
namespace {

TEST(ErrorQueueTest, EveryEntryIsToldOldestFirstAndTheQueueIsEmptyAfterwards) {
  OPENSSL_PUT_ERROR(SSL, SSL_R_NO_CIPHER_MATCH);
  OPENSSL_PUT_ERROR(SSL, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
  ERR_add_error_data(1, "SSL alert number 40");
  const QueuedErrors errors = DrainErrorQueue();
  EXPECT_EQ(errors.text,
            " error:100000b1:SSL routines:OPENSSL_internal:NO_CIPHER_MATCH"
            " error:10000410:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE"
            ":SSL alert number 40");
  EXPECT_EQ(errors.reason, "NO_CIPHER_MATCH");
  EXPECT_TRUE(errors.alert_received);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(ErrorQueueTest, AnEmptyQueueSaysNothing) {
  const QueuedErrors errors = DrainErrorQueue();
  EXPECT_EQ(errors.text, "");
  EXPECT_EQ(errors.reason, "");
  EXPECT_FALSE(errors.alert_received);
}

TEST(ErrorQueueTest, DataIsMadePrintable) {
  OPENSSL_PUT_ERROR(SSL, SSL_R_NO_CIPHER_MATCH);
  ERR_add_error_data(1, "line\nbreak \x1b[0m");
  EXPECT_EQ(
      DrainErrorQueue().text,
      " error:100000b1:SSL routines:OPENSSL_internal:NO_CIPHER_MATCH:line\\x0Abreak \\x1B[0m");
}

TEST(PrintableTest, OnlyPrintableAsciiPasses) {
  EXPECT_EQ(Printable("a b~\"\\"), "a b~\"\\");
  EXPECT_EQ(Printable(std::string_view("\0\x7f\xc3\xa4\r", 5)), "\\x00\\x7F\\xC3\\xA4\\x0D");
  EXPECT_EQ(Printable(""), "");
}

}  // namespace
}  // namespace sluice::tls
