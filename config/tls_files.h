// The files that TLS settings name: read once each, and looked at for who else can read them.
#ifndef SLUICE_CONFIG_TLS_FILES_H_
#define SLUICE_CONFIG_TLS_FILES_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "config/diagnostic.h"
#include "config/source_text.h"
#include "config/system.h"
#include "config/tree.h"

namespace sluice::config {

class TlsFiles {
 public:
  // Both must outlive the files.
  TlsFiles(const System& system, DiagnosticList& diagnostics)
      : system_(system), diagnostics_(diagnostics) {}

  // Contents of `path`, reported at `span` if there are none. They live as long as the files.
  const std::string* Load(const std::string& path, Span span);

  // Warns at `span` if everyone may read or overwrite the file at `path`. `secret`: what it holds,
  // for the message. Nothing if `path` is empty.
  void WarnIfOpen(std::string_view secret, const std::string& path, Span span);

  // Reports where secrets of the traffic with `peers` cannot be logged to `path`, as `directive`
  // says, and warns of who may read them.
  void CheckKeyLog(const std::string& path, std::string_view peers, const Directive& directive);

 private:
  void WarnOfOpenFile(std::string_view secret, const std::string& path, mode_t mode, Span span);

  const System& system_;
  DiagnosticList& diagnostics_;
  std::unordered_map<std::string, absl::StatusOr<std::string>> contents_;
};

// One a line; empty lines are none.
std::vector<std::string> PasswordsIn(const std::string& contents);

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_TLS_FILES_H_
