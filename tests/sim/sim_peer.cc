#include "tests/sim/sim_peer.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::sim {
namespace {

constexpr uint8_t kAlertInternalError = 80;  // RFC 8446 6.2.

// A record of application data (RFC 8446 5.1) that no key has sealed.
std::vector<uint8_t> Garbage() {
  std::vector<uint8_t> record = {23, 3, 3, 0, 64};
  record.resize(record.size() + 64, 0x5a);
  return record;
}

// An alert record in the clear.
std::vector<uint8_t> PlainAlert(uint8_t level, uint8_t description) {
  return {21, 3, 3, 0, 2, level, description};
}

std::string_view TextOf(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

const char* FateName(Fate fate) {
  switch (fate) {
    case Fate::kGood:
      return "good";
    case Fate::kNoSocket:
      return "no socket";
    case Fate::kNoPort:
      return "no port";
    case Fate::kRefuses:
      return "refuses";
    case Fate::kUnreachable:
      return "unreachable";
    case Fate::kBlackHole:
      return "black hole";
    case Fate::kWrongCertificate:
      return "wrong certificate";
    case Fate::kWrongName:
      return "wrong name";
    case Fate::kSpeaksPlain:
      return "speaks plain";
    case Fate::kSilent:
      return "silent";
    case Fate::kResets:
      return "resets";
    case Fate::kResetsMidway:
      return "resets midway";
    case Fate::kClosesMidway:
      return "closes midway";
    case Fate::kClosesAtOnce:
      return "closes at once";
    case Fate::kResetsAtOnce:
      return "resets at once";
    case Fate::kAlert:
      return "alert";
    case Fate::kCloseNotify:
      return "close_notify";
    case Fate::kBreaksAfterHandshake:
      return "breaks after handshake";
    case Fate::kRefusesClient:
      return "refuses client";
    case Fate::kNoCertificate:
      return "no certificate";
    case Fate::kStallsMidway:
      return "stalls midway";
  }
  return "?";
}

SimPeer::SimPeer(Random& random, SimSocket& socket, const PeerScript& script, Fate fate,
                 std::unique_ptr<tls::TestConnection> tls, PatternStream sent,
                 PatternStream expected, int64_t start_ms)
    : random_(random),
      socket_(socket),
      script_(script),
      fate_(fate),
      tls_(std::move(tls)),
      sent_(sent),
      expected_(expected),
      start_ms_(start_ms) {}

bool SimPeer::Step(int64_t now_ms) {
  if (!socket_.connected()) return false;
  if (socket_.far_saw_reset() && !saw_reset_ && socket_.far_readable().empty()) {
    saw_reset_ = true;
    has_ended_ = true;
    return true;
  }
  bool moved = Begin();
  moved |= Misbehave();
  moved |= Read(now_ms);
  moved |= Write(now_ms);
  moved |= End(now_ms);
  return moved;
}

int64_t SimPeer::next_ms(int64_t now_ms) const {
  if (!socket_.connected() || socket_.far_gone()) return kNeverMs;
  int64_t next = kNeverMs;
  for (const int64_t at_ms : {rests_until_ms_, reads_again_ms_}) {
    if (at_ms > now_ms) next = std::min(next, at_ms);
  }
  if (!has_ended_ && script_.ends_at_ms != kNeverMs && start_ms_ + script_.ends_at_ms > now_ms) {
    next = std::min(next, start_ms_ + script_.ends_at_ms);
  }
  return next;
}

bool SimPeer::reading() const {
  return !has_left_ && fate_ != Fate::kSilent &&
         (num_read_raw_ < script_.stops_reading_after || reads_again_ms_ == 0);
}

bool SimPeer::reads_no_more() const {
  return !reading() && (script_.stop_ms == kNeverMs || fate_ == Fate::kSilent);
}

bool SimPeer::Read(int64_t now_ms) {
  if (reads_again_ms_ != kNeverMs && now_ms >= reads_again_ms_) reads_again_ms_ = 0;
  if (socket_.far_gone() || !reading()) return false;
  const auto readable = socket_.far_readable();
  if (readable.empty()) {
    if (!socket_.far_saw_fin() || saw_fin_) return false;
    saw_fin_ = true;
    return true;
  }
  const size_t n = std::min(readable.size(), 1 + random_.Below(script_.read_bytes_max));
  auto taken = readable.first(n);
  num_read_raw_ += n;
  if (!awaited_.empty()) {
    const size_t num_first = std::min(n, awaited_.size());
    if (TextOf(taken.first(num_first)) != awaited_.substr(0, num_first)) {
      error_ = "read something else first";
    }
    awaited_.erase(0, num_first);
    taken = taken.subspan(num_first);
  }
  if (num_read_raw_ >= script_.stops_reading_after && script_.stop_ms != kNeverMs &&
      reads_again_ms_ == kNeverMs) {
    reads_again_ms_ = now_ms + script_.stop_ms;
  }
  if (tls_ == nullptr) {
    if (!expected_.Matches(num_read_, taken)) error_ = "read bytes that were not sent";
    num_read_ += taken.size();
    socket_.FarRead(n);
    return true;
  }
  if (fate_ == Fate::kStallsMidway) {
    socket_.FarRead(n);
    return true;
  }
  auto answer = tls_->Feed(taken);
  socket_.FarRead(n);
  switch (fate_) {
    case Fate::kSpeaksPlain:
    case Fate::kAlert:
    case Fate::kCloseNotify:
    case Fate::kResets:
      answer.clear();  // Misbehave has something else to say.
      break;
    case Fate::kResetsMidway:
    case Fate::kClosesMidway:
      CutShort(&answer);
      break;
    case Fate::kBreaksAfterHandshake:
      if (tls_->handshake_done() && !misbehaved_) {
        misbehaved_ = true;
        const auto garbage = Garbage();
        answer.insert(answer.end(), garbage.begin(), garbage.end());
      }
      break;
    default:
      break;
  }
  Say(answer);
  const std::string plaintext = tls_->TakePlaintext();
  const std::span bytes(reinterpret_cast<const uint8_t*>(plaintext.data()), plaintext.size());
  if (!expected_.Matches(num_read_, bytes)) error_ = "read bytes that were not sent";
  num_read_ += bytes.size();
  return true;
}

bool SimPeer::Begin() {
  if (begun_ || tls_ == nullptr || !tls_->is_client() || has_ended_) return false;
  begun_ = true;
  switch (fate_) {
    case Fate::kSilent:
    case Fate::kClosesAtOnce:
    case Fate::kResetsAtOnce:
      return false;
    case Fate::kSpeaksPlain:
      misbehaved_ = true;
      Say({'Q', 'U', 'I', 'T', ' ', '\r', '\n'});
      return true;
    default:
      break;
  }
  auto hello = tls_->Feed({});
  const bool midway =
      fate_ == Fate::kResetsMidway || fate_ == Fate::kClosesMidway || fate_ == Fate::kStallsMidway;
  if (midway && random_.Chance(50)) CutShort(&hello);
  Say(hello);
  return true;
}

void SimPeer::CutShort(std::vector<uint8_t>* bytes) {
  if (bytes->empty()) return;
  bytes->resize(cut_short_ ? 0 : random_.Below(bytes->size()));
  cut_short_ = true;
}

bool SimPeer::Misbehave() {
  if (misbehaved_ || has_ended_) return false;
  switch (fate_) {
    case Fate::kResetsAtOnce:
      Leave(&SimSocket::FarReset);
      break;
    case Fate::kClosesAtOnce:
      Leave(&SimSocket::FarClose);
      break;
    case Fate::kSpeaksPlain:
      if (num_read_raw_ == 0 && random_.Chance(50)) return false;
      Say({'2', '2', '0', ' ', 'r', 'e', 'a', 'd', 'y', '\r', '\n'});
      break;
    case Fate::kAlert:
      if (num_read_raw_ == 0) return false;
      Say(PlainAlert(2, kAlertInternalError));
      break;
    case Fate::kCloseNotify:
      if (num_read_raw_ == 0) return false;
      Say(PlainAlert(1, 0));
      break;
    case Fate::kResets:
      if (num_read_raw_ == 0) return false;
      Leave(&SimSocket::FarReset);
      break;
    case Fate::kResetsMidway:
    case Fate::kClosesMidway:
      if ((num_read_raw_ == 0 && !cut_short_) || !out_.empty()) return false;
      Leave(fate_ == Fate::kResetsMidway ? &SimSocket::FarReset : &SimSocket::FarClose);
      break;
    default:
      return false;
  }
  misbehaved_ = true;
  return true;
}

void SimPeer::Leave(void (SimSocket::*how)()) {
  (socket_.*how)();
  told_end_ |= how == &SimSocket::FarClose;
  has_ended_ = true;
  has_left_ = true;
}

bool SimPeer::Write(int64_t now_ms) {
  if (socket_.far_gone() || has_left_) return false;
  if (!out_.empty()) {
    const size_t n = socket_.FarWrite(out_.bytes());
    out_.Pop(n);
    return n > 0;
  }
  if (has_ended_ || now_ms < rests_until_ms_ || num_written_ == script_.send_bytes ||
      (num_read_ < script_.starts_after_bytes && !saw_fin_) || !handshake_done() ||
      !socket_.FarCanWrite() || cut_short_ || fate_ == Fate::kSpeaksPlain) {
    return false;
  }
  if (tls_ != nullptr && random_.Chance(script_.key_update_percent) &&
      SSL_version(tls_->ssl()) == TLS1_3_VERSION) {
    Say(tls_->KeyUpdate(random_.Chance(50)));
  }
  const auto bytes =
      sent_.At(num_written_,
               static_cast<size_t>(std::min<uint64_t>(script_.send_bytes - num_written_,
                                                      1 + random_.Below(script_.write_bytes_max))));
  num_written_ += bytes.size();
  if (tls_ != nullptr) {
    Say(tls_->Write(TextOf(bytes)));
  } else {
    out_.Push(bytes);
  }
  out_.Pop(socket_.FarWrite(out_.bytes()));
  if (random_.Chance(script_.pause_percent)) {
    rests_until_ms_ = now_ms + random_.Between(0, script_.pause_ms_max);
  }
  return true;
}

bool SimPeer::End(int64_t now_ms) {
  if (has_ended_ || socket_.far_gone()) return false;
  const bool timed = script_.ends_at_ms != kNeverMs;
  if (timed && now_ms < start_ms_ + script_.ends_at_ms) return false;
  const bool tls_broken = tls_ != nullptr && !tls_->error().empty();
  if (tls_broken && out_.empty()) {
    Leave(&SimSocket::FarClose);
    return true;
  }
  const bool all_sent = num_written_ == script_.send_bytes && out_.empty() && handshake_done();
  if (!timed) {
    if (!all_sent || (script_.waits_for_end && !saw_fin_)) return false;
    if (tls_ != nullptr && !breached_ && script_.breach != PeerScript::Breach::kNone) {
      breached_ = true;
      Say(script_.breach == PeerScript::Breach::kGarbage ? Garbage()
                                                         : tls_->FatalAlert(kAlertInternalError));
      return true;
    }
  }
  if (script_.end == PeerScript::End::kStay) {
    // Nobody stays with somebody who has gone.
    if (!saw_fin_) return false;
    Leave(&SimSocket::FarClose);
    return true;
  }
  const bool closes =
      script_.end == PeerScript::End::kFin || script_.end == PeerScript::End::kClose;
  if (closes && all_sent && tls_ != nullptr && script_.close_notify && !said_close_notify_ &&
      !breached_) {
    said_close_notify_ = true;
    Say(tls_->CloseNotify());
    out_.Pop(socket_.FarWrite(out_.bytes()));
  }
  if (closes && !timed && !out_.empty()) return true;
  has_ended_ = true;
  ended_well_ = all_sent && out_.empty() && closes && !breached_;
  out_.Clear();
  switch (script_.end) {
    case PeerScript::End::kFin:
      told_end_ = true;
      socket_.FarShutdownWrite();
      break;
    case PeerScript::End::kClose:
      ended_well_ &= socket_.far_readable().empty();
      told_end_ = true;
      Leave(&SimSocket::FarClose);
      break;
    case PeerScript::End::kReset:
      Leave(&SimSocket::FarReset);
      break;
    case PeerScript::End::kVanish:
      Leave(&SimSocket::FarVanish);
      break;
    case PeerScript::End::kStay:
      break;
  }
  return true;
}

std::string SimPeer::ToString() const {
  return absl::StrCat(FateName(fate_), ", wrote ", num_written_, " of ", script_.send_bytes,
                      ", read ", num_read_, has_ended_ ? ", ended" : "", ended_well_ ? " well" : "",
                      said_close_notify_ ? " with close_notify" : "", saw_fin_ ? ", saw FIN" : "",
                      saw_reset_ ? ", saw RST" : "", saw_close_notify() ? ", saw close_notify" : "",
                      reading() ? "" : ", does not read",
                      tls_ != nullptr && !tls_->error().empty() ? ", " : "",
                      tls_ != nullptr ? tls_->error() : "");
}

}  // namespace sluice::sim
