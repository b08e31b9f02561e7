#include "tests/sim/sim_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "engine/limits.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace sluice::sim {

using engine::Op;
using engine::Token;

namespace {

// What a pipe takes at once.
constexpr size_t kPipeBytes = 64 * 1024;

// Stands in memory that is the kernel's and holds no bytes of anybody.
constexpr uint8_t kPoison = 0xdb;

// The parts of a room that are poisoned and looked at: of a large one the two ends, where a wrong
// user would begin.
constexpr size_t kWatchedBytes = 16 * 1024;

template <typename Watch>
void ForWatched(std::span<uint8_t> room, Watch watch) {
  if (room.size() <= 2 * kWatchedBytes) return watch(room);
  watch(room.first(kWatchedBytes));
  watch(room.last(kWatchedBytes));
}

void Poison(std::span<uint8_t> room) { std::memset(room.data(), kPoison, room.size()); }

bool IsPoison(std::span<const uint8_t> room) {
  return room.empty() ||
         (room[0] == kPoison && std::memcmp(room.data(), room.data() + 1, room.size() - 1) == 0);
}

std::string Describe(const Token& token) {
  static constexpr const char* kNames[] = {"none", "accept", "connect", "recv", "send"};
  return absl::StrCat(kNames[static_cast<int>(token.op)], " of connection ", token.slot, "'s ",
                      token.side == engine::Side::kClient ? "client" : "upstream");
}

}  // namespace

SimKernel::SimKernel(Random& random, const SimFaults& faults) : random_(random), faults_(faults) {
  for (int i = 0; i < faults.num_buffers; ++i) {
    buffers_.emplace_back(engine::kColdBufferBytes);
    free_buffers_.push_back(i);
    ASAN_POISON_MEMORY_REGION(buffers_.back().data(), engine::kColdBufferBytes);
  }
}

SimKernel::~SimKernel() {
  for (auto& buffer : buffers_) ASAN_UNPOISON_MEMORY_REGION(buffer.data(), buffer.size());
  for (const auto& operation : operations_) {
    ASAN_UNPOISON_MEMORY_REGION(operation->room.data(), operation->room.size());
  }
}

void SimKernel::Fail(std::string error) {
  if (error_.empty()) error_ = std::move(error);
}

// --- System calls --------------------------------------------------------------------------------

int SimKernel::OpenSocket(const SimSocket::Sizes& sizes, const SimConnect& connect) {
  files_.push_back({.socket = std::make_unique<SimSocket>(sizes), .connect = connect});
  return static_cast<int>(files_.size()) - 1;
}

SimSocket& SimKernel::socket(int fd) {
  CHECK(fd >= 0 && fd < static_cast<int>(files_.size())) << "descriptor " << fd;
  return *files_[fd].socket;
}

void SimKernel::ShutdownWrite(int fd) {
  if (!files_[fd].open) Fail(absl::StrCat("shutdown of descriptor ", fd, ", which is closed"));
  socket(fd).ShutdownWrite();
}

// --- The ring ------------------------------------------------------------------------------------

SimKernel::Operation& SimKernel::Add(int fd, Token token) {
  if (fd < 0 || fd >= static_cast<int>(files_.size()) || !files_[fd].open) {
    Fail(absl::StrCat(Describe(token), ": descriptor ", fd, " is not open"));
  }
  for (const auto& other : operations_) {
    if (other->token == token) Fail(absl::StrCat(Describe(token), ": in flight already"));
  }
  auto& added = operations_.emplace_back(std::make_unique<Operation>());
  added->token = token;
  added->fd = fd;
  return *added;
}

void SimKernel::Connect(int fd, Token token) { Add(fd, token).connect = files_[fd].connect; }

void SimKernel::Receive(int fd, std::span<uint8_t> room, Token token, bool poll_first) {
  Operation& operation = Add(fd, token);
  operation.room = room;
  operation.poll_first = poll_first;
  ForWatched(room, Poison);
  ASAN_POISON_MEMORY_REGION(room.data(), room.size());
  if (room.empty()) Fail(absl::StrCat(Describe(token), ": no room"));
  ++counts_.hot_receives;
}

