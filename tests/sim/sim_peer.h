// A client, or an upstream, that does what a script says at the far end of a SimSocket.
#ifndef SLUICE_TESTS_SIM_SIM_PEER_H_
#define SLUICE_TESTS_SIM_SIM_PEER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/sim/byte_queue.h"
#include "tests/sim/pattern_stream.h"
#include "tests/sim/random.h"
#include "tests/sim/sim_kernel.h"
#include "tests/sim/sim_socket.h"
#include "tls/testing/test_connection.h"

namespace sluice::sim {

inline constexpr uint64_t kNoBytes = UINT64_MAX;

struct PeerScript {
  // --- Sending ---
  uint64_t send_bytes = 0;
  size_t write_bytes_max = 16 * 1024;  // Each write is of 1 to so many.
  uint64_t starts_after_bytes = 0;     // Says nothing before it has read so many.
  int pause_percent = 0;               // After a write it rests,
  int64_t pause_ms_max = 0;            // for so long at most.

  // --- Reading ---
  size_t read_bytes_max = 64 * 1024;
  uint64_t stops_reading_after = kNoBytes;
  int64_t stop_ms = kNeverMs;  // For so long.

  // --- The end ---
  enum class End : uint8_t {
    kFin,     // shutdown(SHUT_WR), and reads on.
    kClose,   // close(2): neither reads nor writes any more.
    kReset,   // An RST.
    kVanish,  // Is not there any more: sluice's kernel says ETIMEDOUT.
    kStay,    // Stays, and says nothing more.
  };
  End end = End::kFin;
  // When: as soon as it has sent everything (and, if so, has seen the other's end); or at a time.
  bool waits_for_end = false;
  int64_t ends_at_ms = kNeverMs;

  // --- TLS, after the handshake ---
  bool close_notify = true;  // Before FIN.
  int key_update_percent = 0;
  enum class Breach : uint8_t { kNone, kGarbage, kFatalAlert };
  Breach breach = Breach::kNone;  // When it has sent everything, before its end.
};

// What an upstream, or a client that speaks TLS, does to be no good. The good one follows its
// script.
enum class Fate : uint8_t {
  kGood,
  // --- Before there is a connection ---
  kNoSocket,  // socket(2) fails.
  kNoPort,    // connect(2): EADDRNOTAVAIL.
  kRefuses,   // ECONNREFUSED.
  kUnreachable,
  kBlackHole,  // No answer.
  // --- In the handshake ---
  kWrongCertificate,
  kWrongName,
  kSpeaksPlain,
  kSilent,
  kResets,        // After the ClientHello has come.
  kResetsMidway,  // After a part of its answer.
  kClosesMidway,  // The same, with FIN.
  kClosesAtOnce,
  kResetsAtOnce,
  kAlert,  // A fatal one.
  kCloseNotify,
  // The handshake succeeds, and a record that is none stands right behind it.
  kBreaksAfterHandshake,
  // TLS 1.2 says so in the handshake, TLS 1.3 after it.
  kRefusesClient,
  // --- Only clients ---
  kNoCertificate,  // It was asked for one.
  kStallsMidway,   // After its ClientHello, or a part of it.
};
const char* FateName(Fate fate);

class SimPeer {
 public:
  // `tls` is null for a peer that speaks plainly; a client's end of it is begun here. `sent` and
  // `expected` are what it sends and what it should read. `socket` outlives it.
  SimPeer(Random& random, SimSocket& socket, const PeerScript& script, Fate fate,
          std::unique_ptr<tls::TestConnection> tls, PatternStream sent, PatternStream expected,
          int64_t start_ms);

  // Sends `text` in front of everything, in clear.
  void SayFirst(std::string_view text) { Say({text.begin(), text.end()}); }
  // Reads `text` in front of everything, in clear.
  void ExpectFirst(std::string text) { awaited_ = std::move(text); }

  // Does what it can by now. Whether that was anything.
  bool Step(int64_t now_ms);
  // When it will do something by itself.
  int64_t next_ms(int64_t now_ms) const;

  // --- What happened, for judging ---

  const PeerScript& script() const { return script_; }
  Fate fate() const { return fate_; }
  const SimSocket& socket() const { return socket_; }
  uint64_t num_written() const { return num_written_; }  // Plaintext; on its way, at least.
  uint64_t num_read() const { return num_read_; }        // Plaintext, all of it right.
  bool has_ended() const { return has_ended_; }
  // It ended with a FIN, behind all that it had written.
  bool has_ended_well() const { return ended_well_; }
  bool said_close_notify() const { return said_close_notify_; }
  // It ended its side of the stream, even if not behind everything.
  bool has_told_end() const { return told_end_; }
  // It went away by itself: reset, vanished, or closed both ways.
  bool has_left() const { return has_left_; }
  // What it was told.
  bool saw_fin() const { return saw_fin_; }
  bool saw_reset() const { return saw_reset_; }
  bool saw_close_notify() const { return tls_ != nullptr && tls_->close_notify_received(); }
  // It holds on to its window, and will not let go of it.
  bool reads_no_more() const;
  bool handshake_done() const { return tls_ == nullptr || tls_->handshake_done(); }
  bool resumed() const { return tls_ != nullptr && tls_->resumed(); }
  bool speaks_tls() const { return tls_ != nullptr; }
  // What is wrong with the TLS that it was sent; empty: nothing.
  std::string tls_error() const { return tls_ != nullptr ? tls_->error() : ""; }
  // What it can resume with another time.
  SSL_SESSION* session() const { return tls_ != nullptr ? tls_->session() : nullptr; }
  std::string ToString() const;

  // Empty: all is well.
  const std::string& error() const { return error_; }

 private:
  bool Read(int64_t now_ms);
  bool Write(int64_t now_ms);
  bool End(int64_t now_ms);
  // A client that speaks TLS says its ClientHello.
  bool Begin();
  bool Misbehave();
  void Say(const std::vector<uint8_t>& bytes) {
    if (!has_ended_) out_.Push(bytes);
  }
  // Leaves nothing, or a part, of what it should say in the handshake; that is its last word.
  void CutShort(std::vector<uint8_t>* bytes);
  // Away for good.
  void Leave(void (SimSocket::*how)());
  bool reading() const;

  Random& random_;
  SimSocket& socket_;
  PeerScript script_;
  const Fate fate_;
  const std::unique_ptr<tls::TestConnection> tls_;
  const PatternStream sent_;
  const PatternStream expected_;
  const int64_t start_ms_;

  std::string awaited_;  // What it should read first, and has not yet.
  ByteQueue out_;        // Said, and not yet taken by the socket.
  uint64_t num_written_ = 0;
  uint64_t num_read_ = 0;
  uint64_t num_read_raw_ = 0;
  int64_t rests_until_ms_ = 0;
  int64_t reads_again_ms_ = kNeverMs;
  bool has_ended_ = false;
  bool ended_well_ = false;
  bool told_end_ = false;
  bool has_left_ = false;
  bool said_close_notify_ = false;
  bool begun_ = false;
  bool cut_short_ = false;
  bool breached_ = false;
  bool misbehaved_ = false;
  bool saw_fin_ = false;
  bool saw_reset_ = false;
  std::string error_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_SIM_PEER_H_
