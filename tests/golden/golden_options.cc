#include "tests/golden/golden_options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/address.h"
#include "config/system.h"
#include "tls/settings.h"

namespace sluice::golden {
namespace {

config::Address Ip4(const char* ip) {
  sockaddr_in address = {.sin_family = AF_INET};
  inet_pton(AF_INET, ip, &address.sin_addr);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

config::Address Ip6(const char* ip) {
  sockaddr_in6 address = {.sin6_family = AF_INET6};
  inet_pton(AF_INET6, ip, &address.sin6_addr);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

absl::StatusOr<std::vector<config::Address>> Resolve(const std::string& host) {
  static const auto& hosts = *new std::map<std::string, std::vector<config::Address>>{
      {"backend1.example.com", {Ip4("192.0.2.1")}},
      {"backend2.example.com", {Ip4("192.0.2.2")}},
      {"backend3.example.com", {Ip4("192.0.2.3")}},
      {"many.example.com", {Ip4("192.0.2.10"), Ip4("192.0.2.11"), Ip6("2001:db8::10")}},
      {"localhost", {Ip4("127.0.0.1")}},
  };
  const auto found = hosts.find(host);
  if (found == hosts.end()) return absl::NotFoundError("Name or service not known");
  return found->second;
}

absl::StatusOr<mode_t> ModeOf(const std::string& path) {
  static const auto& others = *new std::map<std::string, mode_t>{
      {"/dev/null", S_IFCHR | 0666},
      {"/run/fifo", S_IFIFO | 0600},
      {"/var/log", S_IFDIR | 0755},
  };
  const auto other = others.find(path);
  if (other != others.end()) return other->second;
  if (absl::StrContains(path, "missing")) {
    return absl::NotFoundError("stat() failed (2: No such file or directory)");
  }
  if (absl::StrContains(path, "forbidden")) {
    return absl::PermissionDeniedError("stat() failed (13: Permission denied)");
  }
  return S_IFREG | (absl::StrContains(path, "open") ? 0644 : 0640);
}

std::vector<tls::Problem> CheckTls(const tls::Settings& settings) {
  std::vector<tls::Problem> problems;
  const auto check = [&](tls::Field field, const tls::File& file) {
    if (file.contents.starts_with("bad")) {
      problems.push_back({.field = field, .message = absl::StrCat(file.path, " is bad")});
    }
  };
  check(tls::Field::kCertificate, settings.certificate);
  check(tls::Field::kCertificateKey, settings.certificate_key);
  check(tls::Field::kTrustedCertificate, settings.trusted_certificate);
  check(tls::Field::kCrl, settings.crl);
  if (settings.ciphers == "NONE") {
    problems.push_back({.field = tls::Field::kCiphers, .message = "no cipher is left"});
  }
  if (settings.ciphers == "DEFAULT:UNKNOWN") {
    problems.push_back(
        {.field = tls::Field::kCiphers, .fatal = false, .message = "UNKNOWN is not known"});
  }
  return problems;
}

std::vector<tls::Problem> CheckClientTls(const tls::ServerSettings& settings) {
  std::vector<tls::Problem> problems;
  for (size_t i = 0; i < settings.identities.size(); ++i) {
    const tls::File& certificate = settings.identities[i].certificate;
    if (!certificate.contents.starts_with("bad")) continue;
    problems.push_back({.field = tls::Field::kCertificate,
                        .message = absl::StrCat(certificate.path, " is bad"),
                        .index = static_cast<int>(i)});
  }
  return problems;
}

}  // namespace

std::vector<std::string> ConfigurationNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
    if (entry.path().extension() == ".conf") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

config::LoadOptions GoldenOptions(const std::string& file) {
  const auto is_one_of = [](std::vector<std::string> known) {
    return [known = std::move(known)](const std::string& name) {
      return std::find(known.begin(), known.end(), name) != known.end();
    };
  };
  return {.file = file,
          .prefix = kDirectory,
          .globals = {},
          .default_pid_file = "/run/sluice.pid",
          .default_error_log = {.file = "/var/log/sluice/error.log"},
          .system = {.resolve = Resolve,
                     .user_exists = is_one_of({"nobody", "proxy"}),
                     .group_exists = is_one_of({"nogroup", "proxy"}),
                     .mode_of = ModeOf,
                     .usable_cpus = {0, 1, 2, 3},
                     .is_privileged = true},
          .check_tls = CheckTls,
          .check_client_tls = CheckClientTls};
}

}  // namespace sluice::golden