void SimKernel::ReceiveProvided(int fd, Token token, bool poll_first) {
  Operation& operation = Add(fd, token);
  operation.provided = true;
  operation.poll_first = poll_first;
  ++counts_.cold_receives;
}

void SimKernel::Send(int fd, std::span<const uint8_t> bytes, Token token, bool at_once) {
  Operation& operation = Add(fd, token);
  operation.at_once = at_once;
  if (at_once) ++counts_.sends_at_once;
  operation.bytes = bytes;
  operation.shadow.assign(bytes.begin(), bytes.end());
}

void SimKernel::Poll(int fd, Token token) { Add(fd, token).poll = true; }

int SimKernel::Fill(int fd, engine::SplicePipe& pipe, size_t bytes_max) {
  if (!files_[fd].open) Fail(absl::StrCat("splice from descriptor ", fd, ", which is closed"));
  if (random_.Chance(faults_.again)) return -EAGAIN;
  std::vector<uint8_t> bytes(std::min(bytes_max, kPipeBytes));
  if (random_.Chance(faults_.short_receive)) bytes.resize(1 + random_.Below(20'000));
  const std::optional<int> result = socket(fd).Receive(bytes);
  if (!result.has_value()) return -EAGAIN;
  if (*result > 0) {
    ++counts_.fills;
    last_moved_ms_ = now_ms_;
    pipe.FillWith(std::span(bytes).first(static_cast<size_t>(*result)));
  }
  return *result;
}

int SimKernel::Drain(int fd, engine::SplicePipe& pipe) {
  if (!files_[fd].open) Fail(absl::StrCat("splice to descriptor ", fd, ", which is closed"));
  SimSocket& socket = this->socket(fd);
  std::vector<uint8_t> bytes(pipe.num_bytes());
  pipe.DrainInto(bytes);
  const std::optional<int> result = socket.Send(bytes);
  if (socket.sent_after_end()) Fail("splice after the end");
  const size_t num_sent = static_cast<size_t>(std::max(result.value_or(0), 0));
  if (num_sent > 0) last_moved_ms_ = now_ms_;
  if (num_sent < bytes.size()) pipe.FillWith(std::span(bytes).subspan(num_sent));
  ++counts_.drains;
  if (num_sent > 0 && num_sent < bytes.size()) ++counts_.short_drains;
  return result.value_or(-EAGAIN);
}

void SimKernel::Cancel(Token token) {
  for (const auto& operation : operations_) {
    if (operation->token == token) {
      operation->cancelled = true;
      return;
    }
  }
  Fail(absl::StrCat("cancel of a ", Describe(token), " that is not in flight"));
}

void SimKernel::Close(int fd, bool reset) {
  if (!files_[fd].open) return Fail(absl::StrCat("descriptor ", fd, " is closed twice"));
  files_[fd].open = false;
  for (const auto& operation : operations_) {
    if (operation->fd == fd)
      Fail(absl::StrCat("close with a ", Describe(operation->token), " in flight"));
  }
  socket(fd).Close(reset);
}

bool SimKernel::CanExecute(const Operation& operation, int64_t now_ms) const {
  if (operation.executed) return false;
  if (operation.cancelled) return true;
  const SimSocket& socket = *files_[operation.fd].socket;
  switch (operation.token.op) {
    case Op::kConnect:
      return now_ms >= operation.connect.at_ms;
    case Op::kRecv:
      return socket.CanReceive() ||
             (operation.provided && !operation.poll_first && free_buffers_.empty());
    case Op::kSend:
      return operation.at_once || socket.CanSend();
    default:
      return false;
  }
}

bool SimKernel::Run(int64_t now_ms) {
  now_ms_ = now_ms;
  bool could = false;
  for (File& file : files_) {
    if (!file.socket->CanDeliver()) continue;
    could = true;
    if (random_.Chance(faults_.late)) continue;
    file.socket->Deliver(random_.Chance(faults_.late) ? 1 + random_.Below(4096) : SIZE_MAX);
  }
  // What is to be done at once is done while it is submitted.
  for (const auto& operation : operations_) {
    if (!operation->at_once || !CanExecute(*operation, now_ms)) continue;
    could = true;
    Execute(*operation, now_ms);
  }
  // From a random place on, around: every order of two operations comes about.
  const size_t num = operations_.size();
  const size_t first = num == 0 ? 0 : random_.Below(num);
  for (size_t i = 0; i < num; ++i) {
    Operation& operation = *operations_[(first + i) % num];
    if (!CanExecute(operation, now_ms)) continue;
    could = true;
    if (!random_.Chance(faults_.late)) Execute(operation, now_ms);
  }
  return could;
}

int64_t SimKernel::next_ms(int64_t now_ms) const {
  int64_t next = kNeverMs;
  for (const auto& operation : operations_) {
    if (operation->token.op == Op::kConnect && operation->connect.at_ms > now_ms) {
      next = std::min(next, operation->connect.at_ms);
    }
  }
  return next;
}

void SimKernel::Execute(Operation& operation, int64_t now_ms) {
  if (operation.cancelled) {
    Operation as_if = {.token = operation.token,
                       .fd = operation.fd,
                       .poll = operation.poll,
                       .connect = operation.connect};
    const bool possible = CanExecute(as_if, now_ms);
    if (!possible || !random_.Chance(faults_.cancel_loses)) {
      ++counts_.cancelled;
      const bool partial = operation.num_sent > 0;
      return Complete(operation, partial ? static_cast<int>(operation.num_sent) : -ECANCELED);
    }
    ++counts_.lost_cancels;
  }
  if (operation.poll) return Complete(operation, 1);
  switch (operation.token.op) {
    case Op::kConnect:
      if (operation.connect.error == 0) socket(operation.fd).Connect();
      return Complete(operation, -operation.connect.error);
    case Op::kRecv:
      return ExecuteReceive(operation);
    case Op::kSend:
      return operation.at_once ? ExecuteSendAtOnce(operation) : ExecuteSend(operation);
    default:
      return;
  }
}

void SimKernel::ExecuteReceive(Operation& operation) {
  SimSocket& socket = this->socket(operation.fd);
  if (!operation.poll_first && random_.Chance(faults_.again)) {
    return Complete(operation, random_.OneOf({-EAGAIN, -EINTR}));
  }
  int buffer = -1;
  std::span<uint8_t> room = operation.room;
  if (operation.provided) {
    if (free_buffers_.empty() || random_.Chance(faults_.no_buffer)) {
      ++counts_.no_buffers;
      return Complete(operation, -ENOBUFS);
    }
    buffer = free_buffers_.back();
    room = buffers_[buffer];
  }
  if (random_.Chance(faults_.short_receive)) {
    room = room.first(1 + random_.Below(std::min<size_t>(room.size(), 3000)));
    ++counts_.short_receives;
  }
  ASAN_UNPOISON_MEMORY_REGION(room.data(), room.size());
  const std::optional<int> result = socket.Receive(room);
  if (result.has_value() && *result > 0) {
    last_moved_ms_ = now_ms_;
    if (!operation.provided) operation.shadow.assign(room.begin(), room.begin() + *result);
  }
  ASAN_POISON_MEMORY_REGION(room.data(), room.size());
  if (!result.has_value()) {  // Lost its race with a cancel, after all.
    return Complete(operation, -ECANCELED);
  }
  if (*result <= 0) {
    buffer = -1;
  } else if (buffer >= 0) {
    free_buffers_.pop_back();
  }
  Complete(operation, *result,
           socket.num_arrived_bytes() > 0 || random_.Chance(faults_.pessimistic), buffer);
}

void SimKernel::ExecuteSend(Operation& operation) {
  SimSocket& socket = this->socket(operation.fd);
  // MSG_WAITALL: goes on until all is sent or it fails, and then tells how far it came.
  const std::optional<int> result = socket.Send(operation.bytes.subspan(operation.num_sent));
  if (socket.sent_after_end()) Fail(absl::StrCat(Describe(operation.token), " after its end"));
  if (!result.has_value()) return;
  if (*result < 0) {
    if (operation.num_sent > 0) ++counts_.short_sends;
    return Complete(operation,
                    operation.num_sent > 0 ? static_cast<int>(operation.num_sent) : *result);
  }
  last_moved_ms_ = now_ms_;
  operation.num_sent += static_cast<size_t>(*result);
  if (operation.num_sent == operation.bytes.size()) {
    Complete(operation, static_cast<int>(operation.num_sent));
  }
}

void SimKernel::ExecuteSendAtOnce(Operation& operation) {
  SimSocket& socket = this->socket(operation.fd);
  const std::optional<int> result = socket.Send(operation.bytes);
  if (socket.sent_after_end()) Fail(absl::StrCat(Describe(operation.token), " after its end"));
  if (result.value_or(0) > 0) last_moved_ms_ = now_ms_;
  if (result == static_cast<int>(operation.bytes.size())) {
    operation.executed = true;
    untold_.push_back({.token = operation.token, .result = *result});
    return;
  }
  Complete(operation, result.value_or(-EAGAIN));
  if (result.value_or(0) >= 0) ++counts_.full_sends_at_once;
}

void SimKernel::Complete(Operation& operation, int result, bool nonempty, int buffer) {
  operation.executed = true;
  completions_.push_back(
      {.token = operation.token, .result = result, .nonempty = nonempty, .buffer = buffer});
}

std::optional<SimCompletion> SimKernel::TakeCompletion() {
  if (completions_.empty() || random_.Chance(faults_.late)) return std::nullopt;
  const SimCompletion completion = completions_.front();
  completions_.pop_front();
  Remove(completion.token);
  return completion;
}

std::optional<SimCompletion> SimKernel::TakeUntold() {
  if (untold_.empty() || !completions_.empty()) return std::nullopt;
  const SimCompletion completion = untold_.front();
  untold_.pop_front();
  Remove(completion.token);
  return completion;
}

void SimKernel::Remove(Token token) {
  const auto found = std::find_if(operations_.begin(), operations_.end(),
                                  [&](const auto& operation) { return operation->token == token; });
  CHECK(found != operations_.end());
  GiveBack(**found);
  operations_.erase(found);
}

void SimKernel::GiveBack(const Operation& operation) {
  if (!std::equal(operation.bytes.begin(), operation.bytes.end(), operation.shadow.begin())) {
    Fail(absl::StrCat(Describe(operation.token), ": its bytes have changed in flight"));
  }
  if (operation.room.empty()) return;
  ASAN_UNPOISON_MEMORY_REGION(operation.room.data(), operation.room.size());
  const size_t n = operation.shadow.size();
  if (!std::equal(operation.shadow.begin(), operation.shadow.end(), operation.room.begin())) {
    Fail(absl::StrCat(Describe(operation.token), ": what it received was overwritten"));
  }
  size_t position = 0;
  ForWatched(operation.room, [&](std::span<uint8_t> watched) {
    position = static_cast<size_t>(watched.data() - operation.room.data());
    const size_t used = n <= position ? 0 : std::min(n - position, watched.size());
    if (!IsPoison(watched.subspan(used))) {
      Fail(absl::StrCat(Describe(operation.token), ": its room was written to in flight"));
    }
  });
}

std::span<uint8_t> SimKernel::Buffer(int buffer, int result) {
  auto& bytes = buffers_[buffer];
  ASAN_UNPOISON_MEMORY_REGION(bytes.data(), static_cast<size_t>(result));
  return std::span(bytes).first(static_cast<size_t>(result));
}

void SimKernel::ReturnBuffer(int buffer) {
  auto& bytes = buffers_[buffer];
  ASAN_UNPOISON_MEMORY_REGION(bytes.data(), bytes.size());
  Poison(bytes);
  ASAN_POISON_MEMORY_REGION(bytes.data(), bytes.size());
  free_buffers_.push_back(buffer);
}

int SimKernel::num_in_flight(uint32_t slot) const {
  return static_cast<int>(
      std::count_if(operations_.begin(), operations_.end(),
                    [&](const auto& operation) { return operation->token.slot == slot; }));
}

bool SimKernel::busy(int fd) const {
  const SimSocket& socket = *files_[fd].socket;
  if (socket.num_arrived_bytes() > 0 || socket.num_undelivered() > 0) return true;
  return std::any_of(operations_.begin(), operations_.end(), [&](const auto& operation) {
    return operation->fd == fd && operation->token.op == Op::kSend;
  });
}

}  // namespace sluice::sim
