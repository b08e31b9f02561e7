#include "config/resolver.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace sluice::config {

absl::StatusOr<std::vector<Address>> Resolver::Resolve(const Endpoint& endpoint) {
  switch (endpoint.kind) {
    case Endpoint::Kind::kUnix:
      return std::vector<Address>{UnixAddress(endpoint.host)};
    case Endpoint::Kind::kIp:
      return std::vector<Address>{IpAddress(endpoint.host, endpoint.first_port)};
    case Endpoint::Kind::kName:
      break;
  }
  auto known = answers_.find(endpoint.host);
  if (known == answers_.end()) {
    known = answers_.emplace(endpoint.host, system_.resolve(endpoint.host)).first;
  }
  const absl::StatusOr<std::vector<Address>>& answer = known->second;
  if (!answer.ok()) {
    return absl::NotFoundError(absl::StrCat("host not found (", answer.status().message(), ")"));
  }
  std::vector<Address> addresses;
  addresses.reserve(answer->size());
  for (const Address& address : *answer) {
    addresses.push_back(WithPort(address, endpoint.first_port));
  }
  return addresses;
}

}  // namespace sluice::config
