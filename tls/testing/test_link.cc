#include "tls/testing/test_link.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/log/check.h"

namespace sluice::tls {

std::unique_ptr<Context> MakeContext(const Settings& settings) {
  auto context = Context::Create(settings);
  CHECK_OK(context.status());
  return *std::move(context);
}

TestLink::TestLink(const Context& context, TicketPool* tickets, TestServer& server, int shard)
    : session_(Session::Create(context, tickets, shard)), server_(server.Accept()) {}

// `step` makes one call with the Ciphertext it is given.
template <typename Step>
Outcome TestLink::Run(Step step) {
  // Bytes at the start of to_client_ that a step has been offered and has left.
  size_t num_left = 0;
  for (;;) {
    // Exact copies on the heap: a step that goes past its spans is caught by the sanitizer.
    const size_t num_offered = std::min(to_client_.size() - num_left, input_bytes) + num_left;
    std::vector<uint8_t> input(to_client_.begin(), to_client_.begin() + num_offered);
    std::vector<uint8_t> output(output_bytes);
    Ciphertext io{.input = input, .output = output};
    const size_t opened_before = opened_.size();
    const Outcome outcome = step(io);
    CHECK_LE(io.consumed, input.size());
    CHECK_LE(io.produced, output.size());
    to_client_.erase(to_client_.begin(), to_client_.begin() + io.consumed);
    if (io.produced > 0) Send(server_->Feed(std::span(output).first(io.produced)));
    const bool moved = io.consumed > 0 || io.produced > 0 || opened_.size() > opened_before;
    switch (outcome) {
      case Outcome::kNeedInput:
        // All there is: it waits for the rest of a record.
        if (num_offered - io.consumed == to_client_.size()) return outcome;
        CHECK(moved || num_offered > num_left) << "input is there, but none is taken";
        num_left = num_offered - io.consumed;
        continue;
      case Outcome::kNeedOutput:
      case Outcome::kNeedPlaintextRoom:
        if (!moved) return outcome;
        num_left = 0;
        break;
      case Outcome::kDone:
      case Outcome::kClosed:
      case Outcome::kFailed:
        return outcome;
    }
  }
}

Outcome TestLink::Handshake() {
  return Run([this](Ciphertext& io) { return session_->Handshake(io); });
}

Outcome TestLink::Open() {
  return Run([this](Ciphertext& io) {
    std::vector<uint8_t> plaintext(plaintext_bytes);
    size_t opened;
    const Outcome outcome = session_->Open(io, plaintext, &opened);
    CHECK_LE(opened, plaintext.size());
    opened_.append(plaintext.begin(), plaintext.begin() + opened);
    return outcome;
  });
}

Outcome TestLink::Seal(std::string_view plaintext) {
  return Run([this, &plaintext](Ciphertext& io) {
    // Another address each time: callers may move what is not sealed yet.
    const std::vector<uint8_t> bytes(plaintext.begin(), plaintext.end());
    size_t sealed;
    const Outcome outcome = session_->Seal(io, bytes, &sealed);
    plaintext.remove_prefix(sealed);
    return outcome;
  });
}

Outcome TestLink::Shutdown() {
  return Run([this](Ciphertext& io) { return session_->Shutdown(io); });
}

bool TestLink::Greet() {
  if (Handshake() != Outcome::kDone || !server_->handshake_done()) return false;
  Send(server_->Write("hello"));
  return Open() == Outcome::kNeedInput && opened_ == "hello";
}

void TestLink::Send(const std::vector<uint8_t>& from_server) {
  to_client_.insert(to_client_.end(), from_server.begin(), from_server.end());
}

}  // namespace sluice::tls
