#include "engine/named_log_files.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/log_file.h"

namespace sluice::engine {

absl::Status NamedLogFiles::Use(const std::string& path, const config::LogFileCache& settings,
                                int64_t now_ms, absl::FunctionRef<void(int fd)> use) {
  DropInactive(now_ms);
  const auto known = files_.find(path);
  if (known != files_.end() && known->second.fd.valid()) {
    File& file = known->second;
    file.used_ms = now_ms;
    if (now_ms - file.checked_ms < settings.valid_ms || IsSameFile(path, file.fd.get())) {
      if (now_ms - file.checked_ms >= settings.valid_ms) file.checked_ms = now_ms;
      use(file.fd.get());
      return absl::OkStatus();
    }
    files_.erase(known);
  }
  absl::StatusOr<FileDescriptor> fd = OpenLogFile(path);
  if (!fd.ok()) return fd.status();
  use(fd->get());
  if (settings.max == 0) return absl::OkStatus();
  if (!files_.contains(path) && files_.size() >= static_cast<size_t>(settings.max)) DropOldest();
  File& file = files_[path];
  file.used_ms = file.checked_ms = now_ms;
  file.inactive_ms = settings.inactive_ms;
  if (++file.num_uses >= settings.min_uses) file.fd = *std::move(fd);
  return absl::OkStatus();
}

void NamedLogFiles::DropInactive(int64_t now_ms) {
  std::erase_if(files_, [now_ms](const auto& entry) {
    return now_ms - entry.second.used_ms > entry.second.inactive_ms;
  });
}

void NamedLogFiles::DropOldest() {
  const auto oldest = std::min_element(
      files_.begin(), files_.end(),
      [](const auto& a, const auto& b) { return a.second.used_ms < b.second.used_ms; });
  if (oldest != files_.end()) files_.erase(oldest);
}

int NamedLogFiles::num_open() const {
  return static_cast<int>(std::count_if(files_.begin(), files_.end(),
                                        [](const auto& entry) { return entry.second.fd.valid(); }));
}

}  // namespace sluice::engine
