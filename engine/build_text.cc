#include "engine/build_text.h"

#include "absl/base/config.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/ring.h"
#include "engine/worker.h"
#include "tls/library_version.h"

namespace sluice::engine {
namespace {

#ifdef __clang__
constexpr char kCompiler[] = __VERSION__;  // Says "Clang" itself.
#else
constexpr char kCompiler[] = "gcc " __VERSION__;
#endif

}  // namespace

std::string BuildText() {
  std::string text;
  absl::StrAppend(&text, "built with ", kCompiler, "\n");
  absl::StrAppend(&text, tls::LibraryVersion(), "\n");
  absl::StrAppend(&text, "liburing ", Ring::LiburingVersion(), "\n");
  absl::StrAppend(&text, "abseil ", ABSL_LTS_RELEASE_VERSION, ".", ABSL_LTS_RELEASE_PATCH_LEVEL,
                  "\n");
  const absl::StatusOr<RingFeatures> features = Ring::Probe(Worker::ring_options());
  absl::StrAppend(&text, "io_uring: ",
                  features.ok() ? features->ToString()
                                : absl::StrCat("cannot be used: ", features.status().message()),
                  "\n");
  return text;
}

}  // namespace sluice::engine
