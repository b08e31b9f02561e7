// What stands in a certificate, as text for an operator.
#ifndef SLUICE_TLS_CERTIFICATE_FACTS_H_
#define SLUICE_TLS_CERTIFICATE_FACTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;       // BoringSSL's X509.
struct X509_name_st;  // BoringSSL's X509_NAME.

namespace sluice::tls {

// All text is printable ASCII, whatever the certificate holds: other bytes are escaped.
struct CertificateFacts {
  // False: the bytes are no certificate; nothing below is set.
  bool parsed = false;
  // As RFC 2253 writes names: "CN=backend,O=Example". Empty if the certificate's is.
  std::string subject;
  std::string issuer;
  std::string serial;  // In hexadecimal, upper case, as OpenSSL writes it: "0A1B".
  // subjectAltName, each with its kind: "DNS:backend.example.com", "IP:192.0.2.1", "email:...",
  // "URI:...". Other kinds are left out.
  std::vector<std::string> alternative_names;
  // Seconds since 1970.
  int64_t not_before_s = 0;
  int64_t not_after_s = 0;
  std::string key;  // "RSA", "ECDSA P-256", "Ed25519"; "unknown" if BoringSSL cannot read it.
  int key_bits = 0;
  std::string signature_algorithm;  // "sha256WithRSAEncryption"; the dotted number if unknown.
  bool self_issued = false;         // Subject and issuer are the same: a root, usually.
};

// `der`: as Session::peer_chain gives it.
CertificateFacts ReadCertificateFacts(std::string_view der);
CertificateFacts ReadCertificateFacts(x509_st* certificate);

// The certificate `der` in PEM form, with a line feed at its end.
std::string PemOf(std::string_view der);

// SHA-1 of `der` in hexadecimal, lower case.
std::string Sha1FingerprintOf(std::string_view der);

// As in CertificateFacts::subject.
std::string NameText(const X509_name_st* name);

}  // namespace sluice::tls

#endif  // SLUICE_TLS_CERTIFICATE_FACTS_H_
