// gzip, for logs.
#ifndef SLUICE_ENGINE_GZIP_H_
#define SLUICE_ENGINE_GZIP_H_

#include <string>
#include <string_view>

namespace sluice::engine {

// `text` as one complete gzip member (RFC 1952 2.2): members may follow each other in a file.
// `level` is 1, fastest, to 9, smallest. Allocation failure aborts.
std::string Gzip(std::string_view text, int level);

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_GZIP_H_
