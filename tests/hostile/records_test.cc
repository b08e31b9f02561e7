// Records that are none, too long, too short, too many, or not what they say.
#include <openssl/ssl.h>

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

// BoringSSL's kMaxEmptyRecords: so many in a row are let pass.
constexpr int kEmptyRecordsMax = 32;

void SpeakAtAccept(RecordLayer& wire) {
  wire.QueueBytes("220 mail.example ESMTP ready\r\n");
  wire.Flush();
}

void SpeakPlainlyBetweenFlights(RecordLayer& wire) {
  Tls12Server tls(wire);
  if (!tls.ReadClientHello()) return;
  tls.SayFirstFlight();
  wire.Flush();
  tls.ReadClientFlight();
  wire.QueueBytes("* OK IMAP4rev1 ready\r\n");
  wire.Flush();
}

void OneEmptyRecord(RecordLayer& wire) {
  Tls13Server tls(wire);
  if (!tls.ReadClientHello()) return;
  wire.Queue(kHandshake, "");
  tls.SayWholeFlight();
  wire.Flush();
  tls.ReadClientFinished();
  tls.SayData("good");
  tls.Close();
}

void WrongVersionBehindServerHello(RecordLayer& wire) {
  Tls13Server tls(wire);
  if (!tls.ReadClientHello()) return;
  tls.SayServerHello();
  wire.QueueBytes(RecordHeader(kApplicationData, 100, /*version=*/0x0301));
  wire.Flush();
}

void BrokenTagInHandshake(RecordLayer& wire) {
  Tls13Server tls(wire);
  if (!tls.ReadClientHello()) return;
  tls.SayServerHello();
  tls.SayAuthentication();
  std::string flight = wire.TakeQueued();
  flight.back() ^= 1;
  wire.QueueBytes(flight);
  wire.Flush();
}

void ByteByByte13(RecordLayer& wire) {
  Tls13Server tls(wire);
  if (!tls.ReadClientHello()) return;
  tls.SayWholeFlight();
  wire.FlushByteByByte();
  tls.ReadClientFinished();
  tls.SayData(wire.ReadData(kClientBytes.size()));
  wire.FlushByteByByte();
  tls.Close();
}

void ByteByByte12(RecordLayer& wire) {
  Tls12Server tls(wire);
  if (!tls.ReadClientHello()) return;
  tls.SayFirstFlight();
  wire.FlushByteByByte();
  tls.ReadClientFlight();
  tls.SayChangeCipherSpec();
  tls.Say(tls.Finished());
  tls.SayData("good");
  wire.FlushByteByByte();
  tls.Close();
}

// Handshake messages in records of one byte.
void OneByteRecords13(RecordLayer& wire) {
  Tls13Server tls(wire);
  if (!tls.ReadClientHello()) return;
  wire.set_fragment_bytes(1);
  tls.SayWholeFlight();
  wire.Flush();
  tls.ReadClientFinished();
  tls.SayData("good");
  tls.Close();
}

void OneByteRecords12(RecordLayer& wire) {
  Tls12Server tls(wire);
  wire.set_fragment_bytes(1);
  if (!tls.Accept()) return;
  tls.SayData("good");
  tls.Close();
}

std::string Repeat(std::string_view record, int count) {
  std::string records;
  for (int i = 0; i < count; ++i) records += record;
  return records;
}

}  // namespace

