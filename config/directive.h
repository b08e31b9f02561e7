// One row of a directive table: everything the language says about a directive.
//
// A row is data: adding a directive means adding a row (README.md). What a row cannot say by its
// fields its `set` function checks, with the helpers of call.h.
#ifndef SLUICE_CONFIG_DIRECTIVE_H_
#define SLUICE_CONFIG_DIRECTIVE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace sluice::config {

struct Call;

// The blocks of a configuration; kMain is the file itself.
enum Context : uint8_t {
  kMain = 1 << 0,
  kEvents = 1 << 1,
  kStream = 1 << 2,
  kServer = 1 << 3,
  kUpstream = 1 << 4,
};
inline constexpr uint8_t kAnywhere = kMain | kEvents | kStream | kServer | kUpstream;

// The contexts in `contexts` in words: `"stream" or "server"`, `the main context`.
std::string ContextNames(uint8_t contexts);

enum class Form : uint8_t {
  kSimple,  // name arguments;
  kFlag,    // name on|off;
  kBlock,   // name arguments { ... }
};

enum class Repeat : uint8_t {
  kOnce,  // A second one in the same block is an error.
  kMany,
};

inline constexpr int kUnbounded = std::numeric_limits<int>::max();

struct Arity {
  int min = 1;
  int max = 1;
};

struct DirectiveSpec {
  std::string_view name;
  // Any of Context. What stands in both kStream and kServer is inherited: a server starts with
  // what `stream` sets, wherever in `stream` that stands, and replaces it by its own.
  uint8_t contexts = 0;
  Form form = Form::kSimple;
  Arity args = {1, 1};
  Repeat repeat = Repeat::kOnce;
  // Called with a directive that fits the fields above. Null for a block, for `include` and for a
  // row with `replaced_by` or `no_effect`.
  void (*set)(Call& call) = nullptr;
  // The arguments, for messages and documentation: "ADDRESS [weight=N]".
  std::string_view usage;
  std::string_view help;
  // kBlock: the context of its content.
  Context inside = kMain;
  // An old name: a warning, and all else as for the directive of this name.
  std::string_view replaced_by = {};
  // Accepted, and nothing is done: a notice says so, with this reason.
  std::string_view no_effect = {};
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_DIRECTIVE_H_
