// TLS as bytes: what a hostile server puts on the wire, right or wrong.
//
// Everything here only encodes. Nothing is checked, so whatever TLS forbids can be written down.
// Bytes are kept in strings, as sockets take them. Numbers are of RFC 8446 and RFC 5246 unless a
// line says otherwise.
#ifndef SLUICE_TESTS_HOSTILE_WIRE_H_
#define SLUICE_TESTS_HOSTILE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::testing {

enum ContentType : uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
};

enum HandshakeType : uint8_t {
  kHelloRequest = 0,
  kServerHello = 2,
  kNewSessionTicket = 4,
  kEncryptedExtensions = 8,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kCertificateRequest = 13,
  kServerHelloDone = 14,
  kCertificateVerify = 15,
  kClientKeyExchange = 16,
  kFinished = 20,
  kKeyUpdate = 24,
  kCompressedCertificate = 25,  // RFC 8879.
};

enum ExtensionType : uint16_t {
  kSignatureAlgorithms = 13,
  kAlpn = 16,
  kPreSharedKey = 41,
  kEarlyData = 42,
  kSupportedVersions = 43,
  kCookie = 44,
  kCertificateAuthorities = 47,
  kKeyShare = 51,
  kRenegotiationInfo = 0xff01,
};

enum AlertLevel : uint8_t { kWarning = 1, kFatal = 2 };

enum AlertDescription : uint8_t {
  kCloseNotify = 0,
  kHandshakeFailure = 40,
  kInternalError = 80,
  kUserCanceled = 90,
  kUnrecognizedName = 112,
};

inline constexpr uint16_t kTls12 = 0x0303;
inline constexpr uint16_t kTls13 = 0x0304;
inline constexpr uint16_t kTlsAes128GcmSha256 = 0x1301;
inline constexpr uint16_t kEcdheEcdsaAes128GcmSha256 = 0xc02b;
inline constexpr uint16_t kEcdsaSecp256r1Sha256 = 0x0403;
inline constexpr uint16_t kSecp256r1 = 23;
inline constexpr uint16_t kX25519 = 29;

inline constexpr size_t kRecordHeaderBytes = 5;
inline constexpr size_t kFragmentBytesMax = 16384;

// Big-endian numbers.
std::string U8(uint8_t value);
std::string U16(uint16_t value);
std::string U24(uint32_t value);
std::string U32(uint32_t value);

// `body` behind its length in one, two or three bytes.
std::string Vector8(std::string_view body);
std::string Vector16(std::string_view body);
std::string Vector24(std::string_view body);

// A whole record. Its length field tells the truth, but may be more than TLS allows.
std::string Record(uint8_t content_type, std::string_view body, uint16_t version = kTls12);
// A record's header alone.
std::string RecordHeader(uint8_t content_type, uint16_t length, uint16_t version = kTls12);
std::string Message(uint8_t handshake_type, std::string_view body);
std::string Extension(uint16_t extension_type, std::string_view body);
std::string AlertBody(AlertLevel level, AlertDescription description);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_WIRE_H_
