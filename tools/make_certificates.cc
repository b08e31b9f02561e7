// Writes a CA, a server and a client certificate with their keys, to try sluice out with.
//
//   make_certificates --directory=certificates --server_names=backend.example.com,127.0.0.1
//
// Not for production: the CA's key is thrown away and nothing can be issued by it again.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/ascii.h"
#include "tools/certificate_maker.h"

ABSL_FLAG(std::string, directory, "",
          "Where ca.pem, server.pem, server.key, client.pem and client.key go. Made if it is not "
          "there; files of these names are replaced.");
ABSL_FLAG(std::vector<std::string>, server_names,
          (std::vector<std::string>{"localhost", "127.0.0.1", "::1"}),
          "Host names and IP addresses that the server's certificate is for.");
ABSL_FLAG(std::string, client_name, "client", "Common name of the client's certificate.");
ABSL_FLAG(int, days, 365, "How many days the certificates are valid, 1 to 36500.");

namespace sluice::tools {
namespace {

// RFC 1035 2.3.4 and RFC 5280's ub-common-name.
constexpr size_t kHostNameBytesMax = 253;
constexpr size_t kCommonNameBytesMax = 64;
constexpr int kDaysMax = 36'500;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "make_certificates: %s\n", what.c_str());
  std::exit(1);
}

bool IsIpAddress(const std::string& name) {
  in6_addr address;  // The larger of the two.
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

bool IsHostName(const std::string& name) {
  return !name.empty() && name.size() <= kHostNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '*';
         });
}

// Through a new file, so that a key is never readable by others, whatever stood there before.
void WriteFile(const std::string& path, const std::string& contents, mode_t mode) {
  const std::string unfinished = path + ".new";
  unlink(unfinished.c_str());
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) Fail("cannot write \"" + unfinished + "\": " + std::strerror(errno));
  size_t num_written = 0;
  while (num_written < contents.size()) {
    const ssize_t result = write(fd, contents.data() + num_written, contents.size() - num_written);
    if (result < 0) Fail("cannot write \"" + unfinished + "\": " + std::strerror(errno));
    num_written += static_cast<size_t>(result);
  }
  if (close(fd) != 0 || rename(unfinished.c_str(), path.c_str()) != 0) {
    Fail("cannot write \"" + path + "\": " + std::strerror(errno));
  }
}

int Main() {
  const std::string directory = absl::GetFlag(FLAGS_directory);
  const std::vector<std::string> server_names = absl::GetFlag(FLAGS_server_names);
  const std::string client_name = absl::GetFlag(FLAGS_client_name);
  const int days = absl::GetFlag(FLAGS_days);
  if (directory.empty()) Fail("say with --directory=FOLDER where the files go");
  if (server_names.empty()) Fail("--server_names is empty; name at least one");
  for (const std::string& name : server_names) {
    if (!IsIpAddress(name) && !IsHostName(name)) {
      Fail("--server_names: \"" + name + "\" is neither a host name nor an IP address");
    }
  }
  if (client_name.empty() || client_name.size() > kCommonNameBytesMax) {
    Fail("--client_name must have 1 to 64 bytes");
  }
  if (days < 1 || days > kDaysMax) Fail("--days must be 1 to 36500");
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    Fail("cannot make \"" + directory + "\": " + std::strerror(errno));
  }

  const int64_t not_after_s = NowSeconds() + days * kDayS;
  CertificateSpec ca_spec = CaSpec("sluice demo CA");
  ca_spec.not_after_s = not_after_s;
  const Certificate ca = Certificate::SelfSigned(ca_spec);
  CertificateSpec server_spec = ServerSpec(server_names);
  // The names count; the common name is for people and may not be as long.
  server_spec.common_name = server_names.front().substr(0, kCommonNameBytesMax);
  server_spec.not_after_s = not_after_s;
  const Certificate server = ca.Issue(server_spec);
  CertificateSpec client_spec = ClientSpec(client_name);
  client_spec.not_after_s = not_after_s;
  const Certificate client = ca.Issue(client_spec);

  WriteFile(directory + "/ca.pem", ca.pem(), 0644);
  WriteFile(directory + "/server.pem", server.chain_pem(), 0644);
  WriteFile(directory + "/server.key", server.key_pem(), 0600);
  WriteFile(directory + "/client.pem", client.chain_pem(), 0644);
  WriteFile(directory + "/client.key", client.key_pem(), 0600);
  return 0;
}

}  // namespace
}  // namespace sluice::tools

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "writes a CA, a server and a client certificate with their keys: "
      "make_certificates --directory=FOLDER [--server_names=NAME,...]");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    sluice::tools::Fail(std::string("what is \"") + rest[1] + "\"? Try --help");
  }
  return sluice::tools::Main();
}
