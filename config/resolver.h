// Endpoints -> addresses, each name asked for once.
#ifndef SLUICE_CONFIG_RESOLVER_H_
#define SLUICE_CONFIG_RESOLVER_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "config/address.h"
#include "config/endpoint.h"
#include "config/system.h"

namespace sluice::config {

class Resolver {
 public:
  // `system` must outlive the resolver.
  explicit Resolver(const System& system) : system_(system) {}

  // Every address of `endpoint` with its first port; never an empty list. Fails with
  // "host not found" and the system's reason.
  absl::StatusOr<std::vector<Address>> Resolve(const Endpoint& endpoint);

 private:
  const System& system_;
  std::unordered_map<std::string, absl::StatusOr<std::vector<Address>>> answers_;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_RESOLVER_H_
