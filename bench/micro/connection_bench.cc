// What a whole connection costs without kernel and sockets: the turns in which it moves bytes, and
// its life from accept to close. Plain TCP; //bench/micro:relay_bench has what TLS adds.
#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/log/check.h"
#include "benchmark/benchmark.h"
#include "config/address.h"
#include "config/plan.h"
#include "engine/connection.h"
#include "engine/logger.h"
#include "engine/runtime_plan.h"
#include "tls/ticket_cache.h"

namespace sluice::engine {
namespace {

constexpr int kClientFd = 7;
constexpr int kUpstreamFd = 8;

config::Address LoopbackAddress(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

class Shard {
 public:
  Shard() {
    logger_.UseForProcess(
        *logger_.OpenSet({{.file = "/dev/null", .level = config::LogLevel::kError}}));
    CHECK_OK(logger_.StartQueueing());
    config::Plan plan;
    plan.listeners.push_back({.address = LoopbackAddress(1000), .server = 0});
    plan.servers.push_back({.where = "bench:1", .upstream = 0});
    plan.upstreams.push_back({.name = "backend", .peers = {{.address = LoopbackAddress(2000)}}});
    auto shard_plan = ShardPlan::Create(std::make_shared<RuntimePlan>(
        std::move(plan), std::vector<LogSetRef>(1), tickets_, client_sessions_));
    CHECK_OK(shard_plan.status());
    plan_ = *std::move(shard_plan);
  }

  void Accept() {
    connection_.emplace(
        context_, plan_,
        Connection::Client{.listener = 0, .fd = kClientFd, .address = client_address_}, now_ms_);
    CHECK(Advance().connect);
    connection_->OnUpstreamSocket(kUpstreamFd);
    connection_->OnConnected(0);
    Advance();
  }

  // A message from `source` arrives and is sent on: two turns.
  void Relay(Side source, std::span<uint8_t> message) {
    connection_->OnReceived(source, static_cast<int>(message.size()), message, /*nonempty=*/false);
    CHECK_EQ(Advance().ends[Index(Opposite(source))].send.size(), message.size());
    connection_->OnSent(Opposite(source), static_cast<int>(message.size()));
    Advance();
  }

  // The client has ended.
  void Close() {
    connection_->OnReceived(Side::kClient, 0, {}, /*nonempty=*/false);
    // What still waits for the upstream comes back cancelled.
    CHECK(Advance().ends[Index(Side::kUpstream)].cancel_recv);
    connection_->OnReceived(Side::kUpstream, -ECANCELED, {}, /*nonempty=*/false);
    Advance();
    CHECK(connection_->closed());
    connection_.reset();
  }

 private:
  Operations Advance() { return connection_->Advance(now_ms_); }

  Logger logger_;
  std::atomic<uint64_t> next_number_{1};
  ShardContext context_{
      .logger = &logger_, .next_connection_number = &next_number_, .slabs = SlabPool()};
  tls::TicketCache tickets_{1};
  tls::ServerSessionCache client_sessions_;
  std::shared_ptr<const ShardPlan> plan_;
  const config::Address client_address_ = LoopbackAddress(3000);
  int64_t now_ms_ = 1'000'000;
  std::optional<Connection> connection_;
};

// A request and its response, in four turns.
void BM_Exchange(benchmark::State& state) {
  Shard shard;
  std::vector<uint8_t> message(static_cast<size_t>(state.range(0)), 'x');
  shard.Accept();
  for (auto _ : state) {
    shard.Relay(Side::kClient, message);
    shard.Relay(Side::kUpstream, message);
  }
  shard.Close();
}
BENCHMARK(BM_Exchange)->Arg(64)->Arg(1024);

// Accept, connect, one exchange, close.
void BM_Life(benchmark::State& state) {
  Shard shard;
  std::vector<uint8_t> message(64, 'x');
  for (auto _ : state) {
    shard.Accept();
    shard.Relay(Side::kClient, message);
    shard.Relay(Side::kUpstream, message);
    shard.Close();
  }
}
BENCHMARK(BM_Life);

}  // namespace
}  // namespace sluice::engine
