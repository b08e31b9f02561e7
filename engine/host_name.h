// The name of this machine, as nginx writes it.
#ifndef SLUICE_ENGINE_HOST_NAME_H_
#define SLUICE_ENGINE_HOST_NAME_H_

#include <string>

namespace sluice::engine {

// In lower case; asked for once, by whoever comes first. Any thread.
const std::string& HostName();

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_HOST_NAME_H_
