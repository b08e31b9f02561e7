#include "engine/worker.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "engine/limits.h"
#include "engine/listener_options.h"
#include "engine/monotonic_clock.h"
#include "engine/system_error.h"
#include "engine/upstream_socket.h"

namespace sluice::engine {

using config::LogLevel;

namespace {

// Errors of accept that say nothing about the listener: it can be armed again at once
// (accept(2), "Error handling").
bool IsPassingAcceptError(int error) {
  switch (error) {
    case EAGAIN:
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

// What `get_name`, getpeername or getsockname, says of `fd`. A client that is gone already has no
// address: it prints as unknown.
config::Address AddressOf(int fd, int (*get_name)(int, sockaddr*, socklen_t*) noexcept) {
  sockaddr_storage storage = {};
  socklen_t len = sizeof(storage);
  if (get_name(fd, reinterpret_cast<sockaddr*>(&storage), &len) != 0) len = 0;
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&storage), len);
}

// Bytes sent on `fd` that its peer has not got yet.
int NumUndelivered(int fd) {
  int num_bytes = 0;
  return ioctl(fd, SIOCOUTQ, &num_bytes) == 0 ? num_bytes : 0;
}

}  // namespace

RingOptions Worker::ring_options() {
  return {.submissions = kSubmissionQueueEntries,
          .completions = kCompletionQueueEntries,
          .num_buffers = kNumColdBuffers,
          .buffer_bytes = kColdBufferBytes};
}

Worker::Worker(WorkerOptions options)
    : options_(std::move(options)), now_ms_(MonotonicMs()), timers_(now_ms_) {
  context_.shard = options_.shard;
  context_.logger = options_.logger;
  context_.access_logs = options_.access_logs;
  context_.next_connection_number = options_.next_connection_number;
}

Worker::~Worker() {
  CHECK(!thread_.joinable());
  timers_.Cancel(shutdown_timer_);
  for (const auto& old_plan : old_plans_) timers_.Cancel(*old_plan);
}

absl::StatusOr<std::unique_ptr<Worker>> Worker::Create(WorkerOptions options) {
  CHECK_EQ(options.listeners.size(), options.plan->plan().listeners.size());
  std::unique_ptr<Worker> worker(new Worker(std::move(options)));
  auto plan = ShardPlan::Create(worker->options_.plan);
  if (!plan.ok()) return plan.status();
  worker->plan_ = *std::move(plan);
  worker->options_.plan = nullptr;  // Held by plan_, and not for longer.
  for (FileDescriptor& socket : std::exchange(worker->options_.listeners, {})) {
    worker->AddListener(std::move(socket), static_cast<int>(worker->listeners_.size()));
  }
  auto ring = Ring::Create(ring_options());
  if (!ring.ok()) return ring.status();
  worker->ring_ = *std::move(ring);
  worker->wake_fd_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  if (!worker->wake_fd_.valid()) return SystemError("eventfd()", errno);
  return worker;
}

void Worker::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::RequestStop(bool graceful) {
  Post([this, graceful] {
    const bool first = stop_ == Stop::kNo;
    StopAccepting(graceful ? Stop::kGraceful : Stop::kFast);
    if (!graceful) StopConnections();
    const int64_t timeout_ms = plan_->plan().process.shutdown_timeout_ms;
    if (graceful && first && timeout_ms > 0) {
      timers_.Schedule(shutdown_timer_, now_ms_ + timeout_ms);
    }
  });
}

void Worker::SwitchPlan(PlanSwitch change) {
  Post([this, change = std::move(change)]() mutable { OnPlanSwitch(std::move(change)); });
}

void Worker::Post(absl::AnyInvocable<void()> message) {
  {
    absl::MutexLock lock(&mailbox_mutex_);
    mailbox_.push_back(std::move(message));
  }
  // An eventfd counts up to 2^64 - 2: the write can neither block nor fail.
  const uint64_t one = 1;
  CHECK_EQ(write(wake_fd_.get(), &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
}

// --- The loop ------------------------------------------------------------------------------------

void Worker::Run() {
  if (!options_.cpus.empty()) SetAffinity();
  absl::Status status = ring_->Enable();
  if (!status.ok()) return options_.on_fatal(status);

  wake_in_flight_ = true;
  ring_->PrepRead(wake_fd_.get(), wake_count_, {.op = Op::kWake});
  for (auto& listener : listeners_) Accept(*listener);  // All there are: nothing was posted yet.

  bool more_completions = false;
  bool all_submitted = true;
  while (!idle_for_good() || wake_in_flight_) {
    // Sends that the kernel has not taken yet are concluded once it has, whatever else happens.
    const int64_t timeout_us = all_submitted ? TimeoutUs() : Ring::kNoMemoryWaitUs;
    status = ring_->SubmitAndWait(more_completions ? 0 : timeout_us);
    if (!status.ok()) return options_.on_fatal(status);

    const int64_t now_us = MonotonicUs();
    now_ms_ = now_us / 1000;
    more_completions =
        ring_->ForEachCompletion(kCompletionsPerTurnMax, [this](const Completion& completion) {
          OnCompletion(completion);
        }) == kCompletionsPerTurnMax;
    all_submitted = ring_->all_submitted();
    if (!more_completions && all_submitted) ConcludeSends();
    timers_.Advance(now_ms_, [this](TimerNode& node) { OnTimer(static_cast<Timer&>(node)); });
    AdvanceTouched();
    SubmitPaced(now_us);
    if (idle_for_good() && wake_in_flight_) {
      // The last operation of all: its end ends the loop.
      ring_->PrepCancel({.op = Op::kWake}, {.op = Op::kCancel});
    }
  }
}

int64_t Worker::TimeoutUs() const {
  const uint64_t deadline_ms = timers_.NextDeadlineMs();
  if (deadline_ms == TimerWheel::kNever && paced_.empty()) return Ring::kNoTimeout;
  int64_t deadline_us = std::numeric_limits<int64_t>::max();
  if (deadline_ms != TimerWheel::kNever) deadline_us = static_cast<int64_t>(deadline_ms) * 1000;
  if (!paced_.empty()) deadline_us = std::min(deadline_us, paced_.front().due_us);
  return std::max<int64_t>(deadline_us - MonotonicUs(), 0);
}

bool Worker::idle_for_good() const {
  return stop_ != Stop::kNo && num_connections_ == 0 &&
         std::none_of(listeners_.begin(), listeners_.end(), [](const auto& listener) {
           return listener != nullptr && listener->accept_in_flight;
         });
}

void Worker::OnCompletion(const Completion& completion) {
  switch (completion.token.op) {
    case Op::kAccept:
      OnAccept(*listeners_[completion.token.slot], completion);
      return;
    case Op::kConnect:
    case Op::kRecv:
    case Op::kSend:
      OnConnectionCompletion(completion);
      return;
    case Op::kWake:
      OnWake();
      return;
    case Op::kClose:
      options_.logger->Log(LogLevel::kAlert, SystemErrorText("close()", -completion.result));
      return;
    case Op::kCancel:  // What was cancelled tells how it ended.
      return;
    case Op::kNone:
      break;
  }
  CHECK(false) << "a completion of an operation that is never submitted";
}

void Worker::OnTimer(Timer& timer) {
  switch (timer.owner) {
    case Timer::Owner::kSlot:
      Touch(static_cast<Slot&>(timer));
      return;
    case Timer::Owner::kListener:
      Accept(static_cast<Listener&>(timer));
      return;
    case Timer::Owner::kShutdown:
      EndShutdown();
      return;
    case Timer::Owner::kOldPlan:
      EndOldPlan(static_cast<OldPlan&>(timer));
      return;
  }
}

void Worker::OnWake() {
  wake_in_flight_ = false;
  std::vector<absl::AnyInvocable<void()>> messages;
  {
    absl::MutexLock lock(&mailbox_mutex_);
    messages.swap(mailbox_);
  }
  for (auto& message : messages) message();
  if (idle_for_good()) return;
  wake_in_flight_ = true;
  ring_->PrepRead(wake_fd_.get(), wake_count_, {.op = Op::kWake});
}

void Worker::SetAffinity() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (int cpu : options_.cpus) CPU_SET(cpu, &cpus);
  // Without CPUs of its own: those of the control thread, which is never bound.
  const bool known =
      !options_.cpus.empty() || sched_getaffinity(getpid(), sizeof(cpus), &cpus) == 0;
  if (!known || sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
    options_.logger->Log(LogLevel::kAlert, SystemErrorText("sched_setaffinity()", errno));
  }
}

// --- Another plan --------------------------------------------------------------------------------

void Worker::OnPlanSwitch(PlanSwitch change) {
  if (stop_ != Stop::kNo) return change.on_done();
  const std::shared_ptr<const ShardPlan> before = std::exchange(plan_, std::move(change.plan));
  CHECK_EQ(num_closing_listeners_, 0);
  std::vector<Listener*> not_kept(before->plan().listeners.size());
  for (auto& listener : listeners_) {
    if (listener != nullptr) not_kept[listener->index] = listener.get();
  }
  for (size_t i = 0; i < change.kept.size(); ++i) {
    const int index = static_cast<int>(i);
    if (change.kept[i] == config::kNoIndex) {
      Accept(AddListener(std::move(change.opened[i]), index));
      continue;
    }
    Listener& listener = *std::exchange(not_kept[change.kept[i]], nullptr);
    UpdateListener(listener, index);
    // An accept in flight knows only the limit of its time. When it has ended another one follows.
    if (change.descriptor_limit_changed && listener.accept_in_flight) {
      ring_->PrepCancel({.op = Op::kAccept, .slot = listener.slot}, {.op = Op::kCancel});
    }
  }
  for (Listener* listener : not_kept) {
    if (listener != nullptr) RemoveListener(*listener);
  }
  if (change.cpus != options_.cpus) {
    options_.cpus = std::move(change.cpus);
    SetAffinity();
  }
  // What replaces a process in nginx replaces only a plan here: its time begins now.
  if (const int64_t timeout_ms = before->plan().process.shutdown_timeout_ms; timeout_ms > 0) {
    old_plans_.push_back(std::make_unique<OldPlan>(before));
    timers_.Schedule(*old_plans_.back(), now_ms_ + timeout_ms);
  }
  if (num_closing_listeners_ == 0) {
    change.on_done();
  } else {
    on_switched_ = std::move(change.on_done);
  }
}

Worker::Listener& Worker::AddListener(FileDescriptor socket, int index) {
  auto place = std::find(listeners_.begin(), listeners_.end(), nullptr);
  if (place == listeners_.end()) place = listeners_.emplace(place);
  *place = std::make_unique<Listener>(static_cast<uint32_t>(place - listeners_.begin()));
  Listener& listener = **place;
  listener.plan = plan_;
  listener.index = index;
  listener.socket = std::move(socket);
  return listener;
}

void Worker::UpdateListener(Listener& listener, int index) {
  const config::Listener& before = listener.plan->plan().listeners[listener.index];
  const config::Listener& now = plan_->plan().listeners[index];
  const absl::Status status = UpdateListenerOptions(listener.socket.get(), before,
                                                    listener.plan->plan().servers[before.server],
                                                    now, plan_->plan().servers[now.server]);
  if (!status.ok()) {
    options_.logger->Log(LogLevel::kAlert,
                         absl::StrCat(status.message(), " on ", now.address.text, ", ignored"));
  }
  listener.plan = plan_;
  listener.index = index;
}

void Worker::RemoveListener(Listener& listener) {
  listener.removed = true;
  ++num_closing_listeners_;
  timers_.Cancel(listener);
  if (listener.accept_in_flight) {
    ring_->PrepCancel({.op = Op::kAccept, .slot = listener.slot}, {.op = Op::kCancel});
  } else {
    CloseListener(listener);
  }
}

// --- Accepting -----------------------------------------------------------------------------------

void Worker::Accept(Listener& listener) {
  if (stop_ != Stop::kNo || listener.accept_in_flight) return;
  listener.accept_in_flight = true;
  ring_->PrepAcceptMultishot(listener.socket.get(), {.op = Op::kAccept, .slot = listener.slot});
}

void Worker::OnAccept(Listener& listener, const Completion& completion) {
  listener.accept_in_flight = completion.more;
  if (completion.result >= 0) {
    // Also after the accept was cancelled: whoever is in has been accepted.
    AddConnection(listener, FileDescriptor(completion.result));
  } else if (completion.result != -ECANCELED) {
    const int error = -completion.result;
    context_.metrics.accept_errors_total.Add();
    if (auto suppressed = listener.error_limiter.Allow(now_ms_)) {
      const bool resources = !IsPassingAcceptError(error);
      options_.logger->Log(
          resources ? LogLevel::kCrit : LogLevel::kError,
          absl::StrCat(
              SystemErrorText("accept4()", error), " on ",
              listener.plan->plan().listeners[listener.index].address.text,
              *suppressed > 0 ? absl::StrCat(", and ", *suppressed, " times before") : "",
              resources ? absl::StrCat("; accepting again in ", kAcceptBackoffMs, " ms") : ""));
    }
    // The connection stays queued: armed at once, the accept would fail again at once.
    if (!completion.more && !IsPassingAcceptError(error) && stop_ == Stop::kNo &&
        !listener.removed) {
      timers_.Schedule(listener, now_ms_ + kAcceptBackoffMs);
      return;
    }
  }
  if (completion.more) return;
  if (stop_ != Stop::kNo || listener.removed) {
    CloseListener(listener);
  } else {
    Accept(listener);
  }
}

void Worker::AddConnection(Listener& listener, FileDescriptor client) {
  if (stop_ == Stop::kFast) return;
  // nginx counts a client and its upstream as two.
  if (2 * (num_connections_ + 1) > plan_->plan().process.worker_connections) {
    context_.metrics.connections_refused_total.Add();
    if (auto suppressed = connections_limiter_.Allow(now_ms_)) {
      options_.logger->Log(
          LogLevel::kAlert,
          absl::StrCat(plan_->plan().process.worker_connections,
                       " worker_connections are not enough",
                       *suppressed > 0 ? absl::StrCat(" (", *suppressed, " times more)") : ""));
    }
    return;
  }
  if (free_slots_.empty()) {
    slots_.push_back(std::make_unique<Slot>(static_cast<uint32_t>(slots_.size())));
    free_slots_.push_back(slots_.back().get());
  }
  Slot& slot = *free_slots_.back();
  free_slots_.pop_back();
  ++num_connections_;
  Connection::Client accepted{.listener = listener.index,
                              .fd = client.get(),
                              .address = AddressOf(client.get(), getpeername)};
  if (listener.plan->plan().listeners[listener.index].tells_local_address) {
    accepted.local_address =
        std::make_unique<config::Address>(AddressOf(client.get(), getsockname));
  }
  client.Release();
  slot.connection.emplace(context_, listener.plan, std::move(accepted), now_ms_);
  Touch(slot);
}

void Worker::StopAccepting(Stop stop) {
  const bool accepting = stop_ == Stop::kNo;
  stop_ = std::max(stop_, stop);
  if (!accepting) return;
  for (auto& listener : listeners_) {
    if (listener == nullptr) continue;
    timers_.Cancel(*listener);
    if (listener->accept_in_flight) {
      ring_->PrepCancel({.op = Op::kAccept, .slot = listener->slot}, {.op = Op::kCancel});
    } else {
      CloseListener(*listener);
    }
  }
}

void Worker::CloseListener(Listener& listener) {
  if (!listener.socket.valid()) return;
  // Whoever waits in the queue would be reset by the close: they are taken first.
  const int fd = listener.socket.get();
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0) {
    for (;;) {
      FileDescriptor client(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client.valid()) break;
      AddConnection(listener, std::move(client));
    }
  }
  listener.socket = FileDescriptor();
  if (!listener.removed) return;
  listeners_[listener.slot] = nullptr;
  if (--num_closing_listeners_ == 0 && on_switched_) std::exchange(on_switched_, nullptr)();
}

void Worker::StopConnections() {
  for (auto& slot : slots_) {
    if (!slot->connection.has_value()) continue;
    slot->connection->OnStop(now_ms_);
    Touch(*slot);
  }
}

void Worker::EndShutdown() {
  if (num_connections_ == 0) return;
  options_.logger->Log(LogLevel::kNotice,
                       absl::StrCat("shard ", options_.shard, ": worker_shutdown_timeout is over, ",
                                    num_connections_, " connections are closed"));
  StopConnections();
}

void Worker::EndOldPlan(OldPlan& old_plan) {
  const std::shared_ptr<const ShardPlan> plan = old_plan.plan.lock();
  std::erase_if(old_plans_, [&](const auto& known) { return known.get() == &old_plan; });
  if (plan == nullptr) return;
  int num_ended = 0;
  for (auto& slot : slots_) {
    if (!slot->connection.has_value() || slot->connection->plan() != plan) continue;
    slot->connection->OnStop(now_ms_);
    Touch(*slot);
    ++num_ended;
  }
  if (num_ended == 0) return;
  options_.logger->Log(
      LogLevel::kNotice,
      absl::StrCat("shard ", options_.shard, ": worker_shutdown_timeout is over, ", num_ended,
                   " connections of a configuration before are closed"));
}

// --- Connections ---------------------------------------------------------------------------------

Token Worker::TokenFor(const Slot& slot, Op op, Side side) const {
  return {.op = op, .side = side, .generation = slot.generation, .slot = slot.index};
}

void Worker::OnConnectionCompletion(const Completion& completion) {
  const Token& token = completion.token;
  Slot& slot = *slots_[token.slot];
  if (slot.generation != token.generation || !slot.connection.has_value()) {
    context_.metrics.stale_completions_total.Add();
  } else {
    Connection& connection = *slot.connection;
    if (token.op == Op::kConnect) {
      connection.OnConnected(completion.result);
      if (completion.result == 0) LogConnected(slot);
    } else if (token.op == Op::kSend && connection.drains(token.side)) {
      OnReadyToDrain(slot, token.side, completion.result);
    } else if (token.op == Op::kRecv && connection.fills(token.side)) {
      OnReadyToFill(slot, token.side, completion.result);
    } else if (token.op == Op::kSend) {
      slot.at_once_bytes[Index(token.side)] = 0;
      connection.OnSent(token.side, completion.result);
    } else {
      std::span<uint8_t> lent;
      if (completion.has_buffer && completion.result > 0) {
        lent = ring_->Buffer(completion.buffer_id).first(completion.result);
      }
      connection.OnReceived(token.side, completion.result, lent, completion.nonempty);
    }
    Touch(slot);
  }
  if (completion.has_buffer) ring_->ReturnBuffer(completion.buffer_id);
}

void Worker::Touch(Slot& slot) {
  if (std::exchange(slot.touched, true)) return;
  touched_.push_back(&slot);
}

void Worker::AdvanceTouched() {
  // Nothing in here touches another slot.
  for (Slot* slot : touched_) {
    slot->touched = false;
    AdvanceConnection(*slot);
  }
  touched_.clear();
}

void Worker::AdvanceConnection(Slot& slot) {
  if (!slot.connection.has_value()) return;
  Connection& connection = *slot.connection;
  bool again = true;
  while (std::exchange(again, false)) {
    const Operations operations = connection.Advance(now_ms_);
    for (Side side : {Side::kClient, Side::kUpstream}) {
      again |= !Submit(slot, side, operations.ends[Index(side)]);
    }
    if (operations.connect) again |= !ConnectUpstream(slot);
  }
  if (connection.closed()) {
    timers_.Cancel(slot);
    slot.connection.reset();
    slot.generation = (slot.generation + 1) & Token::kGenerationMask;
    free_slots_.push_back(&slot);
    --num_connections_;
    return;
  }
  // A deadline that has moved away is left where it is: when the timer fires, the connection finds
  // nothing to do, and its new deadline is scheduled.
  const int64_t deadline_ms = connection.deadline_ms();
  if (deadline_ms != Connection::kNever &&
      (!slot.scheduled() || static_cast<uint64_t>(deadline_ms) < slot.deadline_ms())) {
    timers_.Schedule(slot, deadline_ms);
  }
}

bool Worker::Submit(Slot& slot, Side side, const Operations::End& operations) {
  const Token cancel = {.op = Op::kCancel};
  if (operations.cancel_recv) SubmitPaced(slot, side);
  if (operations.cancel_recv) ring_->PrepCancel(TokenFor(slot, Op::kRecv, side), cancel);
  if (operations.cancel_send) ring_->PrepCancel(TokenFor(slot, Op::kSend, side), cancel);
  if (operations.cancel_connect) ring_->PrepCancel(TokenFor(slot, Op::kConnect, side), cancel);
  if (operations.close != CloseKind::kNone) CloseSocket(slot, side, operations);

  if (operations.recv.paced) {
    Pace(slot, side, operations.recv);
  } else {
    SubmitReceive(slot, side, operations.recv, operations.poll_first);
  }
  const int fd = slot.connection->fd(side);
  bool all_waits = true;
  if (operations.drain != nullptr) all_waits = Drain(slot, side, *operations.drain);
  if (!operations.send.empty()) {
    const Token token = TokenFor(slot, Op::kSend, side);
    if (operations.send_at_once) {
      ring_->PrepSendAtOnce(fd, operations.send, token);
      slot.at_once_bytes[Index(side)] = operations.send.size();
      at_once_.push_back({.slot = &slot, .side = side});
    } else {
      ring_->PrepSend(fd, operations.send, token);
    }
  }
  // Nothing is in flight in this direction any more, so the system call cannot overtake bytes.
  if (operations.shutdown_write) shutdown(fd, SHUT_WR);
  return all_waits;
}

void Worker::SubmitReceive(Slot& slot, Side side, const RecvWish& wish, bool poll_first) {
  const int fd = slot.connection->fd(side);
  const Token token = TokenFor(slot, Op::kRecv, side);
  switch (wish.kind) {
    case RecvWish::Kind::kNone:
      break;
    case RecvWish::Kind::kCold:
      ring_->PrepRecvProvided(fd, token, poll_first);
      break;
    case RecvWish::Kind::kHot:
      ring_->PrepRecv(fd, wish.room, token, poll_first);
      break;
    case RecvWish::Kind::kSplice:
      ring_->PrepPoll(fd, POLLIN, token);
      break;
  }
}

// --- Splicing ------------------------------------------------------------------------------------

// IORING_OP_SPLICE would go through a kernel worker thread.

void Worker::OnReadyToFill(Slot& slot, Side side, int result) {
  Connection& connection = *slot.connection;
  SplicePipe* const pipe = connection.pipe_to_fill(side);
  if (result >= 0) {
    result = pipe == nullptr ? -ECANCELED
                             : pipe->Fill(connection.fd(side), connection.relay().slab_bytes_max());
  }
  connection.OnFilled(side, result);
}

void Worker::OnReadyToDrain(Slot& slot, Side side, int result) {
  SplicePipe* const pipe = slot.connection->pipe_to_drain(side);
  if (result < 0 || pipe == nullptr) {
    slot.connection->OnDrained(side, -ECANCELED);
  } else {
    Drain(slot, side, *pipe);
  }
}

bool Worker::Drain(Slot& slot, Side side, SplicePipe& pipe) {
  const int fd = slot.connection->fd(side);
  const int result = pipe.Drain(fd);
  if (result == -EAGAIN) {
    ring_->PrepPoll(fd, POLLOUT, TokenFor(slot, Op::kSend, side));
    return true;
  }
  slot.connection->OnDrained(side, result);
  return false;
}

// --- Sends and receives that wait ----------------------------------------------------------------

void Worker::ConcludeSends() {
  for (const AtOnce& at_once : at_once_) {
    Slot& slot = *at_once.slot;
    const size_t num_bytes = std::exchange(slot.at_once_bytes[Index(at_once.side)], 0);
    if (num_bytes == 0) continue;
    slot.connection->OnSent(at_once.side, static_cast<int>(num_bytes));
    Touch(slot);
  }
  at_once_.clear();
}

void Worker::Pace(Slot& slot, Side side, const RecvWish& wish) {
  slot.paced[Index(side)] = wish;
  paced_.push_back({.slot = &slot, .side = side, .due_us = MonotonicUs() + kPaceUs});
}

void Worker::SubmitPaced(int64_t now_us) {
  // One wake-up for all that are due soon.
  while (!paced_.empty() && paced_.front().due_us <= now_us + kPaceUs / 2) {
    const Paced paced = paced_.front();
    paced_.pop_front();
    SubmitPaced(*paced.slot, paced.side);
  }
}

void Worker::SubmitPaced(Slot& slot, Side side) {
  const RecvWish wish = std::exchange(slot.paced[Index(side)], {});
  if (wish.kind != RecvWish::Kind::kNone) SubmitReceive(slot, side, wish, /*poll_first=*/false);
}

void Worker::CloseSocket(Slot& slot, Side side, const Operations::End& operations) {
  const int fd = operations.close_fd;
  const bool reset = operations.close == CloseKind::kReset;
  if (!operations.close_now) {
    if (const int num_undelivered = NumUndelivered(fd); num_undelivered > 0) {
      if (!reset) shutdown(fd, SHUT_WR);
      slot.connection->OnCloseDeferred(side, fd, num_undelivered);
      return;
    }
  }
  if (reset) {
    const linger no_linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger));
  }
  ring_->PrepClose(fd, {.op = Op::kClose});
}

