#include "tls/peer_name.h"

#include <arpa/inet.h>

namespace sluice::tls {
namespace {

bool IsIpLiteral(const std::string& text, int family) {
  in6_addr address;  // The larger of the two.
  return inet_pton(family, text.c_str(), &address) == 1;
}

}  // namespace

PeerName ParsePeerName(std::string_view name) {
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    std::string literal(name.substr(1, name.size() - 2));
    if (IsIpLiteral(literal, AF_INET6)) return {.text = std::move(literal), .is_ip = true};
  }
  std::string text(name);
  if (IsIpLiteral(text, AF_INET) || IsIpLiteral(text, AF_INET6)) {
    return {.text = std::move(text), .is_ip = true};
  }
  if (text.size() > 1 && text.back() == '.') text.pop_back();
  return {.text = std::move(text), .is_ip = false};
}

}  // namespace sluice::tls
