#include "engine/probe/advice.h"

#include <cerrno>

namespace sluice::engine {

std::string ConnectAdvice(int error) {
  switch (error) {
    case ECONNREFUSED:
      return ": nobody listens there; is the upstream running, and the port right?";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ": there is no route to it from here";
    case ENOENT:
      return ": there is no such socket; is the upstream running?";
    case EACCES:
    case EPERM:
      return ": run as the user that sluice runs as, and look at the firewall's rules";
    default:
      return "";
  }
}

std::string TlsAdvice(const tls::Failure& failure) {
  if (failure.kind != tls::FailureKind::kNameMismatch) return "";
  return "; the names it has are shown below: which of them is proxy_ssl_name to be?";
}

}  // namespace sluice::engine