bool Worker::ConnectUpstream(Slot& slot) {
  Connection& connection = *slot.connection;
  const config::Peer& peer = connection.peer();
  const char* failed_call = nullptr;
  const std::optional<config::Address> local = connection.BindAddress();
  FileDescriptor socket = OpenUpstreamSocket(connection.server(), peer.address,
                                             local.has_value() ? &*local : nullptr, &failed_call);
  if (!socket.valid()) {
    connection.OnUpstreamSocketFailed(failed_call, errno);
    return false;
  }
  const int fd = socket.Release();
  connection.OnUpstreamSocket(fd);
  if (peer.address.family() == AF_UNIX) {
    // Never takes time, and a full backlog is a failure at once, as in nginx. Through the ring it
    // would block a kernel thread that all connections of the shard share.
    const int result = connect(fd, peer.address.sockaddr_ptr(), peer.address.storage_len);
    connection.OnConnected(result == 0 ? 0 : -errno);
    return false;
  }
  ring_->PrepConnect(fd, peer.address.sockaddr_ptr(), peer.address.storage_len,
                     TokenFor(slot, Op::kConnect, Side::kUpstream));
  return true;
}

void Worker::LogConnected(const Slot& slot) const {
  const Connection& connection = *slot.connection;
  if (!connection.logs_at(LogLevel::kInfo)) return;
  connection.LogConnected(AddressOf(connection.fd(Side::kUpstream), getsockname));
}

}  // namespace sluice::engine
