#include "engine/default_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/file_descriptor.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

using ErrorLogs = std::vector<config::ErrorLog>;

bool Names(const ErrorLogs& logs, const std::string& path) {
  return std::any_of(logs.begin(), logs.end(),
                     [&](const config::ErrorLog& log) { return log.file == path; });
}

}  // namespace

absl::Status PrepareDefaultLog(const std::string& path, config::Plan& plan, Logger& logger) {
  std::vector<ErrorLogs*> users;
  if (Names(plan.process.error_logs, path)) users.push_back(&plan.process.error_logs);
  for (config::Server& server : plan.servers) {
    if (Names(server.error_logs, path)) users.push_back(&server.error_logs);
  }
  if (users.empty()) return absl::OkStatus();

  const std::string folder = std::filesystem::path(path).parent_path().string();
  // Mostly it exists. When it can be neither found nor made, the open tells why.
  (void)mkdir(folder.c_str(), 0755);
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644));
  if (file.valid()) return absl::OkStatus();
  const std::string problem =
      absl::StrCat("the default error log cannot be used: ",
                   SystemErrorText(absl::StrCat("open() \"", path, "\""), errno));
  if (plan.process.daemon) {
    return absl::FailedPreconditionError(absl::StrCat(problem, "; create the folder \"", folder,
                                                      "\" for the user that starts sluice, or set "
                                                      "\"error_log\""));
  }
  logger.Log(config::LogLevel::kWarn, absl::StrCat(problem, "; errors go to stderr"));
  for (ErrorLogs* logs : users) {
    for (config::ErrorLog& log : *logs) {
      if (log.file == path) log.file = "stderr";
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice::engine
