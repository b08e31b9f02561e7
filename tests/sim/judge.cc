#include "tests/sim/judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/sim/world.h"

namespace sluice::sim {

using engine::CloseReason;

namespace {

using End = PeerScript::End;

class Judgement {
 public:
  Judgement(const Scenario& scenario, const Record& record)
      : scenario_(scenario),
        record_(record),
        client_(*record.client),
        upstream_(record.attempts.empty() ? nullptr : record.attempts.back().peer.get()),
        tls_(scenario.transport != Transport::kPlain),
        client_tls_(scenario.client_transport != Transport::kPlain) {}

  std::string Run() {
    CheckClientTls();
    CheckFailedAttempts();
    CheckReason();
    CheckLiveness();
    return error_;
  }

 private:
  void Expect(bool good, const std::string& what) {
    if (!good && error_.empty()) {
      error_ = absl::StrCat(what, ", and the reason is ", engine::CloseReasonName(record_.reason));
    }
  }

  Fate fate() const {
    return record_.attempts.empty() ? Fate::kNoSocket : record_.attempts.back().fate;
  }
  // Takes all bytes that it is sent, and its end.
  static bool Takes(const SimPeer& peer) { return !peer.has_left() && !peer.reads_no_more(); }
  bool WellMeant(const SimPeer& peer) const {
    const PeerScript& script = peer.script();
    const bool begins_well = &peer != &client_ || scenario_.client_header == ClientHeader::kNone ||
                             scenario_.client_header == ClientHeader::kGood;
    return begins_well && peer.fate() == Fate::kGood && script.end == End::kFin &&
           script.breach == PeerScript::Breach::kNone && !Stalls(peer);
  }
  bool Stalls(const SimPeer& peer) const {
    return peer.reads_no_more() || peer.script().end == End::kStay ||
           (peer.script().ends_at_ms != kNeverMs &&
            peer.script().ends_at_ms > scenario_.timeout_ms);
  }
  bool has_relayed() const { return upstream_ != nullptr && upstream_->handshake_done(); }

  void ExpectComplete(const SimPeer& from, const SimPeer& to, const char* direction) {
    if (!from.has_ended_well() || !Takes(to) || to.socket().reset_by_unread()) return;
    Expect(to.num_read() == from.num_written(),
           absl::StrCat(direction, ": ", from.num_written(), " bytes were sent before the end, ",
                        to.num_read(), " have arrived"));
  }
  void ExpectToldFin(const SimPeer& peer, const char* name) {
    if (!Takes(peer) || peer.socket().reset_by_unread()) return;
    Expect(peer.saw_fin() && !peer.saw_reset(), absl::StrCat(name, " was not told by FIN"));
  }
  void ExpectToldReset(const SimPeer& peer, const char* name) {
    if (!Takes(peer)) return;
    Expect(peer.saw_reset(), absl::StrCat(name, " was not told by RST"));
  }
  void ExpectToldCloseNotify(const SimPeer& peer, const char* name) {
    if (!peer.speaks_tls() || !Takes(peer) || peer.socket().reset_by_unread()) return;
    Expect(peer.saw_close_notify(), absl::StrCat(name, " has seen no close_notify"));
  }
  void ExpectClientNotToldCloseNotify() {
    if (upstream_ != nullptr && upstream_->has_told_end()) return;
    Expect(!client_.saw_close_notify(), "the client was told that nothing is missing");
  }

  // Whatever else happens, what a client is sent is TLS, and it alone gives reason to refuse it.
  void CheckClientTls() {
    if (!client_tls_) return;
    switch (record_.reason) {
      case CloseReason::kClientHandshakeFailed:
      case CloseReason::kClientUntrusted:
      case CloseReason::kClientTlsFailed:
        return;
      default:
        return Expect(client_.tls_error().empty() || client_.fate() != Fate::kGood,
                      absl::StrCat("the client says ", client_.tls_error()));
    }
  }

  // An upstream that does not get as far as to be relayed to sees no byte of the client's.
  void CheckFailedAttempts() {
    for (const Record::Attempt& attempt : record_.attempts) {
      if (attempt.fate == Fate::kGood || attempt.peer == nullptr) continue;
      Expect(attempt.peer->num_read() == 0 || attempt.fate == Fate::kBreaksAfterHandshake,
             absl::StrCat("an upstream that is ", FateName(attempt.fate), " has read ",
                          attempt.peer->num_read(), " bytes of the client's"));
    }
  }

