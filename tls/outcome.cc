#include "tls/outcome.h"

namespace sluice::tls {

const char* OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kNeedInput:
      return "need input";
    case Outcome::kNeedOutput:
      return "need output";
    case Outcome::kNeedPlaintextRoom:
      return "need plaintext room";
    case Outcome::kClosed:
      return "closed";
    case Outcome::kFailed:
      return "failed";
  }
  return "unknown";
}

}  // namespace sluice::tls
