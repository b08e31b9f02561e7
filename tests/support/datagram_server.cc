#include "tests/support/datagram_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/log/check.h"
#include "absl/strings/strip.h"
#include "tests/support/deadline.h"
#include "tests/support/socket.h"

namespace sluice::testing {
namespace {

constexpr size_t kDatagramBytesMax = 1 << 16;

int BindUnix(std::string_view path) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  CHECK_LT(path.size(), sizeof(address.sun_path)) << path;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  PCHECK(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) << path;
  return fd;
}

int BindUdp(std::string_view text) {
  const size_t colon = text.rfind(':');
  CHECK_NE(colon, text.npos) << text;
  sockaddr_in address = {.sin_family = AF_INET};
  CHECK_EQ(inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address.sin_addr), 1)
      << text;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(std::string(text.substr(colon + 1)))));
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  PCHECK(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) << text;
  return fd;
}

}  // namespace

DatagramServer::DatagramServer(std::string_view address) {
  std::string_view path = address;
  if (absl::ConsumePrefix(&path, "unix:")) {
    fd_ = BindUnix(path);
    address_ = address;
  } else {
    fd_ = BindUdp(address);
    address_ = LocalAddress(fd_);
  }
  const timeval patience = {.tv_sec = kPatience.count()};
  PCHECK(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
}

DatagramServer::~DatagramServer() { close(fd_); }

std::optional<std::string> DatagramServer::TryReceive(int flags) {
  std::string datagram(kDatagramBytesMax, '\0');
  const ssize_t size = recv(fd_, datagram.data(), datagram.size(), flags);
  if (size < 0) return std::nullopt;
  datagram.resize(size);
  return datagram;
}

std::string DatagramServer::Receive() { return TryReceive(0).value_or("(nothing came)"); }

std::vector<std::string> DatagramServer::ReceiveAll() {
  std::vector<std::string> datagrams;
  while (std::optional<std::string> datagram = TryReceive(MSG_DONTWAIT)) {
    datagrams.push_back(*std::move(datagram));
  }
  return datagrams;
}

}  // namespace sluice::testing
