#include "engine/probe/probe.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "engine/probe/prober.h"
#include "engine/probe/report_json.h"
#include "engine/probe/report_text.h"
#include "engine/probe/target.h"
#include "engine/system_error.h"

namespace sluice::engine {
namespace {

int Fail(std::string_view message) {
  std::fputs(absl::StrCat("sluice: ", message, "\n").c_str(), stderr);
  return kProbeNoReport;
}

// A report that is not whole must not be taken for all.
bool Write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return true;
  }
  Fail(SystemErrorText("write() to stdout", errno));
  return false;
}

}  // namespace

int RunProbe(const ProbeOptions& options) {
  // A pipe that is closed is an error to be told.
  std::signal(SIGPIPE, SIG_IGN);
  if (options.help) return Write(ProbeHelpText()) ? kProbeFine : kProbeNoReport;
  const absl::StatusOr<ProbeTarget> target = FindTarget(options);
  if (!target.ok()) {
    const int no_report = Fail(target.status().message());
    return absl::IsUnavailable(target.status()) ? kProbeUnusable : no_report;
  }
  const absl::StatusOr<ProbeReport> report = Probe(*target, options);
  if (!report.ok()) return Fail(report.status().message());
  const std::string text =
      options.json ? ReportJson(*report) : ReportText(*report, absl::ToUnixSeconds(absl::Now()));
  if (!Write(text)) return kProbeNoReport;
  return report->ok() ? kProbeFine : kProbeUnusable;
}

int RunProbeCommand(std::span<const char* const> arguments) {
  const absl::StatusOr<ProbeOptions> options = ParseProbeArguments(arguments);
  return options.ok() ? RunProbe(*options) : Fail(options.status().message());
}

}  // namespace sluice::engine
