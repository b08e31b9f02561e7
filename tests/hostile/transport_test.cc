// Streams that stand still, break off, or end, at every stage of TLS.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/hostile/misbehaviour.h"
#include "tests/hostile/record_layer.h"
#include "tests/hostile/scripts.h"
#include "tests/hostile/tls12_server.h"
#include "tests/hostile/tls13_server.h"
#include "tests/hostile/wire.h"

namespace sluice::testing {
namespace {

// All that an upstream does up to a stage.
Script AtAccept() {
  return [](RecordLayer&) {};
}
Script BehindClientHello() {
  return [](RecordLayer& wire) { wire.ReadMessage(); };
}
Script InRecordHeader() { return Answer("\x16\x03"); }
Script InServerHello() {
  return During13([](RecordLayer& wire, Tls13Server& tls) {
    tls.SayServerHello();
    wire.QueueBytes(wire.TakeQueued().substr(0, 40));
  });
}
Script BehindServerHello() {
  return During13([](RecordLayer&, Tls13Server& tls) { tls.SayServerHello(); });
}
Script BehindExtensions() {
  return During13([](RecordLayer&, Tls13Server& tls) {
    tls.SayServerHello();
    tls.Say(tls.EncryptedExtensions());
  });
}
Script BehindCertificate() {
  return During13([](RecordLayer&, Tls13Server& tls) {
    tls.SayServerHello();
    tls.Say(tls.EncryptedExtensions());
    tls.Say(tls.Certificate());
  });
}
Script BehindCertificateVerify() {
  return During13([](RecordLayer&, Tls13Server& tls) {
    tls.SayServerHello();
    tls.SayAuthentication();
  });
}
Script InFinished() {
  return During13([](RecordLayer& wire, Tls13Server& tls) {
    tls.SayWholeFlight();
    std::string flight = wire.TakeQueued();
    flight.pop_back();
    wire.QueueBytes(flight);
  });
}
Script BehindServerHello12() {
  return During12([](RecordLayer&, Tls12Server& tls) { tls.Say(tls.ServerHello()); });
}
Script BehindKeyExchange12() {
  return During12([](RecordLayer&, Tls12Server& tls) {
    tls.Say(tls.ServerHello());
    tls.Say(tls.Certificate());
    tls.Say(tls.ServerKeyExchange());
  });
}
Script BehindFirstFlight12() {
  return During12([](RecordLayer& wire, Tls12Server& tls) {
    tls.SayFirstFlight();
    wire.Flush();
    tls.ReadClientFlight();
  });
}
Script BehindChangeCipherSpec12() {
  return During12([](RecordLayer& wire, Tls12Server& tls) {
    tls.SayFirstFlight();
    wire.Flush();
    if (tls.ReadClientFlight()) tls.SayChangeCipherSpec();
  });
}
Script BehindFinished() {
  return After13([](RecordLayer& wire, Tls13Server& tls) {
    tls.SayData("good");
    wire.Flush();
    wire.ReadData(kClientBytes.size());
  });
}
Script BehindFinished12() {
  return After12([](RecordLayer& wire, Tls12Server& tls) {
    tls.SayData("good");
    wire.Flush();
    wire.ReadData(kClientBytes.size());
  });
}
Script InDataRecord() {
  return After13([](RecordLayer& wire, Tls13Server& tls) {
    tls.SayData("good");
    const std::string good = wire.TakeQueued();
    tls.SayData("cut short");
    std::string cut = wire.TakeQueued();
    cut.pop_back();
    wire.QueueBytes(good + cut);
    wire.Flush();
    wire.ReadData(kClientBytes.size());
  });
}

// Stands still there.
Misbehaviour Stalled(const char* name, Script stage) {
  return {.name = name,
          .script = std::move(stage),
          .ending = RefusedBecause("upstream timed out (110: Connection timed out)"),
          .settings = kShortConnectTimeout};
}

Script EndBehind(Script stage) {
  return [stage = std::move(stage)](RecordLayer& wire) {
    stage(wire);
    wire.Finish();
  };
}
Script ResetBehind(Script stage) {
  return [stage = std::move(stage)](RecordLayer& wire) {
    stage(wire);
    wire.Reset();
  };
}

// Ends there with FIN.
Misbehaviour Ended(const char* name, Script stage) {
  return {name, EndBehind(std::move(stage)),
          RefusedBecause("peer closed connection in SSL handshake")};
}

// Ends there with RST.
Misbehaviour Broken(const char* name, Script stage) {
  return {
      name, ResetBehind(std::move(stage)),
      RefusedBecause("peer closed connection in SSL handshake (104: Connection reset by peer)")};
}

// A ServerHello of which a byte comes now and then, as long as sluice listens.
void Drip(RecordLayer& wire) {
  constexpr int kPauseMs = 20;
  Tls13Server tls(wire);
  if (!tls.ReadClientHello()) return;
  tls.SayServerHello();
  for (const char byte : wire.TakeQueued()) {
    wire.QueueBytes({&byte, 1});
    wire.Flush();
    if (wire.WaitForInput(kPauseMs)) return;
  }
}

// With proxy_ssl_strict_close the client is told.
Ending TruncatedAndReset(std::string_view received) {
  Ending ending = Truncated(received);
  ending.client_end = End::kReset;
  return ending;
}

// A reset behind good data is passed on as one.
Ending ResetPassedOn() {
  return {.log =
              "recv() failed (104: Connection reset by peer) while proxying and reading from "
              "upstream",
          .received = "good",
          .client_end = End::kReset};
}

}  // namespace

std::vector<Misbehaviour> Misbehaviours() {
  return {
      Stalled("SilentAtAccept", AtAccept()),
      Stalled("SilentBehindClientHello", BehindClientHello()),
      Stalled("SilentInRecordHeader", InRecordHeader()),
      Stalled("SilentInServerHello", InServerHello()),
      Stalled("SilentBehindServerHello", BehindServerHello()),
      Stalled("SilentBehindExtensions", BehindExtensions()),
      Stalled("SilentBehindCertificate", BehindCertificate()),
      Stalled("SilentBehindCertificateVerify", BehindCertificateVerify()),
      Stalled("SilentInFinished", InFinished()),
      Stalled("SilentBehindServerHello12", BehindServerHello12()),
      Stalled("SilentBehindKeyExchange12", BehindKeyExchange12()),
      Stalled("SilentBehindFirstFlight12", BehindFirstFlight12()),
      Stalled("SilentBehindChangeCipherSpec12", BehindChangeCipherSpec12()),
      Stalled("Dripping", Drip),

      Ended("EndAtAccept", AtAccept()),
      Ended("EndBehindClientHello", BehindClientHello()),
      Ended("EndInRecordHeader", InRecordHeader()),
      Ended("EndInServerHello", InServerHello()),
      Ended("EndBehindServerHello", BehindServerHello()),
      Ended("EndBehindExtensions", BehindExtensions()),
      Ended("EndBehindCertificate", BehindCertificate()),
      Ended("EndBehindCertificateVerify", BehindCertificateVerify()),
      Ended("EndInFinished", InFinished()),
      Ended("EndBehindServerHello12", BehindServerHello12()),
      Ended("EndBehindKeyExchange12", BehindKeyExchange12()),
      Ended("EndBehindFirstFlight12", BehindFirstFlight12()),
      Ended("EndBehindChangeCipherSpec12", BehindChangeCipherSpec12()),

      Broken("ResetBehindClientHello", BehindClientHello()),
      Broken("ResetInServerHello", InServerHello()),
      Broken("ResetBehindServerHello", BehindServerHello()),
      Broken("ResetBehindCertificate", BehindCertificate()),
      Broken("ResetBehindCertificateVerify", BehindCertificateVerify()),
      Broken("ResetInFinished", InFinished()),
      Broken("ResetBehindServerHello12", BehindServerHello12()),
      Broken("ResetBehindFirstFlight12", BehindFirstFlight12()),
      Broken("ResetBehindChangeCipherSpec12", BehindChangeCipherSpec12()),

      {"EndWithoutCloseNotify", EndBehind(BehindFinished()), Truncated("good")},
      {"EndWithoutCloseNotify12", EndBehind(BehindFinished12()), Truncated("good")},
      {"EndInDataRecord", EndBehind(InDataRecord()), Truncated("good")},
      {.name = "EndWithoutCloseNotifyStrict",
       .script = EndBehind(BehindFinished()),
       .ending = TruncatedAndReset("good"),
       .settings = "proxy_ssl_strict_close on;"},
      {.name = "EndInDataRecordStrict",
       .script = EndBehind(InDataRecord()),
       .ending = TruncatedAndReset("good"),
       .settings = "proxy_ssl_strict_close on;"},
      {"ResetBehindData", ResetBehind(BehindFinished()), ResetPassedOn()},
      {"ResetBehindData12", ResetBehind(BehindFinished12()), ResetPassedOn()},
  };
}

}  // namespace sluice::testing
