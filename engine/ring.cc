#include "engine/ring.h"

#include <liburing.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "engine/ring_restrictions.h"
#include "engine/ring_setup_error.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

// The one group of provided buffers.
constexpr int kBufferGroup = 0;

// Of Linux 6.15's linux/io_uring.h; liburing 2.9 does not know them.
constexpr unsigned kFeatureNoIowait = 1u << 17;
constexpr unsigned kEnterNoIowait = 1u << 7;

// `call` with cause and cure.
absl::Status RingError(const char* call, int error) {
  return absl::FailedPreconditionError(ExplainRingSetupError(GatherRingSetupFacts(call, error)));
}

size_t RoundUpToPage(size_t bytes) {
  const size_t page_bytes = sysconf(_SC_PAGESIZE);
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

// The kernel's list of free buffers stands in front of the buffers, in the same mapping.
size_t BufferListBytes(const RingOptions& options) {
  return RoundUpToPage(options.num_buffers * sizeof(io_uring_buf));
}

size_t BufferMappingBytes(const RingOptions& options) {
  return BufferListBytes(options) + options.num_buffers * options.buffer_bytes;
}

// Linux 6.17 ends a multishot receive after sqe->optlen bytes; older ones refuse that field. Only
// doing it tells.
bool ProbeRecvByteLimit() {
  io_uring ring;
  if (io_uring_queue_init(1, &ring, 0) < 0) return false;
  absl::Cleanup exit_ring = [&] { io_uring_queue_exit(&ring); };
  int error;
  io_uring_buf_ring* buffers = io_uring_setup_buf_ring(&ring, 1, kBufferGroup, 0, &error);
  if (buffers == nullptr) return false;
  absl::Cleanup free_buffers = [&] { io_uring_free_buf_ring(&ring, buffers, 1, kBufferGroup); };
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) return false;
  absl::Cleanup close_sockets = [&] { close(sockets[0]), close(sockets[1]); };
  char byte = 0;
  io_uring_buf_ring_add(buffers, &byte, 1, 0, io_uring_buf_ring_mask(1), 0);
  io_uring_buf_ring_advance(buffers, 1);
  if (write(sockets[1], "x", 1) != 1) return false;
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  io_uring_prep_recv_multishot(sqe, sockets[0], nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->optlen = 1;
  io_uring_cqe* cqe;
  if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_peek_cqe(&ring, &cqe) < 0) return false;
  return cqe->res == 1;
}

}  // namespace

Ring::Ring(const RingOptions& options) : options_(options), ring_(std::make_unique<io_uring>()) {}

Ring::~Ring() {
  if (ring_is_open_) io_uring_queue_exit(ring_.get());
  if (buffer_ring_ != nullptr) munmap(buffer_ring_, BufferMappingBytes(options_));
}

absl::StatusOr<std::unique_ptr<Ring>> Ring::Create(const RingOptions& options) {
  std::unique_ptr<Ring> ring(new Ring(options));
  absl::Status status = ring->SetUp();
  if (!status.ok()) return status;
  return ring;
}

absl::Status Ring::SetUp() {
  // SINGLE_ISSUER and DEFER_TASKRUN: one thread, and completions are made only when it asks for
  // them, in one batch, instead of interrupting it (Linux 6.1).
  // SUBMIT_ALL: one operation that is refused does not hold up those behind it.
  // R_DISABLED: created here, used by the thread that enables it.
  // CLAMP: sizes above the kernel's maximum become that maximum.
  io_uring_params params = {};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  params.cq_entries = options_.completions;
  int result = io_uring_queue_init_params(options_.submissions, ring_.get(), &params);
  if (result < 0) return RingError(kRingSetupCall, -result);
  ring_is_open_ = true;
  if (params.features & kFeatureNoIowait) enter_flags_ |= kEnterNoIowait;
  result = io_uring_ring_dontfork(ring_.get());
  if (result < 0) return SystemError("madvise()", -result);
  result = RestrictRing(ring_.get());
  if (result < 0) return RingError("io_uring_register(IORING_REGISTER_RESTRICTIONS)", -result);
  return options_.num_buffers > 0 ? SetUpBuffers() : absl::OkStatus();
}

