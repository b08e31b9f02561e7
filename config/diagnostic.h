// What is wrong with a configuration, where, and what was expected.
//
// Nothing in config/ stops at the first problem: everything is added to one list, and the whole
// list is shown, in the order of the text:
//
//   nginx.conf:7:5: error: unknown directive "proxy_ssl_verfy", did you mean "proxy_ssl_verify"?
//       proxy_ssl_verfy on;
//       ^~~~~~~~~~~~~~~
#ifndef SLUICE_CONFIG_DIAGNOSTIC_H_
#define SLUICE_CONFIG_DIAGNOSTIC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "config/source_text.h"

namespace sluice::config {

enum class Severity : uint8_t {
  // There is no plan.
  kError,
  // There is a plan, but probably not the one that is wanted, or not a safe one.
  kWarning,
  // Something was accepted that has no effect here.
  kNotice,
};

// "error", "warning", "notice".
const char* SeverityName(Severity severity);

// One problem. Holds copies only: it outlives the text.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;  // Printable. Empty: not in any text; then there is neither place nor line.
  Place place;
  std::string message;
  std::string line;   // The line at fault: printable, cut to a window if it is long.
  std::string caret;  // Stands under `line`: blanks, "^", "~~~".
};

class DiagnosticList {
 public:
  // Control characters of `message` are escaped: it may hold what a file or its name does.
  // The same message at the same place is kept once: an included file can be judged many times.
  void Add(Severity severity, Span span, std::string message);
  void Error(Span span, std::string message) { Add(Severity::kError, span, std::move(message)); }
  void Warning(Span span, std::string message) {
    Add(Severity::kWarning, span, std::move(message));
  }
  void Notice(Span span, std::string message) { Add(Severity::kNotice, span, std::move(message)); }

  bool has_errors() const { return num_errors_ > 0; }
  int num_warnings() const { return num_warnings_; }
  bool empty() const { return entries_.empty(); }
  // True once nothing more is kept: costly words, such as suggestions, need not be found.
  bool full() const;

  // In the order of the text.
  std::vector<Diagnostic> Sorted() const;

  // As shown above. At most kDiagnosticsShownMax, errors before all else if there are more, then a
  // line that says how many are not shown.
  std::string Render() const;

 private:
  struct Entry {
    Diagnostic diagnostic;
    int file_order;
    uint32_t offset;
  };
  std::vector<Entry> entries_;
  std::unordered_set<std::string> seen_;
  int num_errors_ = 0;
  int num_warnings_ = 0;
  int num_dropped_ = 0;
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_DIAGNOSTIC_H_
