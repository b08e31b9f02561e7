#include "engine/gzip.h"

#include <zlib.h>

#include "absl/log/check.h"

namespace sluice::engine {

std::string Gzip(std::string_view text, int level) {
  z_stream stream = {};
  // zlib.h, deflateInit2: 16 more than the window's bits asks for a gzip header.
  CHECK_EQ(
      deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  CHECK_EQ(deflateEnd(&stream), Z_OK);
  return packed;
}

}  // namespace sluice::engine
