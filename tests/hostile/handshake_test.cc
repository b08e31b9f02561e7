// Handshake messages that are wrong, missing, too many, too large, or that nobody asked for.
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/hostile/identity.h"
#include "tests/hostile/misbehaviour.h"
#include "tests/hostile/record_layer.h"
#include "tests/hostile/scripts.h"
#include "tests/hostile/tls12_server.h"
#include "tests/hostile/tls13_server.h"
#include "tests/hostile/wire.h"

namespace sluice::testing {
namespace {

// Names that sluice never offers. RFC 7748 with RFC 8446 4.2.7; RFC 8446 B.4; RFC 5246 A.5; and one
// that nobody has given a meaning.
constexpr uint16_t kX448 = 30;
constexpr uint16_t kTlsAes128CcmSha256 = 0x1304;
constexpr uint16_t kTlsAes256GcmSha384 = 0x1302;
constexpr uint16_t kNullWithNullNull = 0x0000;
constexpr uint16_t kRsaWithNullSha256 = 0x003b;
constexpr uint16_t kRsaWith3desEdeCbcSha = 0x000a;
constexpr uint16_t kUnknownExtension = 0xfafb;

// BoringSSL's max_cert_list: the longest handshake message.
constexpr size_t kMessageBytesMax = 100 * 1024;

Errors Unexpected(HandshakeType got, HandshakeType wanted) {
  return {{SSL_R_UNEXPECTED_MESSAGE, absl::StrCat("got type ", got, ", wanted type ", wanted)}};
}
Errors Unsolicited(std::string_view extension) {
  return {{SSL_R_UNEXPECTED_EXTENSION, absl::StrCat("extension ", extension)}, SSL_R_PARSE_TLSEXT};
}
Errors BadSignature() {
  return {ERR_PACK(ERR_LIB_ECDSA, ECDSA_R_BAD_SIGNATURE), SSL_R_BAD_SIGNATURE};
}

// Wrong answers to the ClientHello, one field each.
Script Hello13(Tls13Server::HelloOptions options) {
  return During13(
      [options](RecordLayer& wire, Tls13Server& tls) { tls.Say(tls.ServerHello(options)); });
}
Script Hello12(Tls12Server::HelloOptions options) {
  return During12(
      [options](RecordLayer& wire, Tls12Server& tls) { tls.Say(tls.ServerHello(options)); });
}

// RFC 8446 4.1.3: the end of the random of a server that could have done better.
std::string DowngradedRandom(uint8_t last) {
  return absl::StrCat(std::string(24, 'r'), "DOWNGRD", U8(last));
}

std::string Cookie(std::string_view cookie = "oatmeal raisin") {
  return Extension(kCookie, Vector16(cookie));
}

std::string ProtocolName(std::string_view name) {
  return Extension(kAlpn, Vector16(Vector8(name)));
}

// `message` with its last byte changed.
std::string Spoiled(std::string message) {
  message.back() ^= 1;
  return message;
}

// EncryptedExtensions with this.
Script Extensions13(std::string extensions) {
  return During13([extensions](RecordLayer&, Tls13Server& tls) {
    tls.SayServerHello();
    tls.Say(tls.EncryptedExtensions(extensions));
  });
}

// An encrypted flight of single messages in place of EncryptedExtensions to Finished.
Script Flight13(std::vector<std::string (*)(const Tls13Server&)> messages) {
  return During13([messages](RecordLayer&, Tls13Server& tls) {
    tls.SayServerHello();
    for (const auto& message : messages) tls.Say(message(tls));
  });
}
// A first flight of single messages.
Script Flight12(std::vector<std::string (*)(const Tls12Server&)> messages) {
  return During12([messages](RecordLayer&, Tls12Server& tls) {
    for (const auto& message : messages) tls.Say(message(tls));
  });
}

// Single messages, for the flights.
std::string Extensions(const Tls13Server& tls) { return tls.EncryptedExtensions(); }
std::string Request(const Tls13Server& tls) { return tls.CertificateRequestFor(""); }
std::string Chain(const Tls13Server& tls) { return tls.Certificate(); }
std::string EmptyChain(const Tls13Server& tls) { return tls.Certificate(""); }
std::string HugeChain(const Tls13Server& tls) {
  // Its length alone is reason enough; the rest is never looked at.
  return tls.Certificate(std::string(kMessageBytesMax - 4 + 1, 'c'));
}
std::string Proof(const Tls13Server& tls) { return tls.CertificateVerify(); }
std::string WrongProof(const Tls13Server& tls) { return Spoiled(tls.CertificateVerify()); }
std::string Done(const Tls13Server& tls) { return tls.Finished(); }
std::string WrongDone(const Tls13Server& tls) { return Spoiled(tls.Finished()); }
std::string SecondHello(const Tls13Server& tls) { return tls.ServerHello(); }
std::string Ticket(const Tls13Server& tls) { return tls.NewSessionTicket(3600, "early"); }
std::string Update(const Tls13Server& tls) { return tls.KeyUpdate(false); }
std::string Compressed(const Tls13Server& tls) {
  constexpr uint16_t kZlib = 1;
  return Message(kCompressedCertificate, U16(kZlib) + U24(100) + Vector24("compressed"));
}

std::string Hello(const Tls12Server& tls) { return tls.ServerHello(); }
std::string Chain(const Tls12Server& tls) { return tls.Certificate(); }
std::string EmptyChain(const Tls12Server& tls) { return tls.Certificate(""); }
std::string HugeChain(const Tls12Server& tls) {
  return tls.Certificate(std::string(kMessageBytesMax - 3 + 1, 'c'));
}
std::string Exchange(const Tls12Server& tls) { return tls.ServerKeyExchange(); }
std::string ForeignExchange(const Tls12Server& tls) { return tls.ServerKeyExchange(kX448); }
std::string WrongExchange(const Tls12Server& tls) { return Spoiled(tls.ServerKeyExchange()); }
std::string Done(const Tls12Server& tls) { return tls.ServerHelloDone(); }

// A good handshake, and a ticket to come back with.
void GiveTicket(RecordLayer& wire) {
  Tls13Server tls(wire);
  if (!tls.Accept()) return;
  wire.QueueMessage(tls.NewSessionTicket(3600, "ticket"));
  tls.Close();
}

std::string ChosenTicket(uint16_t index) { return Extension(kPreSharedKey, U16(index)); }

void AskForCertificate(RecordLayer& wire, Tls13Server& tls, std::string_view extensions) {
  tls.SayServerHello();
  tls.Say(tls.EncryptedExtensions());
  tls.Say(tls.CertificateRequestFor(extensions));
  tls.Say(tls.Certificate());
  tls.Say(tls.CertificateVerify());
  tls.SayFinished();
  EndWell(wire, tls, /*asked=*/true);
}

void AskForCertificate(RecordLayer& wire, Tls12Server& tls, std::string_view names) {
  tls.Say(tls.ServerHello());
  tls.Say(tls.Certificate());
  tls.Say(tls.ServerKeyExchange());
  tls.Say(tls.CertificateRequest(names));
  tls.Say(tls.ServerHelloDone());
  wire.Flush();
  if (!tls.ReadClientFlight(/*asked=*/true)) return;
  tls.SayChangeCipherSpec();
  tls.Say(tls.Finished());
  tls.SayData("good");
  tls.Close();
}

// Names of CAs: the shortest DER that is a name.
std::string Names(int count) {
  std::string names;
  for (int i = 0; i < count; ++i) names += Vector16(std::string("\x30\x02\x31\x00", 4));
  return names;
}

std::string Repeat(std::string_view bytes, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated += bytes;
  return repeated;
}

}  // namespace

std::vector<Misbehaviour> Misbehaviours() {
  return {
      // --- HelloRetryRequest ---
      {"RetryWithCookie", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayHelloRetryRequest(Cookie());
         wire.Flush();
         if (!tls.ReadClientHello()) return;
         tls.SayWholeFlight();
         EndWell(wire, tls);
       }),
       Served("good")},
      // The client sends it back, in a ClientHello of several records.
      {"RetryWithLargeCookie", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayHelloRetryRequest(Cookie(std::string(60'000, 'c')));
         wire.Flush();
         if (!tls.ReadClientHello()) return;
         tls.SayWholeFlight();
         EndWell(wire, tls);
       }),
       Served("good")},
      // With it, the extensions of a ClientHello would be more than the 65535 bytes there can be.
      {"RetryWithHugeCookie", During13([](RecordLayer&, Tls13Server& tls) {
         tls.SayHelloRetryRequest(Cookie(std::string(65'500, 'c')));
       }),
       RefusedAs({ERR_PACK(ERR_LIB_CRYPTO, ERR_R_OVERFLOW)})},
      {"RetryTwice", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayHelloRetryRequest(Cookie());
         wire.Flush();
         if (!tls.ReadClientHello()) return;
         tls.Say(tls.HelloRetryRequest(Cookie()));
       }),
       RefusedAs({SSL_R_UNEXPECTED_MESSAGE})},
      {"RetryForNothing",
       During13([](RecordLayer&, Tls13Server& tls) { tls.SayHelloRetryRequest(""); }),
       RefusedAs({SSL_R_EMPTY_HELLO_RETRY_REQUEST})},
      {"RetryForTheGroupThatWasOffered", During13([](RecordLayer&, Tls13Server& tls) {
         tls.SayHelloRetryRequest(Extension(kKeyShare, U16(kX25519)));
       }),
       RefusedAs({SSL_R_WRONG_CURVE})},
      {"RetryForAForeignGroup", During13([](RecordLayer&, Tls13Server& tls) {
         tls.SayHelloRetryRequest(Extension(kKeyShare, U16(kX448)));
       }),
       RefusedAs({SSL_R_WRONG_CURVE})},

      // --- ServerHello ---
      {"Sslv3ServerHello", Hello12({.version = 0x0300}), RefusedAs({SSL_R_UNSUPPORTED_PROTOCOL})},
      {"Tls11", Hello12({.version = 0x0302}), RefusedAs({SSL_R_UNSUPPORTED_PROTOCOL})},
      {"UnknownVersion", Hello13({.version = 0x0305}), RefusedAs({SSL_R_UNSUPPORTED_PROTOCOL})},
      {"DowngradeTo12", Hello12({.random = DowngradedRandom(1)}),
       RefusedAs({SSL_R_TLS13_DOWNGRADE})},
      {"DowngradeTo11", Hello12({.random = DowngradedRandom(0)}),
       RefusedAs({SSL_R_TLS13_DOWNGRADE})},
      {"WrongLegacyVersion", Hello13({.legacy_version = kTls13}), RefusedAs({SSL_R_DECODE_ERROR})},
      {"WrongSessionIdEcho", Hello13({.session_id = std::string(32, 's')}),
       RefusedAs({SSL_R_DECODE_ERROR})},
      {"SessionIdEcho12", During12([](RecordLayer&, Tls12Server& tls) {
         tls.Say(tls.ServerHello({.session_id = tls.client_hello().session_id}));
       }),
       RefusedAs({SSL_R_SERVER_ECHOED_INVALID_SESSION_ID})},
      {"CipherThatWasNotOffered", Hello13({.cipher = kTlsAes128CcmSha256}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"CipherOf12In13", Hello13({.cipher = kEcdheEcdsaAes128GcmSha256}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"CipherOf13In12", Hello12({.cipher = kTlsAes128GcmSha256}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"NullCipher13", Hello13({.cipher = kNullWithNullNull}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"NullCipher12", Hello12({.cipher = kNullWithNullNull}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"NullEncryption12", Hello12({.cipher = kRsaWithNullSha256}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"TripleDes12", Hello12({.cipher = kRsaWith3desEdeCbcSha}),
       RefusedAs({SSL_R_WRONG_CIPHER_RETURNED})},
      {"Compression12", Hello12({.compression = 1}),
       RefusedAs({SSL_R_UNSUPPORTED_COMPRESSION_ALGORITHM})},
      {"Compression13", Hello13({.compression = 1}), RefusedAs({SSL_R_DECODE_ERROR})},
      {"NoKeyShare", Hello13({.has_key_share = false}), RefusedAs({SSL_R_MISSING_KEY_SHARE})},
      {"KeyShareOfAnotherGroup", Hello13({.group = kSecp256r1}), RefusedAs({SSL_R_WRONG_CURVE})},
      {"KeyShareTooShort", Hello13({.key_share = std::string(31, 'k')}),
       RefusedAs({SSL_R_BAD_ECPOINT})},
      {"KeyShareOfSmallOrder", Hello13({.key_share = std::string(32, '\0')}),
       RefusedAs({SSL_R_BAD_ECPOINT})},
      {"ServerHelloTooLong", During13([](RecordLayer&, Tls13Server& tls) {
         std::string message = tls.ServerHello();
         tls.Say(Message(kServerHello, message.substr(4) + "more"));
       }),
       RefusedAs({SSL_R_DECODE_ERROR})},
      {"ServerHelloCutShort", During13([](RecordLayer&, Tls13Server& tls) {
         tls.Say(Message(kServerHello, tls.ServerHello().substr(4, 20)));
       }),
       RefusedAs({SSL_R_DECODE_ERROR})},
      {"ClientHelloSentBack", During13([](RecordLayer& wire, Tls13Server& tls) {
         wire.QueueMessage(tls.client_hello().message);
       }),
       RefusedAs({SSL_R_UNEXPECTED_MESSAGE})},
      {"MoreBehindServerHello", During13([](RecordLayer& wire, Tls13Server& tls) {
         wire.Queue(kHandshake, tls.ServerHello() + tls.EncryptedExtensions());
       }),
       RefusedAs({SSL_R_EXCESS_HANDSHAKE_DATA})},
      {"EndlessMessage", Answer(Record(kHandshake, absl::StrCat(U8(kServerHello), U24(0xffffff)))),
       RefusedAs({SSL_R_EXCESSIVE_MESSAGE_SIZE})},

      // --- Extensions that nobody asked for ---
      {"UnsolicitedExtensionInServerHello",
       Hello13({.more_extensions = Extension(kUnknownExtension, "")}),
       RefusedAs({SSL_R_UNEXPECTED_EXTENSION})},
      {"UnsolicitedAlpn", Extensions13(ProtocolName("h2")), RefusedAs(Unsolicited(":16"))},
      {"UnsolicitedAlpn12", Hello12({.more_extensions = ProtocolName("h2")}),
       RefusedAs(Unsolicited(":16"))},
      {"UnsolicitedEarlyData", Extensions13(Extension(kEarlyData, "")),
       RefusedAs(Unsolicited(":42"))},
      {"UnknownExtension", Extensions13(Extension(kUnknownExtension, "?")),
       RefusedAs(Unsolicited("64251"))},
      {"ExtensionTwice", Extensions13(Repeat(Extension(kUnknownExtension, "?"), 2)),
       RefusedAs({SSL_R_PARSE_TLSEXT})},
      {"TicketThatWasNotOffered", Hello13({.more_extensions = ChosenTicket(0)}),
       RefusedAs({SSL_R_UNEXPECTED_EXTENSION})},
      {"TicketWithAnotherHash",
       Hello13({.cipher = kTlsAes256GcmSha384, .more_extensions = ChosenTicket(0)}),
       RefusedAs({SSL_R_OLD_SESSION_PRF_HASH_MISMATCH}), GiveTicket},
      {"SecondOfOneTicket", Hello13({.more_extensions = ChosenTicket(1)}),
       RefusedAs({SSL_R_PSK_IDENTITY_NOT_FOUND}), GiveTicket},
      // The client goes on with keys of the ticket's secret, which this server does not have.
      {"TicketWithoutItsSecret", During13([](RecordLayer&, Tls13Server& tls) {
         tls.SayServerHello({.more_extensions = ChosenTicket(0)});
         tls.Say(tls.EncryptedExtensions());
         tls.SayFinished();
       }),
       RefusedAs(Forged()), GiveTicket},

      // --- Certificates and proofs ---
      {"NoExtensions", Flight13({Chain}),
       RefusedAs(Unexpected(kCertificate, kEncryptedExtensions))},
      {"NoCertificate", Flight13({Extensions, Proof}),
       RefusedAs(Unexpected(kCertificateVerify, kCertificate))},
      {"NoAuthentication", Flight13({Extensions, Done}),
       RefusedAs(Unexpected(kFinished, kCertificate))},
      {"NoProof", Flight13({Extensions, Chain, Done}),
       RefusedAs(Unexpected(kFinished, kCertificateVerify))},
      {"WrongProof", Flight13({Extensions, Chain, WrongProof}), RefusedAs(BadSignature())},
      {"EmptyChain", Flight13({Extensions, EmptyChain}),
       RefusedAs({SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE})},
      {"HugeChain", Flight13({Extensions, HugeChain}), RefusedAs({SSL_R_EXCESSIVE_MESSAGE_SIZE})},
      {"LongChain", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayServerHello();
         tls.Say(tls.EncryptedExtensions());
         // The server's own, and many that lead nowhere.
         tls.Say(tls.Certificate(Repeat(Vector24(ServerCertificate()) + Vector16(""), 150)));
         tls.Say(tls.CertificateVerify());
         tls.SayFinished();
         EndWell(wire, tls);
       }),
       Served("good")},
      {"CertificateTwice", Flight13({Extensions, Chain, Chain}),
       RefusedAs(Unexpected(kCertificate, kCertificateVerify))},
      {"CertificateRequestTwice", Flight13({Extensions, Request, Request}),
       RefusedAs(Unexpected(kCertificateRequest, kCertificate))},
      {"CompressedCertificate", Flight13({Extensions, Compressed}),
       RefusedAs({{SSL_R_UNKNOWN_CERT_COMPRESSION_ALG, "alg=1"}})},
      {"SecondServerHello", Flight13({SecondHello}),
       RefusedAs(Unexpected(kServerHello, kEncryptedExtensions))},
      {"TicketBeforeFinished", Flight13({Extensions, Chain, Proof, Ticket}),
       RefusedAs(Unexpected(kNewSessionTicket, kFinished))},
      {"KeyUpdateBeforeFinished", Flight13({Extensions, Update}),
       RefusedAs(Unexpected(kKeyUpdate, kCertificate))},
      {"WrongFinished", Flight13({Extensions, Chain, Proof, WrongDone}),
       RefusedAs({SSL_R_DIGEST_CHECK_FAILED})},
      {"CertificateRequest",
       During13([](RecordLayer& wire, Tls13Server& tls) { AskForCertificate(wire, tls, ""); }),
       Served("good")},
      {"TenThousandCaNames", During13([](RecordLayer& wire, Tls13Server& tls) {
         AskForCertificate(wire, tls, Extension(kCertificateAuthorities, Vector16(Names(10'000))));
       }),
       Served("good")},

      // --- The same in TLS 1.2 ---
      {"NoCertificate12", Flight12({Hello, Exchange}),
       RefusedAs(Unexpected(kServerKeyExchange, kCertificate))},
      {"EmptyChain12", Flight12({Hello, EmptyChain}), RefusedAs({SSL_R_DECODE_ERROR})},
      {"HugeChain12", Flight12({Hello, HugeChain}), RefusedAs({SSL_R_EXCESSIVE_MESSAGE_SIZE})},
      {"CertificateTwice12", Flight12({Hello, Chain, Chain}),
       RefusedAs({SSL_R_UNEXPECTED_MESSAGE})},
      {"ServerHelloTwice12", Flight12({Hello, Hello}),
       RefusedAs(Unexpected(kServerHello, kCertificate))},
      {"NoKeyExchange12", Flight12({Hello, Chain, Done}), RefusedAs({SSL_R_UNEXPECTED_MESSAGE})},
      {"ForeignGroup12", Flight12({Hello, Chain, ForeignExchange}), RefusedAs({SSL_R_WRONG_CURVE})},
      {"WrongProof12", Flight12({Hello, Chain, WrongExchange, Done}), RefusedAs(BadSignature())},
      {"ServerHelloDoneTwice12", Flight12({Hello, Chain, Exchange, Done, Done}),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"ServerHelloDoneTwiceInARecord12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.Say(tls.ServerHello());
         tls.Say(tls.Certificate());
         tls.Say(tls.ServerKeyExchange());
         wire.Queue(kHandshake, tls.ServerHelloDone() + tls.ServerHelloDone());
       }),
       RefusedAs({SSL_R_EXCESS_HANDSHAKE_DATA})},
      {"WrongFinished12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayFirstFlight();
         wire.Flush();
         if (!tls.ReadClientFlight()) return;
         tls.SayChangeCipherSpec();
         tls.Say(Spoiled(tls.Finished()));
       }),
       RefusedAs({SSL_R_DIGEST_CHECK_FAILED})},
      {"FinishedInTheClear12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayFirstFlight();
         wire.Flush();
         if (tls.ReadClientFlight()) tls.Say(tls.Finished());
       }),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"TicketThatWasNotPromised12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayFirstFlight();
         wire.Flush();
         if (tls.ReadClientFlight()) tls.Say(tls.NewSessionTicket(3600, "ticket"));
       }),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"CertificateRequest12",
       During12([](RecordLayer& wire, Tls12Server& tls) { AskForCertificate(wire, tls, ""); }),
       Served("good")},
      {"TenThousandCaNames12", During12([](RecordLayer& wire, Tls12Server& tls) {
         AskForCertificate(wire, tls, Names(10'000));
       }),
       Served("good")},

      // --- Data before its time ---
      {"DataInsteadOfServerHello", Answer(Record(kApplicationData, "good morning")),
       RefusedAs({SSL_R_APPLICATION_DATA_INSTEAD_OF_HANDSHAKE})},
      {"DataBeforeFinished", During13([](RecordLayer&, Tls13Server& tls) {
         tls.SayServerHello();
         tls.SayAuthentication();
         tls.SayData("good morning");
       }),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"DataBeforeFinished12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayFirstFlight();
         wire.Flush();
         if (!tls.ReadClientFlight()) return;
         tls.SayChangeCipherSpec();
         tls.SayData("good morning");
       }),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},

      // --- ChangeCipherSpec ---
      {"ChangeCipherSpecFirst", Answer(Record(kChangeCipherSpec, U8(1))),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"WrongChangeCipherSpec", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayServerHello();
         wire.QueueBytes(Record(kChangeCipherSpec, U8(2)));
       }),
       RefusedAs({SSL_R_BAD_PACKET_LENGTH, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC})},
      {"FloodOfChangeCipherSpec", During13([](RecordLayer& wire, Tls13Server& tls) {
         tls.SayServerHello();
         wire.QueueBytes(Repeat(Record(kChangeCipherSpec, U8(1)), 33));
       }),
       RefusedAs({SSL_R_TOO_MANY_EMPTY_FRAGMENTS})},
      // CVE-2014-0224: before the keys are settled, they must not be switched on.
      {"ChangeCipherSpecTooEarly12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.Say(tls.ServerHello());
         wire.Queue(kChangeCipherSpec, U8(1));
       }),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
      {"ChangeCipherSpecTwice12", During12([](RecordLayer& wire, Tls12Server& tls) {
         tls.SayFirstFlight();
         wire.Flush();
         if (!tls.ReadClientFlight()) return;
         tls.SayChangeCipherSpec();
         wire.Queue(kChangeCipherSpec, U8(1));
       }),
       RefusedAs({SSL_R_UNEXPECTED_RECORD})},
  };
}

}  // namespace sluice::testing
