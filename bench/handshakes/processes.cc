#include "bench/handshakes/processes.h"

#include <signal.h>

#include <fstream>
#include <thread>
#include <vector>

#include "absl/log/check.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "bench/handshakes/cpu_time.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"

namespace sluice::bench {
namespace {

using testing::ChildProcess;
using testing::CountOccurrences;

constexpr char kNginxUpstream[] = R"(
daemon off;
master_process off;
pid $0/nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
    log_format connection '$$ssl_session_reused';
    access_log $0/connections.log connection;
    server {
        listen $1 ssl backlog=4096;
        ssl_certificate $2;
        ssl_certificate_key $3;
        ssl_protocols $4;
        return 200 "ok";
    }
}
)";

constexpr char kNginxProxy[] = R"(
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
pid $0/proxy.pid;
error_log stderr warn;
worker_processes $1;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
stream {
    server {
        listen $2 backlog=4096 reuseport;
        proxy_pass $3;
        $4
    }
}
)";

constexpr char kSluiceProxy[] = R"(
daemon off;
pid proxy.pid;
error_log stderr warn;
worker_processes $0;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
stream {
    server {
        listen $1 backlog=4096;
        proxy_pass $2;
        $3
    }
}
)";

// A proxy with one worker has a CPU of its own where there are two.
std::vector<std::string> OnCpus(std::string_view cpus, const std::vector<std::string>& argv) {
  if (std::thread::hardware_concurrency() < 2) return argv;
  std::vector<std::string> pinned = {"taskset", "-c", std::string(cpus)};
  pinned.insert(pinned.end(), argv.begin(), argv.end());
  return pinned;
}

// nginx and sluice write their number down once all their sockets listen. (To try to connect would
// be a connection too many.)
void WaitForPidFile(const std::string& path, const ChildProcess& child) {
  CHECK(testing::Eventually([&] { return !testing::ReadFile(path).empty() || child.HasEnded(); }) &&
        !child.HasEnded())
      << child.Output();
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/task/", pid, "/children"));
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

}  // namespace

Certificates::Certificates() {
  const tools::Certificate ca = tools::Certificate::SelfSigned(tools::CaSpec("ca"));
  const tools::Certificate server = ca.Issue(tools::ServerSpec({"backend"}));
  dir_.Write("ca", ca.pem());
  dir_.Write("server", server.chain_pem());
  dir_.Write("server_key", server.key_pem());
}

Upstream::Upstream(Kind kind, std::string_view version, const Certificates& certificates)
    : kind_(kind) {
  std::vector<std::string> argv;
  if (kind == Kind::kBoringssl) {
    argv = {"tools/demo_upstream", absl::StrCat("--certificate=", certificates.File("server")),
            absl::StrCat("--key=", certificates.File("server_key"))};
  } else {
    address_ = testing::FreeAddress();
    const std::string config =
        dir_.Write("nginx.conf", absl::Substitute(kNginxUpstream, dir_.path(), address_,
                                                  certificates.File("server"),
                                                  certificates.File("server_key"), version));
    argv = {"/usr/sbin/nginx", "-e", "stderr", "-c", config};
  }
  child_ = std::make_unique<ChildProcess>(OnCpus("1", argv));
  if (kind == Kind::kBoringssl) {
    CHECK(child_->WaitForOutput("port ")) << child_->Output();
    CHECK(child_->WaitForOutput("\n")) << child_->Output();
    const std::string output = child_->Output();
    address_ = absl::StrCat("127.0.0.1:", output.substr(5, output.find('\n') - 5));
  } else {
    WaitForPidFile(dir_.File("nginx.pid"), *child_);
  }
}

Upstream::~Upstream() {
  child_->Signal(SIGTERM);
  child_->Wait();
}

Upstream::Counts Upstream::CountConnections() const {
  if (kind_ == Kind::kBoringssl) {
    const std::string output = child_->Output();
    return {.num_connections = CountOccurrences(output, "connection "),
            .num_resumed = CountOccurrences(output, "resumed=yes")};
  }
  const std::string log = testing::ReadFile(dir_.File("connections.log"));
  return {.num_connections = CountOccurrences(log, "\n"),
          .num_resumed = CountOccurrences(log, "r\n")};
}

Proxy::Proxy(Kind kind, int workers, std::string_view upstream_address, std::string_view proxy_ssl)
    : kind_(kind), address_(testing::FreeAddress()) {
  std::vector<std::string> argv;
  if (kind == Kind::kSluice) {
    const std::string config =
        dir_.Write("sluice.conf",
                   absl::Substitute(kSluiceProxy, workers, address_, upstream_address, proxy_ssl));
    argv = {"engine/sluice", "-p", dir_.path(), "-c", config, "-e", "stderr"};
  } else {
    const std::string config = dir_.Write(
        "nginx.conf",
        absl::Substitute(kNginxProxy, dir_.path(), workers, address_, upstream_address, proxy_ssl));
    argv = {"/usr/sbin/nginx", "-e", "stderr", "-c", config};
  }
  child_ = std::make_unique<ChildProcess>(OnCpus(workers == 1 ? "0" : "0,1", argv));
  WaitForPidFile(dir_.File("proxy.pid"), *child_);
}

Proxy::~Proxy() {
  child_->Signal(SIGTERM);
  child_->Wait();
}

int64_t Proxy::CpuTimeNs() const {
  int64_t total_ns = bench::CpuTimeNs(child_->pid());
  for (const pid_t worker : ChildrenOf(child_->pid())) total_ns += bench::CpuTimeNs(worker);
  return total_ns;
}

}  // namespace sluice::bench