std::vector<Misbehaviour> Misbehaviours() {
  return {
      // --- Instead of TLS ---
      {"Garbage", Answer(std::string(64, '\xff')), RefusedAs({SSL_R_WRONG_VERSION_NUMBER})},
      {"HttpText", Answer("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
       RefusedAs({SSL_R_WRONG_VERSION_NUMBER})},
      {"PlaintextAtAccept", SpeakAtAccept, RefusedAs({SSL_R_WRONG_VERSION_NUMBER})},
      {"PlaintextBetweenFlights", SpeakPlainlyBetweenFlights,
       RefusedAs({SSL_R_WRONG_VERSION_NUMBER})},
      {"PlaintextAfterFinished",
       After13([](RecordLayer& wire, Tls13Server&) { wire.QueueBytes("$ login: \r\n"); }),
       BrokenAs({SSL_R_WRONG_VERSION_NUMBER})},
      {"Sslv2ServerHello",
       Answer(std::string("\x80\x0b\x04\x00\x01\x00\x02\x00\x00\x00\x00\x00\x00", 13)),
       RefusedAs({SSL_R_WRONG_VERSION_NUMBER})},

      // --- Headers that lie ---
      {"RecordVersionChanges", WrongVersionBehindServerHello,
       RefusedAs({SSL_R_WRONG_VERSION_NUMBER})},
      {"UnknownContentType", Answer(Record(24, "?")), RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"UnknownInnerContentType",
       After13([](RecordLayer& wire, Tls13Server&) { wire.Queue(99, "?"); }),
       BrokenAs({SSL_R_UNEXPECTED_RECORD})},
      {"NoInnerContentType",
       After13([](RecordLayer& wire, Tls13Server&) { wire.Queue(0, std::string(100, '\0')); }),
       BrokenAs({SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC})},
      {"UnprotectedHandshakeAfterFinished", After13([](RecordLayer& wire, Tls13Server&) {
         wire.QueueBytes(Record(kHandshake, Message(kHelloRequest, "") + std::string(20, '\0')));
       }),
       BrokenAs(Forged())},

      // --- Lengths ---
      {"OneEmptyRecord", OneEmptyRecord, Served("good")},
      {"FloodOfEmptyHandshakeRecords", Answer(Repeat(Record(kHandshake, ""), kEmptyRecordsMax + 1)),
       RefusedAs({SSL_R_TOO_MANY_EMPTY_FRAGMENTS})},
      {"EmptyDataRecords", After13([](RecordLayer&, Tls13Server& tls) {
         for (int i = 0; i < kEmptyRecordsMax; ++i) tls.SayData("");
         tls.SayData("good");
         tls.Close();
       }),
       Served("good")},
      {"FloodOfEmptyDataRecords", After13([](RecordLayer&, Tls13Server& tls) {
         for (int i = 0; i <= kEmptyRecordsMax; ++i) tls.SayData("");
       }),
       BrokenAs({SSL_R_TOO_MANY_EMPTY_FRAGMENTS})},
      {"FloodOfEmptyDataRecords12", After12([](RecordLayer&, Tls12Server& tls) {
         for (int i = 0; i <= kEmptyRecordsMax; ++i) tls.SayData("");
       }),
       BrokenAs({SSL_R_TOO_MANY_EMPTY_FRAGMENTS})},
      {"HandshakeRecordTooLong", Answer(RecordHeader(kHandshake, 0xffff)),
       RefusedAs({SSL_R_ENCRYPTED_LENGTH_TOO_LONG})},
      {"DataRecordTooLong", After13([](RecordLayer&, Tls13Server& tls) {
         tls.SayData("good");
         tls.SayData(std::string(kFragmentBytesMax + 1, 'x'));
       }),
       BrokenAs({SSL_R_DATA_LENGTH_TOO_LONG}, "good")},
      {"DataRecordTooLong12", After12([](RecordLayer&, Tls12Server& tls) {
         tls.SayData("good");
         tls.SayData(std::string(kFragmentBytesMax + 1, 'x'));
       }),
       BrokenAs({SSL_R_DATA_LENGTH_TOO_LONG}, "good")},
      // RFC 5246 6.2.3: 2^14 + 2048 is the most that may stand behind the header.
      {"RecordTooLongForTheWire12", After12([](RecordLayer& wire, Tls12Server&) {
         wire.QueueBytes(RecordHeader(kApplicationData, kFragmentBytesMax + 2048 + 1));
       }),
       BrokenAs({SSL_R_ENCRYPTED_LENGTH_TOO_LONG})},
      // RFC 8446 5.4: padding counts, and may fill the record.
      {"RecordFullOfPadding", After13([](RecordLayer& wire, Tls13Server& tls) {
         wire.QueuePadded(kApplicationData, "good", kFragmentBytesMax - 4);
         tls.Close();
       }),
       Served("good")},
      {"LargestRecords", After13([](RecordLayer&, Tls13Server& tls) {
         tls.SayData(std::string(kFragmentBytesMax, 'x'));
         tls.Close();
       }),
       Served(std::string(kFragmentBytesMax, 'x'))},

      // --- Cut small ---
      {"ByteByByte", ByteByByte13, Served(kClientBytes)},
      {"ByteByByte12", ByteByByte12, Served("good")},
      {"OneByteRecords", OneByteRecords13, Served("good")},
      {"OneByteRecords12", OneByteRecords12, Served("good")},

      // --- Forged ---
      {"BrokenTagInHandshake", BrokenTagInHandshake, RefusedAs(Forged())},
      {"BrokenTagInData", After13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayData("good");
         tls.SayData("bad");
         std::string records = wire.TakeQueued();
         records.back() ^= 1;
         wire.QueueBytes(records);
       }),
       BrokenAs(Forged(), "good")},
      {"BrokenTagInData12", After12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayData("good");
         tls.SayData("bad");
         std::string records = wire.TakeQueued();
         records.back() ^= 1;
         wire.QueueBytes(records);
       }),
       BrokenAs(Forged(), "good")},
      {"ReplayedRecord", After13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayData("good");
         const std::string record = wire.TakeQueued();
         wire.QueueBytes(record + record);
       }),
       BrokenAs(Forged(), "good")},
      {"DroppedRecord", After13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayData("lost");
         wire.TakeQueued();
         tls.SayData("bad");
       }),
       BrokenAs(Forged())},
  };
}

}  // namespace sluice::testing
