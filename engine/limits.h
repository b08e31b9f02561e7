// Every bound of the engine, with its unit and where it comes from.
#ifndef SLUICE_ENGINE_LIMITS_H_
#define SLUICE_ENGINE_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "config/limits.h"
#include "tls/session.h"

namespace sluice::engine {

// --- Receiving -------------------------------------------------------------------------------

// A cold receive (idle connection, small messages) borrows one provided buffer of this size for
// one turn. 8 KiB holds a TLS server's whole first flight and most requests; what fills it is
// bulk, and gets a slab.
inline constexpr size_t kColdBufferBytes = 8 * 1024;
// Provided buffers of a shard. They come back within the turn in which they arrive, so their
// number bounds how many receives one turn can take, not how many connections there are.
// 256 * 8 KiB = 2 MiB: cycling through them stays within a core's share of the last-level cache.
inline constexpr unsigned kNumColdBuffers = 256;
// A hot receive is armed only with at least this much room behind the bytes already held: a
// smaller receive would cost a full system call for little.
inline constexpr size_t kHotRoomBytesMin = 16 * 1024;
// A hot receive holds its slab. After this long without a byte it is cancelled, and the
// connection is idle again and holds none.
inline constexpr int64_t kHotIdleMs = 1000;

// A direction is in bulk once this much has come in one run of hot receives that each took a fair
// part of a slab. From then on a receive that has emptied the socket is followed by the next one
// only kPaceUs later, with nothing armed between: the bytes that come meanwhile wake nobody, and
// are taken at once. So the end of a run may come kPaceUs late, never the end of a shorter
// transfer.
inline constexpr uint64_t kBulkRunBytes = 1024 * 1024;
inline constexpr size_t kBulkReceiveBytesMin = 16 * 1024;
inline constexpr int64_t kPaceUs = 300;

// Such a direction is spliced, if there is no TLS, through one of so many pipes of the shard, which
// take two descriptors and have room for SplicePipe::kBytes each. Together that is what an
// unprivileged user may have in pipes by default (pipe-user-pages-soft, 16384 pages); where there
// are more shards, the last pipes are smaller, or not to be had.
inline constexpr int kSplicePipesMax = 64;

// --- Slabs -----------------------------------------------------------------------------------

// Small slabs always exist (one per direction and stage at most); the larger ones come out of a
// shard's budget, and a direction that finds the budget spent goes on with a small one.
inline constexpr size_t kSlabClassBytes[] = {32 * 1024, 128 * 1024, 1024 * 1024};
inline constexpr int kNumSlabClasses = sizeof(kSlabClassBytes) / sizeof(kSlabClassBytes[0]);
inline constexpr size_t kSmallSlabBytes = kSlabClassBytes[0];
inline constexpr size_t kLargestSlabBytes = kSlabClassBytes[kNumSlabClasses - 1];
// Larger slabs in use at once: 256 directions at full size.
inline constexpr size_t kSlabBudgetBytes = 256 * kLargestSlabBytes;
// Free slabs kept for reuse, in bytes of each class; beyond it they go back to the system.
inline constexpr size_t kSlabsKeptBytes = 16 * kLargestSlabBytes;

// A small slab takes any one sealed record, so that sealing can always go on.
static_assert(kSmallSlabBytes >= tls::kRecordPlaintextBytesMax + tls::kRecordOverheadBytesMax);
// A small slab in use still has room for a cold receive's bytes when it holds less than half.
static_assert(kSmallSlabBytes >= 2 * kColdBufferBytes);
// The start of a record that is not all there leaves room for its rest, and for a cold receive.
static_assert(kSmallSlabBytes >= tls::kRecordWireBytesMax + kColdBufferBytes);
static_assert(kSmallSlabBytes > kHotRoomBytesMin);
// What a proxy_buffer_size below it comes to, and `sluice -t` says so.
static_assert(kSmallSlabBytes == config::kBufferBytesMin);

// The longest PROXY header that is sent: 107 bytes of version 1 (PROXY protocol 2.1), 52 of version
// 2. Until an upstream has been sent something, so much room is left for one in front of what has
// come from the client.
inline constexpr size_t kPrefaceBytesMax = 107;

// --- Sending ---------------------------------------------------------------------------------

// One send. Larger ones save little per byte, and hold the socket's write side longer.
inline constexpr size_t kSendBytesMax = 512 * 1024;
// A send of up to this much, with nothing behind it, is made at once and not heard of again if it
// goes well. That spares a completion, and with it a turn, for every small message. Most sockets
// have room for it (Linux: tcp_wmem starts at 16 KB, and grows).
inline constexpr size_t kAtOnceSendBytesMax = 16 * 1024;
// What an alert or a close_notify takes at most: header 5, IV 16, alert 2, MAC 20, padding 16.
inline constexpr size_t kTlsAlertBytesMax = 64;

// --- Closing ---------------------------------------------------------------------------------

// How long the last bytes (a close_notify, a fatal alert) may take to leave before the socket is
// closed without them.
inline constexpr int64_t kCloseFlushMs = 1000;
// A client that is done right behind the handshake would have its connection to the upstream closed
// before the first session ticket of TLS 1.3 has come, one round trip after our Finished. It is
// waited for this long, and not again where none has come: 200 ms is a round trip to anywhere near.
inline constexpr int64_t kTicketWaitMs = 200;
// The same when sluice is told to stop at once.
inline constexpr int64_t kStopFlushMs = 100;
// A close that would throw away bytes waits until the peer has got them. It looks after the first
// step, then after twice as long each time, and gives up when this long none has been delivered.
inline constexpr int64_t kCloseDrainMs = 5000;
inline constexpr int64_t kCloseDrainStepMs = 10;
inline constexpr int64_t kCloseDrainStepMsMax = 160;

// --- Accepting -------------------------------------------------------------------------------

// Pause of a listener after EMFILE, ENFILE, ENOBUFS or ENOMEM. nginx waits 500 ms
// (accept_mutex_delay), HAProxy at most 100 ms.
inline constexpr int64_t kAcceptBackoffMs = 100;

// --- Turns -----------------------------------------------------------------------------------

// Completions handled before timers run and new operations are submitted.
inline constexpr unsigned kCompletionsPerTurnMax = 512;
inline constexpr unsigned kSubmissionQueueEntries = 1024;
inline constexpr unsigned kCompletionQueueEntries = 16 * 1024;
static_assert(kCompletionQueueEntries >= 4 * kCompletionsPerTurnMax);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_LIMITS_H_
