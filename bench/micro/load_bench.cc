// How long it takes to read and compile a large configuration: 10,000 upstream servers, in groups
// of a hundred with a server each, all with TLS.
#include <string>

#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "config/load.h"
#include "tests/support/temp_dir.h"
#include "tls/context.h"
#include "tls/server_context.h"

namespace sluice::config {
namespace {

constexpr int kGroups = 100;
constexpr int kPeersPerGroup = 100;

std::string LargeConfiguration() {
  std::string text = "events { }\nstream {\n";
  for (int group = 0; group < kGroups; ++group) {
    absl::StrAppend(&text, "  upstream group", group, " {\n");
    for (int peer = 0; peer < kPeersPerGroup; ++peer) {
      absl::StrAppend(&text, "    server 10.0.", group, ".", peer, ":443 weight=", 1 + peer % 5,
                      " max_fails=3 fail_timeout=10s;\n");
    }
    absl::StrAppend(&text, "  }\n  server {\n    listen ", 10'000 + group,
                    ";\n    proxy_pass group", group,
                    ";\n    proxy_ssl on;\n    proxy_connect_timeout 5s;\n  }\n");
  }
  return text + "}\n";
}

void BM_Load(benchmark::State& state) {
  const testing::TempDir folder;
  const std::string text = LargeConfiguration();
  const LoadOptions options = {.file = folder.Write("sluice.conf", text),
                               .prefix = folder.path(),
                               .default_pid_file = folder.File("pid"),
                               .default_error_log = {.file = "stderr"},
                               .check_tls = tls::CheckSettings,
                               .check_client_tls = tls::CheckServerSettings};
  for (auto _ : state) {
    const LoadResult result = Load(options);
    CHECK(result.plan.has_value()) << result.diagnostics.Render();
    CHECK_EQ(result.plan->upstreams.size(), size_t{kGroups});
  }
  state.SetItemsProcessed(state.iterations() * kGroups * kPeersPerGroup);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(BM_Load)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::config
