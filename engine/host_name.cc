#include "engine/host_name.h"

#include <unistd.h>

#include <climits>

#include "absl/strings/ascii.h"

namespace sluice::engine {

const std::string& HostName() {
  static const std::string& name = *[] {
    char buffer[HOST_NAME_MAX + 1] = "";
    gethostname(buffer, sizeof(buffer) - 1);
    return new std::string(absl::AsciiStrToLower(buffer));
  }();
  return name;
}

}  // namespace sluice::engine
