// The processes that a run needs: a TLS upstream and a proxy in front of it, each held to its CPUs.
#ifndef SLUICE_BENCH_HANDSHAKES_PROCESSES_H_
#define SLUICE_BENCH_HANDSHAKES_PROCESSES_H_

#include <memory>
#include <string>
#include <string_view>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tools/certificate_maker.h"

namespace sluice::bench {

// A CA and what it has issued, as files.
class Certificates {
 public:
  Certificates();
  // "ca", "server", "server_key".
  std::string File(std::string_view name) const { return dir_.File(name); }

 private:
  const testing::TempDir dir_;
};

// What every upstream answers with at least as many bytes.
inline constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: backend\r\n\r\n";

// A TLS server.
class Upstream {
 public:
  enum class Kind {
    kOpenssl,    // Debian's nginx.
    kBoringssl,  // tools/demo_upstream.
  };

  // `version` is nginx's name of it ("TLSv1.3"); BoringSSL takes what the proxy offers.
  Upstream(Kind kind, std::string_view version, const Certificates& certificates);
  ~Upstream();

  const std::string& address() const { return address_; }
  // What has ended so far.
  struct Counts {
    int num_connections = 0;
    int num_resumed = 0;
  };
  Counts CountConnections() const;

 private:
  const Kind kind_;
  const testing::TempDir dir_;
  std::string address_;
  std::unique_ptr<testing::ChildProcess> child_;
};

// A proxy whose configuration is the `stream` block of one server.
class Proxy {
 public:
  enum class Kind { kSluice, kNginx };

  // `workers` shards or worker processes.
  Proxy(Kind kind, int workers, std::string_view upstream_address, std::string_view proxy_ssl);
  ~Proxy();

  const std::string& address() const { return address_; }
  // Of all that do its work.
  int64_t CpuTimeNs() const;

 private:
  const Kind kind_;
  const testing::TempDir dir_;
  const std::string address_;
  std::unique_ptr<testing::ChildProcess> child_;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_HANDSHAKES_PROCESSES_H_