  void CheckClientEnded() {
    Expect(client_.has_told_end(), "the client has not ended");
    if (!has_relayed()) return;
    ExpectComplete(client_, *upstream_, "client to upstream");
    ExpectToldFin(*upstream_, "the upstream");
    if (client_.has_ended_well()) ExpectToldCloseNotify(*upstream_, "the upstream");
    if (scenario_.half_close && upstream_->has_told_end()) {
      ExpectComplete(*upstream_, client_, "upstream to client");
      ExpectToldFin(client_, "the client");
      if (upstream_->has_ended_well()) ExpectToldCloseNotify(client_, "the client");
    }
  }

  void CheckUpstreamEnded() {
    if (upstream_ == nullptr) return Expect(false, "there is no upstream");
    Expect(upstream_->has_told_end(), "the upstream has not ended");
    ExpectComplete(*upstream_, client_, "upstream to client");
    ExpectToldFin(client_, "the client");
    if (upstream_->has_ended_well()) ExpectToldCloseNotify(client_, "the client");
    if (scenario_.half_close && client_.has_told_end()) {
      ExpectComplete(client_, *upstream_, "client to upstream");
      ExpectToldFin(*upstream_, "the upstream");
    }
  }

  void CheckReason() {
    switch (record_.reason) {
      case CloseReason::kNone:
        return Expect(false, "there is none");
      case CloseReason::kClientClosed:
        return CheckClientEnded();
      case CloseReason::kUpstreamClosed:
        CheckUpstreamEnded();
        return Expect(!tls_ || upstream_->said_close_notify(), "there was no close_notify");
      case CloseReason::kUpstreamTruncated:
        CheckUpstreamEnded();
        return Expect(tls_ && !(upstream_->said_close_notify() && upstream_->has_ended_well()),
                      "there was a close_notify");
      case CloseReason::kClientReset:
        Expect(client_.has_left(), "the client is still there");
        if (upstream_ != nullptr && upstream_->socket().connected() && fate() == Fate::kGood) {
          ExpectToldReset(*upstream_, "the upstream");
        }
        return;
      case CloseReason::kUpstreamReset:
        Expect(upstream_ != nullptr && upstream_->has_left(), "the upstream is still there");
        ExpectClientNotToldCloseNotify();
        return ExpectToldReset(client_, "the client");
      case CloseReason::kIdleTimeout:
        return Expect(upstream_ != nullptr && (Stalls(client_) || Stalls(*upstream_)),
                      "nobody has stalled");
      case CloseReason::kProxyHeaderInvalid:
        return Expect(scenario_.client_header == ClientHeader::kBroken ||
                          (scenario_.client_header == ClientHeader::kGood && client_.has_ended() &&
                           !client_.has_ended_well()),
                      "the PROXY header was good");
      case CloseReason::kProxyHeaderTimeout:
        return Expect(scenario_.client_header == ClientHeader::kBroken ||
                          scenario_.client_header == ClientHeader::kMissing,
                      "the PROXY header came");
      case CloseReason::kClientHandshakeFailed:
        return Expect(client_tls_ && (client_.fate() != Fate::kGood || client_.has_ended()),
                      "the client's handshake could have been done");
      case CloseReason::kClientHandshakeTimeout:
        return Expect(client_tls_ && (client_.fate() == Fate::kSilent ||
                                      client_.fate() == Fate::kStallsMidway || Stalls(client_)),
                      "the client did not keep us waiting");
      case CloseReason::kClientUntrusted:
        return Expect(scenario_.verify_client && (client_.fate() == Fate::kWrongCertificate ||
                                                  client_.fate() == Fate::kNoCertificate),
                      "the client could be trusted");
      case CloseReason::kClientTlsFailed:
        Expect(client_tls_ && (client_.fate() == Fate::kBreaksAfterHandshake ||
                               client_.script().breach != PeerScript::Breach::kNone),
               "the client did not break TLS");
        if (upstream_ == nullptr || fate() != Fate::kGood || !upstream_->socket().connected()) {
          return;
        }
        if (has_relayed() && client_.fate() == Fate::kGood && Takes(*upstream_) &&
            !record_.stopped) {
          Expect(upstream_->num_read() == client_.num_written(),
                 "bytes from before the failure are missing");
        }
        return ExpectToldReset(*upstream_, "the upstream");
      case CloseReason::kNoLiveUpstreams:
        return Expect(scenario_.connections.size() > 1 && scenario_.fates.size() > 1,
                      "there is an upstream");
      case CloseReason::kConnectFailed:
        return Expect(fate() == Fate::kRefuses || fate() == Fate::kUnreachable, "nobody refused");
      case CloseReason::kConnectTimeout:
        return Expect(
            fate() == Fate::kBlackHole || fate() == Fate::kSilent || (tls_ && Stalls(*upstream_)),
            "nobody kept us waiting");
      case CloseReason::kHandshakeFailed:
        return Expect(tls_ && (fate() > Fate::kWrongName || upstream_->has_left()),
                      "the handshake could have been done");
      case CloseReason::kUpstreamUntrusted:
        return Expect(fate() == Fate::kWrongCertificate || fate() == Fate::kWrongName,
                      "the upstream could be trusted");
      case CloseReason::kTlsFailed:
        Expect(tls_ && (fate() != Fate::kGood ||
                        upstream_->script().breach != PeerScript::Breach::kNone),
               "TLS was not broken");
        ExpectClientNotToldCloseNotify();
        // Told to stop, it does not wait until all has been delivered.
        if (fate() == Fate::kGood && Takes(client_) && !record_.stopped) {
          Expect(client_.num_read() == upstream_->num_written(),
                 "bytes from before the failure are missing");
        }
        return ExpectToldReset(client_, "the client");
      case CloseReason::kNoResources:
        return Expect(fate() == Fate::kNoSocket || fate() == Fate::kNoPort, "nothing was missing");
      case CloseReason::kReturned:
        Expect(scenario_.num_returned_bytes > 0, "there is an upstream");
        if (Takes(client_) && !record_.stopped && !client_.socket().reset_by_unread()) {
          Expect(client_.num_read() == scenario_.num_returned_bytes, "not all was returned");
          ExpectToldCloseNotify(client_, "the client");
        }
        return;
      case CloseReason::kShutdown:
        return Expect(record_.stopped, "nobody said stop");
    }
  }

