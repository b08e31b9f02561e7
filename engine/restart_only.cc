#include "engine/restart_only.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/kept_listeners.h"
#include "engine/listener_options.h"

namespace sluice::engine {
namespace {

std::string User(const config::Process& process) {
  return process.group.empty() ? process.user : absl::StrCat(process.user, " ", process.group);
}

std::string Stays(std::string_view directive, std::string_view running, std::string_view next) {
  return absl::StrCat("\"", directive, "\" stays \"", running, "\" until sluice is restarted: \"",
                      next, "\" cannot be had by a reload");
}

}  // namespace

std::vector<std::string> KeepUntilRestart(const config::Plan& running, config::Plan& next) {
  std::vector<std::string> lines;
  const config::Process& before = running.process;
  config::Process& now = next.process;
  if (now.num_shards != before.num_shards) {
    lines.push_back(
        Stays("worker_processes", absl::StrCat(before.num_shards), absl::StrCat(now.num_shards)));
    now.num_shards = before.num_shards;
  }
  if (User(now) != User(before)) {
    lines.push_back(Stays("user", User(before), User(now)));
    now.user = before.user;
    now.group = before.group;
  }
  if (now.daemon != before.daemon) {
    lines.push_back(Stays("daemon", before.daemon ? "on" : "off", now.daemon ? "on" : "off"));
    now.daemon = before.daemon;
  }
  if (now.pid_file != before.pid_file) {
    lines.push_back(Stays("pid", before.pid_file, now.pid_file));
    now.pid_file = before.pid_file;
  }
  const std::vector<int> kept = KeptListeners(running, next);
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] == config::kNoIndex) continue;
    const config::Listener& listener = next.listeners[i];
    const auto options = OptionsThatNeedARestart(running.listeners[kept[i]], listener);
    if (options.empty()) continue;
    lines.push_back(absl::StrCat("\"listen ", listener.address.text, "\" keeps its ",
                                 absl::StrJoin(options, ", "), " until sluice is restarted"));
  }
  return lines;
}

}  // namespace sluice::engine
