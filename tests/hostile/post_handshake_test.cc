// What an upstream that has proved who it is can still do wrong: key updates, tickets, alerts,
// renegotiation, and floods of each.
#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/hostile/misbehaviour.h"
#include "tests/hostile/record_layer.h"
#include "tests/hostile/scripts.h"
#include "tests/hostile/tls12_server.h"
#include "tests/hostile/tls13_server.h"
#include "tests/hostile/wire.h"

namespace sluice::testing {
namespace {

// BoringSSL's kMaxKeyUpdates, kMaxWarningAlerts and kMaxEmptyRecords: so many in a row are let
// pass.
constexpr int kKeyUpdatesMax = 32;
constexpr int kWarningAlertsMax = 4;
constexpr int kEmptyRecordsMax = 32;

// A flood is sent in pieces of about this size.
constexpr int kMessagesPerFlush = 256;

constexpr uint32_t kHourS = 3600;
constexpr uint32_t kWeekS = 7 * 24 * kHourS;

Script KeyUpdates(int count, bool ask_back) {
  return After13([count, ask_back](RecordLayer&, Tls13Server& tls) {
    for (int i = 0; i < count; ++i) tls.SayKeyUpdate(ask_back);
    tls.SayData("good");
    tls.Close();
  });
}

// `count` times a key update and a byte of data.
Script KeyUpdatesWithData(int count, bool ask_back) {
  return After13([count, ask_back](RecordLayer& wire, Tls13Server& tls) {
    for (int i = 0; i < count; ++i) {
      tls.SayKeyUpdate(ask_back);
      tls.SayData("d");
      if (i % kMessagesPerFlush == 0) wire.Flush();
    }
    tls.Close();
  });
}

Script Tickets(int count) {
  return After13([count](RecordLayer& wire, Tls13Server& tls) {
    for (int i = 0; i < count; ++i) {
      wire.QueueMessage(tls.NewSessionTicket(kHourS, absl::StrCat("ticket ", i)));
      if (i % kMessagesPerFlush == 0) wire.Flush();
    }
    tls.SayData("good");
    tls.Close();
  });
}

// A good connection that leaves a ticket.
Script Leave(uint32_t lifetime_s, std::string ticket) {
  return After13([lifetime_s, ticket](RecordLayer& wire, Tls13Server& tls) {
    wire.QueueMessage(tls.NewSessionTicket(lifetime_s, ticket));
    tls.Close();
  });
}

// A good connection of a client that must have come with that ticket, or without any.
Script ExpectTicket(std::string ticket) {
  return [ticket](RecordLayer& wire) {
    Tls13Server tls(wire);
    if (!tls.Accept()) return;
    const ClientHello& hello = tls.client_hello();
    EXPECT_EQ(!ticket.empty(), hello.Has(kPreSharedKey));
    EXPECT_TRUE(ticket.empty() || absl::StrContains(hello.extensions.at(kPreSharedKey), ticket));
    tls.SayData("good");
    tls.Close();
  };
}

// Good data, and behind it this.
Script Data13(Part13 part) {
  return After13([part](RecordLayer& wire, Tls13Server& tls) {
    tls.SayData("good");
    part(wire, tls);
  });
}
Script Data12(Part12 part) {
  return After12([part](RecordLayer& wire, Tls12Server& tls) {
    tls.SayData("good");
    part(wire, tls);
  });
}

// Good data, and behind it a handshake message.
Script SayLate13(std::string message) {
  return Data13([message](RecordLayer& wire, Tls13Server&) { wire.QueueMessage(message); });
}
Script SayLate12(std::string message) {
  return Data12([message](RecordLayer& wire, Tls12Server&) { wire.QueueMessage(message); });
}

Script Alerts13(int count, AlertLevel level, AlertDescription description) {
  return Data13([=](RecordLayer&, Tls13Server& tls) {
    for (int i = 0; i < count; ++i) tls.SayAlert(level, description);
    tls.Close();
  });
}
Script Alerts12(int count, AlertLevel level, AlertDescription description) {
  return Data12([=](RecordLayer&, Tls12Server& tls) {
    for (int i = 0; i < count; ++i) tls.SayAlert(level, description);
    tls.Close();
  });
}

}  // namespace

std::vector<Misbehaviour> Misbehaviours() {
  return {
      // --- Data with the last handshake messages ---
      {"DataWithFinished", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayWholeFlight();
         tls.SayData("early, ");
         EndWell(wire, tls);
       }),
       Served("early, good")},
      {"DataWithFinished12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayFirstFlight();
         wire.Flush();
         if (!tls.ReadClientFlight()) return;
         tls.SayChangeCipherSpec();
         tls.Say(tls.Finished());
         tls.SayData("early");
         tls.Close();
       }),
       Served("early")},
      // All that it has to say, before it knows whether the client agrees.
      {"EverythingWithFinished", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayWholeFlight();
         tls.SayData("good");
         tls.Close();
       }),
       Served("good")},
      {"GarbageWithFinished", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayWholeFlight();
         tls.SayData("good");
         wire.QueueBytes(std::string(64, '\xff'));
       }),
       BrokenAs({SSL_R_WRONG_VERSION_NUMBER}, "good")},
      {"FatalAlertWithFinished", During13([](RecordLayer&, Tls13Server& tls) {
         tls.SayWholeFlight();
         tls.SayAlert(kFatal, kInternalError);
       }),
       BrokenAs({AlertReceived(kInternalError)})},
      {"EndWithFinished", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayWholeFlight();
         wire.Finish();
       }),
       Truncated("")},
      {"DataWithTicket", After13([](RecordLayer& wire, Tls13Server& tls) {
         wire.QueueMessage(tls.NewSessionTicket(kHourS, "ticket"));
         tls.SayData("good");
         tls.Close();
       }),
       Served("good")},

      // --- Key updates ---
      {"KeyUpdates", KeyUpdates(kKeyUpdatesMax, false), Served("good")},
      {"KeyUpdatesThatAskBack", KeyUpdates(kKeyUpdatesMax, true), Served("good")},
      {"FloodOfKeyUpdates", KeyUpdates(kKeyUpdatesMax + 1, false),
       BrokenAs({SSL_R_TOO_MANY_KEY_UPDATES})},
      {"FloodOfKeyUpdatesThatAskBack", KeyUpdates(kKeyUpdatesMax + 1, true),
       BrokenAs({SSL_R_TOO_MANY_KEY_UPDATES})},
      {.name = "TenThousandKeyUpdatesWithData",
       .script = KeyUpdatesWithData(10'000, false),
       .ending = Served(std::string(10'000, 'd')),
       .cpu_s_max = 1},
      {.name = "TenThousandKeyUpdatesWithDataThatAskBack",
       .script = KeyUpdatesWithData(10'000, true),
       .ending = Served(std::string(10'000, 'd')),
       .cpu_s_max = 1},
      {"KeyUpdateOfNoKind", SayLate13(Message(kKeyUpdate, U8(2))),
       BrokenAs({SSL_R_DECODE_ERROR}, "good")},
      {"MoreBehindKeyUpdate", Data13([](RecordLayer& wire, Tls13Server& tls) {
         wire.Queue(kHandshake, tls.KeyUpdate(false) + tls.KeyUpdate(false));
       }),
       BrokenAs({SSL_R_EXCESS_HANDSHAKE_DATA}, "good")},
      {"KeyUpdateThatIsNotDone", Data13([](RecordLayer& wire, Tls13Server& tls) {
         wire.QueueMessage(tls.KeyUpdate(false));
         tls.SayData("sealed with the old key");
       }),
       BrokenAs(Forged(), "good")},

      // --- Tickets ---
      {.name = "HundredThousandTickets",
       .script = Tickets(100'000),
       .ending = Served("good"),
       .cpu_s_max = 3},
      {"TicketThatIsTooOldAtOnce", ExpectTicket(""), Served("good"), Leave(0, "stale")},
      // RFC 8446 4.6.1: no more than a week, whatever the server says.
      {"TicketForTooLong", ExpectTicket("long-lived"), Served("good"),
       Leave(4 * kWeekS, "long-lived")},
      {"LargeTicket", ExpectTicket(std::string(15'000, 'T')), Served("good"),
       Leave(kHourS, std::string(15'000, 'T'))},
      {"HugeTicket", Data13([](RecordLayer& wire, Tls13Server& tls) {
         wire.QueueMessage(tls.NewSessionTicket(kHourS, std::string(65535, 'T')));
       }),
       BrokenAs({SSL_R_EXCESSIVE_MESSAGE_SIZE}, "good")},
      // RFC 8446 4.6.1: a ticket has a byte at least, or it cannot be offered.
      {"EmptyTicket", ExpectTicket(""), Served("good"), Leave(kHourS, "")},
      {"TicketCutShort", SayLate13(Message(kNewSessionTicket, U32(kHourS))),
       BrokenAs({SSL_R_DECODE_ERROR}, "good")},
      {"DataInsideATicket", Data13([](RecordLayer& wire, Tls13Server& tls) {
         const std::string ticket = tls.NewSessionTicket(kHourS, "ticket");
         wire.Queue(kHandshake, ticket.substr(0, 10));
         tls.SayData("in between");
         wire.Queue(kHandshake, ticket.substr(10));
       }),
       BrokenAs({SSL_R_UNEXPECTED_RECORD}, "good")},

      // --- Alerts ---
      {"UserCanceled", Alerts13(kWarningAlertsMax, kWarning, kUserCanceled), Served("good")},
      {"FloodOfUserCanceled", Alerts13(kWarningAlertsMax + 1, kWarning, kUserCanceled),
       BrokenAs({SSL_R_TOO_MANY_WARNING_ALERTS}, "good")},
      // RFC 8446 6: there are no warnings but these any more.
      {"Warning", Alerts13(1, kWarning, kUnrecognizedName), BrokenAs({SSL_R_BAD_ALERT}, "good")},
      {"Warnings12", Alerts12(kWarningAlertsMax, kWarning, kUnrecognizedName), Served("good")},
      {"FloodOfWarnings12", Alerts12(kWarningAlertsMax + 1, kWarning, kUnrecognizedName),
       BrokenAs({SSL_R_TOO_MANY_WARNING_ALERTS}, "good")},
      {"FatalAlert", Alerts13(1, kFatal, kInternalError),
       BrokenAs({AlertReceived(kInternalError)}, "good")},
      {"FatalAlert12", Alerts12(1, kFatal, kInternalError),
       BrokenAs({AlertReceived(kInternalError)}, "good")},
      {"AlertOfNoLevel", Data13([](RecordLayer& wire, Tls13Server&) {
         wire.Queue(kAlert, U8(3) + U8(kInternalError));
       }),
       BrokenAs({SSL_R_UNKNOWN_ALERT_TYPE}, "good")},
      {"AlertCutShort",
       Data13([](RecordLayer& wire, Tls13Server&) { wire.Queue(kAlert, U8(kFatal)); }),
       BrokenAs({SSL_R_BAD_ALERT}, "good")},
      {"UnprotectedAlert", Data13([](RecordLayer& wire, Tls13Server&) {
         wire.QueueBytes(Record(kAlert, AlertBody(kWarning, kCloseNotify)));
       }),
       BrokenAs({SSL_R_BAD_PACKET_LENGTH, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC}, "good")},
      {"DataBehindCloseNotify", Data13([](RecordLayer&, Tls13Server& tls) {
         tls.SayAlert(kWarning, kCloseNotify);
         tls.SayData("not any more");
       }),
       Served("good")},
      {"DataBehindCloseNotify12", Data12([](RecordLayer&, Tls12Server& tls) {
         tls.SayAlert(kWarning, kCloseNotify);
         tls.SayData("not any more");
       }),
       Served("good")},

      // --- Alerts in the handshake ---
      {"HandshakeFailure", Answer(Record(kAlert, AlertBody(kFatal, kHandshakeFailure))),
       RefusedAs({AlertReceived(kHandshakeFailure), SSL_R_HANDSHAKE_FAILURE_ON_CLIENT_HELLO})},
      {"CloseNotifyInHandshake", Answer(Record(kAlert, AlertBody(kWarning, kCloseNotify))),
       RefusedBecause("peer closed connection in SSL handshake")},
      {"WarningInHandshake", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayAlert(kWarning, kUnrecognizedName);
         tls.SayFirstFlight();
         wire.Flush();
         if (!tls.ReadClientFlight()) return;
         tls.SayChangeCipherSpec();
         tls.Say(tls.Finished());
         tls.SayData("good");
         tls.Close();
       }),
       Served("good")},
      {"FloodOfWarningsInHandshake", During12([](RecordLayer& wire, Tls12Server& tls) {
         for (int i = 0; i <= kWarningAlertsMax; ++i) tls.SayAlert(kWarning, kUnrecognizedName);
       }),
       RefusedAs({SSL_R_TOO_MANY_WARNING_ALERTS})},

      // --- Another handshake ---
      {"Renegotiation12", SayLate12(Message(kHelloRequest, "")),
       BrokenAs({SSL_R_NO_RENEGOTIATION}, "good")},
      {"LateServerHello12",
       Data12([](RecordLayer& wire, Tls12Server& tls) { wire.QueueMessage(tls.ServerHello()); }),
       BrokenAs({SSL_R_BAD_HELLO_REQUEST}, "good")},
      {"LateHelloRequest", SayLate13(Message(kHelloRequest, "")),
       BrokenAs({SSL_R_UNEXPECTED_MESSAGE}, "good")},
      {"LateCertificateRequest", Data13([](RecordLayer& wire, Tls13Server& tls) {
         wire.QueueMessage(tls.CertificateRequestFor(""));
       }),
       BrokenAs({SSL_R_UNEXPECTED_MESSAGE}, "good")},
      {"FinishedTwice",
       Data13([](RecordLayer& wire, Tls13Server& tls) { wire.QueueMessage(tls.Finished()); }),
       BrokenAs({SSL_R_UNEXPECTED_MESSAGE}, "good")},
      {"LateChangeCipherSpec", Data13([](RecordLayer& wire, Tls13Server&) {
         wire.QueueBytes(Record(kChangeCipherSpec, U8(1)));
       }),
       BrokenAs({SSL_R_BAD_PACKET_LENGTH, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC}, "good")},
      {"LateChangeCipherSpec12",
       Data12([](RecordLayer& wire, Tls12Server&) { wire.Queue(kChangeCipherSpec, U8(1)); }),
       BrokenAs({SSL_R_UNEXPECTED_RECORD}, "good")},
      {"FloodOfEmptyHandshakeRecords12", Data12([](RecordLayer& wire, Tls12Server&) {
         for (int i = 0; i <= kEmptyRecordsMax; ++i) wire.Queue(kHandshake, "");
       }),
       BrokenAs({SSL_R_TOO_MANY_EMPTY_FRAGMENTS}, "good")},
  };
}

}  // namespace sluice::testing
