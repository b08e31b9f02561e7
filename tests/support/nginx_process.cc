#include "tests/support/nginx_process.h"

#include <signal.h>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"

namespace sluice::testing {
namespace {

std::string WriteConfig(const TempDir& dir, std::string_view stream) {
  return dir.Write(
      "nginx.conf",
      absl::StrCat("load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
                   "daemon off; master_process off; pid nginx.pid; error_log stderr info;\n"
                   "worker_rlimit_nofile 20000; events { worker_connections 8192; }\n"
                   "stream {\n",
                   stream, "}\n"));
}

}  // namespace

NginxProcess::NginxProcess(std::string_view stream)
    : child_(
          {"/usr/sbin/nginx", "-p", dir_.path(), "-e", "stderr", "-c", WriteConfig(dir_, stream)}) {
  // Said once its sockets listen.
  CHECK(child_.WaitForOutput("event method")) << "nginx does not start:\n" << child_.Output();
}

NginxProcess::~NginxProcess() { StopAndGetLog(); }

std::string NginxProcess::StopAndGetLog() {
  child_.Signal(SIGTERM);
  child_.Wait();
  return child_.Output();
}

}  // namespace sluice::testing
