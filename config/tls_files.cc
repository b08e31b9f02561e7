#include "config/tls_files.h"

#include <sys/stat.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "config/quote.h"
#include "config/read_file.h"

namespace sluice::config {
namespace {

// Why secrets cannot be logged to `path`; empty if they can. `mode`: what stands there.
std::string KeyLogObstacle(const std::string& path, const absl::StatusOr<mode_t>& mode,
                           const System& system) {
  if (mode.ok()) {
    // A device or FIFO may hold up every handshake that writes to it.
    return S_ISREG(*mode) ? "" : "not a regular file; name one, or remove the directive";
  }
  if (!absl::IsNotFound(mode.status())) return std::string(mode.status().message());

  // It is made at start, if there is a place for it.
  std::string folder = DirectoryOf(path);
  if (folder.empty()) folder.push_back('.');
  const absl::StatusOr<mode_t> folder_mode = system.mode_of(folder);
  if (absl::IsNotFound(folder_mode.status())) {
    return absl::StrCat("there is no ", Quote(folder), "; make that folder, or name another file");
  }
  if (!folder_mode.ok()) return absl::StrCat(Quote(folder), ": ", folder_mode.status().message());
  if (!S_ISDIR(*folder_mode)) {
    return absl::StrCat(Quote(folder), " is not a folder; name another file");
  }
  return "";
}

}  // namespace

std::vector<std::string> PasswordsIn(const std::string& contents) {
  std::vector<std::string> passwords;
  for (std::string_view line : absl::StrSplit(contents, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) passwords.emplace_back(line);
  }
  return passwords;
}

const std::string* TlsFiles::Load(const std::string& path, Span span) {
  auto known = contents_.find(path);
  if (known == contents_.end()) {
    absl::StatusOr<std::string> contents = system_.read_file(path);
    if (contents.ok() && contents->empty()) {
      contents = absl::InvalidArgumentError("the file is empty");
    }
    known = contents_.emplace(path, std::move(contents)).first;
  }
  if (known->second.ok()) return &*known->second;
  diagnostics_.Error(
      span, absl::StrCat("cannot load ", Quote(path), ": ", known->second.status().message()));
  return nullptr;
}

void TlsFiles::WarnIfOpen(std::string_view secret, const std::string& path, Span span) {
  if (path.empty()) return;
  const absl::StatusOr<mode_t> mode = system_.mode_of(path);
  if (mode.ok()) WarnOfOpenFile(secret, path, *mode, span);
}

// A group is given a key on purpose, as Debian's "ssl-cert" is: only what everyone may read is
// told.
void TlsFiles::WarnOfOpenFile(std::string_view secret, const std::string& path, mode_t mode,
                              Span span) {
  if (!S_ISREG(mode) || (mode & (S_IROTH | S_IWOTH)) == 0) return;
  diagnostics_.Warning(
      span,
      absl::StrCat("everyone on this machine may ", (mode & S_IROTH) != 0 ? "read" : "overwrite",
                   " the ", secret, " in ", Quote(path),
                   absl::StrFormat(" (mode %04o)", mode & 0777), ": run \"chmod 600\" on it"));
}

void TlsFiles::CheckKeyLog(const std::string& path, std::string_view peers,
                           const Directive& directive) {
  const absl::StatusOr<mode_t> mode = system_.mode_of(path);
  const std::string obstacle = KeyLogObstacle(path, mode, system_);
  if (!obstacle.empty()) {
    diagnostics_.Error(directive.args[0].span,
                       absl::StrCat("cannot log keys to ", Quote(path), ": ", obstacle));
    return;
  }
  diagnostics_.Warning(
      directive.name.span,
      absl::StrCat("whoever can read ", Quote(path), " can decrypt the traffic with ", peers,
                   ": remove this when the search for a fault is over"));
  if (mode.ok()) WarnOfOpenFile("secrets", path, *mode, directive.args[0].span);
}

}  // namespace sluice::config