absl::Status Ring::SetUpBuffers() {
  void* mapping = mmap(nullptr, BufferMappingBytes(options_), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return SystemError("mmap()", errno);
  buffer_ring_ = static_cast<io_uring_buf_ring*>(mapping);
  buffer_memory_ = static_cast<uint8_t*>(mapping) + BufferListBytes(options_);
  io_uring_buf_reg registration = {.ring_addr = reinterpret_cast<uintptr_t>(mapping),
                                   .ring_entries = options_.num_buffers,
                                   .bgid = kBufferGroup};
  const int result = io_uring_register_buf_ring(ring_.get(), &registration, 0);
  if (result < 0) return RingError("io_uring_register(IORING_REGISTER_PBUF_RING)", -result);
  buffer_is_held_.assign(options_.num_buffers, true);
  num_held_buffers_ = options_.num_buffers;
  for (unsigned id = 0; id < options_.num_buffers; ++id) ReturnBuffer(id);
  return absl::OkStatus();
}

absl::Status Ring::Enable() {
  int result = io_uring_enable_rings(ring_.get());
  if (result < 0) return RingError("io_uring_register(IORING_REGISTER_ENABLE_RINGS)", -result);
  // Spares the lookup of the descriptor in every enter.
  result = io_uring_register_ring_fd(ring_.get());
  if (result < 0) return RingError("io_uring_register(IORING_REGISTER_RING_FDS)", -result);
  enter_flags_ |= IORING_ENTER_REGISTERED_RING;
  // Sockets and eventfds are polled. The kernel's worker threads get only what cannot be, for lack
  // of memory, say: one of each kind is enough.
  unsigned max_workers[] = {1, 1};
  result = io_uring_register_iowq_max_workers(ring_.get(), max_workers);
  if (result < 0) return RingError("io_uring_register(IORING_REGISTER_IOWQ_MAX_WORKERS)", -result);
  return absl::OkStatus();
}

unsigned Ring::FlushQueue() {
  io_uring_sq& queue = ring_->sq;
  queue.sqe_head = queue.sqe_tail;
  std::atomic_ref(*queue.ktail).store(queue.sqe_tail, std::memory_order_release);
  return io_uring_sq_ready(ring_.get());
}

int Ring::Submit() {
  PublishReturnedBuffers();
  return io_uring_enter2(ring_->enter_ring_fd, FlushQueue(), 0, enter_flags_, nullptr, 0);
}

int Ring::Enter(unsigned num_submit, unsigned num_wait, int64_t timeout_us, uint32_t min_wait_us) {
  // liburing 2.9's own waiting functions cannot say NO_IOWAIT, and some of them enter twice.
  __kernel_timespec timeout = {.tv_sec = timeout_us / 1'000'000,
                               .tv_nsec = timeout_us % 1'000'000 * 1000};
  io_uring_getevents_arg argument = {};
  argument.sigmask_sz = _NSIG / 8;
  argument.min_wait_usec = min_wait_us;
  if (timeout_us != kNoTimeout) argument.ts = reinterpret_cast<uintptr_t>(&timeout);
  PublishReturnedBuffers();
  // GETEVENTS even when nothing is waited for: only then does the kernel make completions.
  return io_uring_enter2(ring_->enter_ring_fd, num_submit, num_wait,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | enter_flags_,
                         reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
}

void Ring::RefillQueue() {
  while (!backlog_.empty()) {
    io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
    if (sqe == nullptr) return;
    *sqe = backlog_.front();
    backlog_.pop_front();
  }
}

io_uring_sqe* Ring::NextSqe(Token token) {
  io_uring_sqe* sqe = nullptr;
  // Behind a backlog is the only place that keeps the order.
  if (backlog_.empty()) {
    sqe = io_uring_get_sqe(ring_.get());
    if (sqe == nullptr) {
      // SubmitAndWait meets whatever is wrong here, and says so.
      (void)Submit();
      sqe = io_uring_get_sqe(ring_.get());
    }
  }
  if (sqe == nullptr) sqe = &backlog_.emplace_back();
  sqe->user_data = token.Pack();
  return sqe;
}

void Ring::PrepAcceptMultishot(int fd, Token token) {
  io_uring_prep_multishot_accept(NextSqe(token), fd, nullptr, nullptr,
                                 SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void Ring::PrepConnect(int fd, const sockaddr* address, socklen_t address_len, Token token) {
  io_uring_prep_connect(NextSqe(token), fd, address, address_len);
}

void Ring::PrepRecv(int fd, std::span<uint8_t> room, Token token, bool poll_first) {
  io_uring_sqe* sqe = NextSqe(token);
  io_uring_prep_recv(sqe, fd, room.data(), room.size(), 0);
  if (poll_first) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

void Ring::PrepRecvProvided(int fd, Token token, bool poll_first) {
  io_uring_sqe* sqe = NextSqe(token);
  io_uring_prep_recv(sqe, fd, nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kBufferGroup;
  if (poll_first) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

void Ring::PrepSend(int fd, std::span<const uint8_t> bytes, Token token) {
  io_uring_prep_send(NextSqe(token), fd, bytes.data(), bytes.size(), MSG_WAITALL | MSG_NOSIGNAL);
}

void Ring::PrepSendAtOnce(int fd, std::span<const uint8_t> bytes, Token token) {
  io_uring_sqe* sqe = NextSqe(token);
  // DONTWAIT: never waits for room. WAITALL: what then did not fit makes it a failure, and failures
  // complete.
  io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(),
                     MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

bool Ring::all_submitted() const { return backlog_.empty() && io_uring_sq_ready(ring_.get()) == 0; }

void Ring::PrepPoll(int fd, unsigned events, Token token) {
  io_uring_prep_poll_add(NextSqe(token), fd, events);
}

void Ring::PrepRead(int fd, std::span<uint8_t> room, Token token) {
  io_uring_prep_read(NextSqe(token), fd, room.data(), room.size(), -1);
}

void Ring::PrepCancel(Token target, Token token) {
  io_uring_prep_cancel64(NextSqe(token), target.Pack(), 0);
}

void Ring::PrepClose(int fd, Token token) {
  io_uring_sqe* sqe = NextSqe(token);
  io_uring_prep_close(sqe, fd);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

absl::Status Ring::SubmitAndWait(int64_t timeout_us, unsigned min_completions,
                                 uint32_t min_wait_us) {
  if (!(ring_->features & IORING_FEAT_MIN_TIMEOUT) && min_wait_us > 0) {
    min_completions = 1;
    min_wait_us = 0;
  }
  if (timeout_us == 0) min_completions = 0;
  int result;
  do {
    RefillQueue();
    const bool all = backlog_.empty();
    result = Enter(FlushQueue(), all ? min_completions : 0, timeout_us, all ? min_wait_us : 0);
  } while (result > 0 && !backlog_.empty());
  if (result == -EAGAIN && timeout_us != 0) {
    const int64_t wait_us =
        timeout_us == kNoTimeout ? kNoMemoryWaitUs : std::min(timeout_us, kNoMemoryWaitUs);
    result = Enter(0, 1, wait_us, 0);
  }
  // EBADR says the same once; the counter keeps saying it.
  if (std::atomic_ref(*ring_->cq.koverflow).load(std::memory_order_relaxed) != 0) {
    return absl::InternalError("io_uring completions were lost: the kernel had no memory for them");
  }
  switch (result) {
    case -ETIME:   // The timeout passed.
    case -EINTR:   // A signal came.
    case -EBUSY:   // Completions wait for room. Reading some makes it.
    case -EAGAIN:  // No memory for new operations; they stay queued.
      return absl::OkStatus();
    default:
      return result >= 0 ? absl::OkStatus() : RingError("io_uring_enter()", -result);
  }
}

unsigned Ring::ReadCompletions(std::span<Completion> completions) {
  unsigned count = 0;
  unsigned head;
  io_uring_cqe* cqe;
  io_uring_for_each_cqe(ring_.get(), head, cqe) {
    if (count == completions.size()) break;
    Completion& completion = completions[count++];
    completion = {.token = Token::Unpack(cqe->user_data),
                  .result = cqe->res,
                  .more = (cqe->flags & IORING_CQE_F_MORE) != 0,
                  .nonempty = (cqe->flags & IORING_CQE_F_SOCK_NONEMPTY) != 0,
                  .has_buffer = (cqe->flags & IORING_CQE_F_BUFFER) != 0};
    if (completion.has_buffer) {
      completion.buffer_id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
      CHECK(!buffer_is_held_[completion.buffer_id]) << completion.buffer_id;
      buffer_is_held_[completion.buffer_id] = true;
      ++num_held_buffers_;
    }
  }
  io_uring_cq_advance(ring_.get(), count);
  return count;
}

std::span<uint8_t> Ring::Buffer(uint16_t id) {
  return {buffer_memory_ + id * options_.buffer_bytes, options_.buffer_bytes};
}

void Ring::ReturnBuffer(uint16_t id) {
  CHECK(buffer_is_held_[id]) << id;
  buffer_is_held_[id] = false;
  --num_held_buffers_;
  const std::span<uint8_t> buffer = Buffer(id);
  io_uring_buf_ring_add(buffer_ring_, buffer.data(), buffer.size(), id,
                        io_uring_buf_ring_mask(options_.num_buffers), num_returned_buffers_++);
}

void Ring::PublishReturnedBuffers() {
  if (num_returned_buffers_ == 0) return;
  io_uring_buf_ring_advance(buffer_ring_, num_returned_buffers_);
  num_returned_buffers_ = 0;
}

std::string RingFeatures::ToString() const {
  std::string text = absl::StrCat("Linux ", kernel_release);
  if (min_wait) absl::StrAppend(&text, ", min_wait");
  if (no_iowait) absl::StrAppend(&text, ", no_iowait");
  if (recv_byte_limit) absl::StrAppend(&text, ", recv_byte_limit");
  return text;
}

std::string Ring::LiburingVersion() {
  return absl::StrCat(io_uring_major_version(), ".", io_uring_minor_version());
}

absl::StatusOr<RingFeatures> Ring::Probe(const RingOptions& options) {
  absl::StatusOr<std::unique_ptr<Ring>> ring = Create(options);
  if (!ring.ok()) return ring.status();
  absl::Status status = (*ring)->Enable();
  if (!status.ok()) return status;
  // Finds nothing to cancel, and completes with that at once.
  (*ring)->PrepCancel({}, {});
  status = (*ring)->SubmitAndWait(0);
  if (!status.ok()) return status;
  const unsigned features = (*ring)->ring_->features;
  utsname name;
  if (uname(&name) != 0) return SystemError("uname()", errno);
  return RingFeatures{.kernel_release = name.release,
                      .min_wait = (features & IORING_FEAT_MIN_TIMEOUT) != 0,
                      .no_iowait = (features & kFeatureNoIowait) != 0,
                      .recv_byte_limit = ProbeRecvByteLimit()};
}

}  // namespace sluice::engine