  // Where all mean well, it ends well.
  void CheckLiveness() {
    if (record_.stopped || !WellMeant(client_)) return;
    if (scenario_.num_returned_bytes > 0) {
      return Expect(record_.reason == CloseReason::kReturned, "there was something to return");
    }
    const bool may_retry = scenario_.next_upstream && scenario_.next_upstream_tries == 0 &&
                           scenario_.next_upstream_timeout_ms == 0 &&
                           scenario_.connections.size() == 1;
    const auto is_final = [&](Fate fate) {
      return fate == Fate::kNoSocket || fate == Fate::kNoPort ||
             fate == Fate::kBreaksAfterHandshake ||
             (fate == Fate::kRefusesClient && scenario_.transport == Transport::kTls13);
    };
    const bool has_good = std::find(scenario_.fates.begin(), scenario_.fates.end(), Fate::kGood) !=
                          scenario_.fates.end();
    const bool has_final = std::any_of(scenario_.fates.begin(), scenario_.fates.end(), is_final);
    if (may_retry && has_good && !has_final) {
      Expect(std::any_of(record_.attempts.begin(), record_.attempts.end(),
                         [](const auto& attempt) { return attempt.fate == Fate::kGood; }),
             "the good upstream was not reached");
    }
    if (fate() != Fate::kGood || upstream_ == nullptr || !WellMeant(*upstream_)) return;
    Expect(record_.reason == CloseReason::kClientClosed ||
               record_.reason == CloseReason::kUpstreamClosed ||
               record_.reason == CloseReason::kUpstreamTruncated,
           "all meant well");
    if (!scenario_.half_close) return;
    ExpectComplete(client_, *upstream_, "client to upstream");
    ExpectComplete(*upstream_, client_, "upstream to client");
    Expect(client_.has_ended_well() && upstream_->has_ended_well(), "one was cut off");
    ExpectToldFin(client_, "the client");
    ExpectToldFin(*upstream_, "the upstream");
    ExpectToldCloseNotify(client_, "the client");
    ExpectToldCloseNotify(*upstream_, "the upstream");
  }

  const Scenario& scenario_;
  const Record& record_;
  const SimPeer& client_;
  const SimPeer* const upstream_;
  const bool tls_;
  const bool client_tls_;
  std::string error_;
};

}  // namespace

std::string Judge(const Scenario& scenario, const Record& record) {
  return Judgement(scenario, record).Run();
}

}  // namespace sluice::sim
