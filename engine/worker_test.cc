#include "engine/worker.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "config/plan.h"
#include "engine/file_descriptor.h"
#include "engine/kept_listeners.h"
#include "engine/listener_sockets.h"
#include "engine/logger.h"
#include "engine/runtime_plan.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/free_port.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"

namespace sluice::engine {
namespace {

using ::sluice::testing::CanConnect;
using ::sluice::testing::Echo;
using ::sluice::testing::End;
using ::sluice::testing::Eventually;
using ::sluice::testing::FreeAddress;
using ::sluice::testing::Socket;
using ::sluice::testing::TcpServer;

config::Address Ipv4(const std::string& host, uint16_t port) {
  sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  EXPECT_EQ(inet_pton(AF_INET, host.c_str(), &address.sin_addr), 1);
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

config::Address FromText(const std::string& text) {
  const size_t colon = text.rfind(':');
  return Ipv4(text.substr(0, colon), static_cast<uint16_t>(std::stoi(text.substr(colon + 1))));
}

// Adds a server that listens on `address` and passes to the group `name` of `upstreams`.
void AddServer(config::Address address, const std::string& name,
               const std::vector<std::string>& upstreams, config::Plan& plan) {
  const auto index = static_cast<int>(plan.servers.size());
  plan.listeners.push_back({.address = std::move(address), .server = index});
  plan.servers.push_back({.upstream = index});
  plan.servers.back().half_close = true;
  plan.upstreams.push_back({.name = name});
  for (const std::string& upstream : upstreams) {
    plan.upstreams.back().peers.push_back({.address = FromText(upstream), .name = upstream});
  }
}

// A number that no other socket ever has; 0 if `fd` is no socket.
uint64_t CookieOf(int fd) {
  uint64_t cookie = 0;
  socklen_t len = sizeof(cookie);
  getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
  return cookie;
}

class RunningWorker {
 public:
  // One worker in front of `upstreams`, listening on a port of the kernel's choice.
  explicit RunningWorker(const std::vector<std::string>& upstreams,
                         const config::Process& process = {})
      : RunningWorker([&] {
          config::Plan plan;
          plan.process = process;
          AddServer(Ipv4("127.0.0.1", 0), "backend", upstreams, plan);
          return plan;
        }()) {}

  explicit RunningWorker(config::Plan plan) {
    signal(SIGPIPE, SIG_IGN);
    EXPECT_TRUE(sockets_.Open(plan, logger_).empty());
    WorkerOptions options;
    options.plan = plan_ = MakeRuntimePlan(std::move(plan));
    options.listeners = sockets_.Take(0);
    address_ = ::sluice::testing::LocalAddress(options.listeners[0].get());
    for (const FileDescriptor& listener : options.listeners) {
      listener_fds_.push_back(listener.get());
    }
    options.logger = &logger_;
    options.next_connection_number = &next_connection_number_;
    options.on_fatal = [](const absl::Status& status) {
      ADD_FAILURE() << status;
      std::abort();
    };
    auto worker = Worker::Create(std::move(options));
    EXPECT_TRUE(worker.ok()) << worker.status();
    worker_ = *std::move(worker);
    worker_->Start();
  }
  ~RunningWorker() { Stop(/*graceful=*/false); }

  void Stop(bool graceful) {
    worker_->RequestStop(graceful);
    worker_->Join();
  }
  void RequestGracefulStop() { worker_->RequestStop(/*graceful=*/true); }
  void Join() { worker_->Join(); }

  // Puts `plan` in place of the one before, and waits until that is done.
  void Switch(config::Plan plan) {
    const std::shared_ptr<const RuntimePlan> before = plan_;
    EXPECT_TRUE(sockets_.Open(plan, logger_, &before->plan()).empty());
    plan_ = MakeRuntimePlan(std::move(plan));
    auto shard_plan = ShardPlan::Create(plan_);
    ASSERT_TRUE(shard_plan.ok()) << shard_plan.status();
    std::promise<void> done;
    worker_->SwitchPlan({.plan = *std::move(shard_plan),
                         .kept = KeptListeners(before->plan(), plan_->plan()),
                         .opened = sockets_.Take(0),
                         .on_done = [&done] { done.set_value(); }});
    done.get_future().wait();
  }

  const std::string& address() const { return address_; }
  // The sockets of the first plan's listeners: theirs only as long as those are open.
  const std::vector<int>& listener_fds() const { return listener_fds_; }
  std::weak_ptr<const RuntimePlan> plan() const { return plan_; }
  const Metrics& metrics() const { return worker_->metrics(); }

 private:
  std::shared_ptr<const RuntimePlan> MakeRuntimePlan(config::Plan plan) {
    const size_t num_servers = plan.servers.size();
    return std::make_shared<RuntimePlan>(std::move(plan), std::vector<LogSetRef>(num_servers),
                                         tickets_, client_sessions_);
  }

  Logger logger_;
  tls::TicketCache tickets_{1};
  tls::ServerSessionCache client_sessions_;
  ListenerSockets sockets_;
  std::atomic<uint64_t> next_connection_number_{1};
  std::shared_ptr<const RuntimePlan> plan_;
  std::string address_;
  std::vector<int> listener_fds_;
  std::unique_ptr<Worker> worker_;
};

TEST(Worker, BytesGoThereAndBack) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  ASSERT_TRUE(client.Send("ping"));
  EXPECT_EQ(client.Receive(4), "ping");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), End::kFin);
}

TEST(Worker, BulkArrivesWholeAndInOrder) {
  constexpr uint64_t kBytes = 64 << 20;
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  std::thread sender([&] {
    EXPECT_TRUE(client.SendPattern(1, kBytes));
    client.ShutdownWrite();
  });
  EXPECT_EQ(client.ReceivePattern(1, kBytes), kBytes);
  sender.join();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_GT(worker.metrics().spliced_bytes_total.value(), 0u);
}

// What is urgent is lost, as with nginx; what stands behind it is not.
TEST(Worker, BulkGoesOnBehindUrgentData) {
  constexpr uint64_t kBytes = 16 << 20;
  TcpServer upstream([](Socket& socket) {
    EXPECT_TRUE(socket.SendPattern(1, kBytes));
    EXPECT_EQ(send(socket.fd(), "!", 1, MSG_OOB), 1);
    EXPECT_TRUE(socket.SendPattern(2, kBytes));
  });
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  EXPECT_EQ(client.ReceivePattern(1, kBytes), kBytes);
  EXPECT_EQ(client.ReceivePattern(2, kBytes), kBytes);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_GT(worker.metrics().spliced_bytes_total.value(), kBytes);
}

TEST(Worker, ManyConnectionsOneAfterTheOther) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()});
  for (int i = 0; i < 500; ++i) {
    Socket client = Socket::Connect(worker.address());
    ASSERT_TRUE(client.Send("x"));
    ASSERT_EQ(client.Receive(1), "x") << i;
  }
}

TEST(Worker, ClientBeyondWorkerConnectionsIsClosed) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()}, {.worker_connections = 2});
  Socket first = Socket::Connect(worker.address());
  ASSERT_TRUE(first.Send("x"));
  ASSERT_EQ(first.Receive(1), "x");
  Socket second = Socket::Connect(worker.address());
  EXPECT_EQ(second.ReceiveToEnd(), "");
  EXPECT_EQ(worker.metrics().connections_refused_total.value(), 1u);
  ASSERT_TRUE(first.Send("y"));
  EXPECT_EQ(first.Receive(1), "y");
}

TEST(Worker, GracefulStopLetsConnectionsEnd) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  ASSERT_TRUE(client.Send("x"));
  ASSERT_EQ(client.Receive(1), "x");
  worker.RequestGracefulStop();
  ASSERT_TRUE(client.Send("y"));
  EXPECT_EQ(client.Receive(1), "y");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  worker.Join();
}

TEST(Worker, GracefulStopEndsWithTheShutdownTimeout) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()}, {.shutdown_timeout_ms = 50});
  Socket client = Socket::Connect(worker.address());
  ASSERT_TRUE(client.Send("x"));
  ASSERT_EQ(client.Receive(1), "x");
  worker.RequestGracefulStop();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  worker.Join();
  EXPECT_EQ(worker.metrics().closed_total[static_cast<int>(CloseReason::kShutdown)].value(), 1u);
}

TEST(Worker, GracefulStopDoesNotWaitForTheShutdownTimeout) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()}, {.shutdown_timeout_ms = 1'000'000'000});
  Socket client = Socket::Connect(worker.address());
  worker.RequestGracefulStop();
  client.Close();
  worker.Join();
}

TEST(Worker, FastStopEndsConnectionsAndOvertakesAGracefulOne) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  ASSERT_TRUE(client.Send("x"));
  ASSERT_EQ(client.Receive(1), "x");
  worker.RequestGracefulStop();
  worker.Stop(/*graceful=*/false);
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(worker.metrics().closed_total[static_cast<int>(CloseReason::kShutdown)].value(), 1u);
  EXPECT_EQ(worker.metrics().connections_active.value(), 0u);
  EXPECT_EQ(worker.metrics().stale_completions_total.value(), 0u);
}

TEST(Worker, RefusedPeerIsReplacedByTheNext) {
  std::string refusing;
  {
    TcpServer gone(Echo);
    refusing = gone.address();
  }
  TcpServer upstream(Echo);
  RunningWorker worker({refusing, upstream.address()});
  Socket client = Socket::Connect(worker.address());
  ASSERT_TRUE(client.Send("ping"));
  EXPECT_EQ(client.Receive(4), "ping");
}

TEST(Worker, ResetOfTheUpstreamReachesTheClientAsReset) {
  TcpServer upstream([](Socket& socket) {
    socket.Receive(1);
    socket.Send("answer");
    socket.ResetOnClose();
  });
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  ASSERT_TRUE(client.Send("x"));
  EXPECT_EQ(client.ReceiveToEnd(), "answer");
  EXPECT_EQ(client.end(), End::kReset);
}

// --- Another plan ---

// An upstream that answers each "?" with its name, of one byte.
class NamedServer {
 public:
  explicit NamedServer(std::string name)
      : server_([name](Socket& socket) {
          while (socket.Receive(1) == "?") socket.Send(name);
        }) {}
  const std::string& address() const { return server_.address(); }

 private:
  TcpServer server_;
};

std::string Ask(Socket& client) {
  client.Send("?");
  return client.Receive(1);
}

class WorkerPlanSwitch : public ::testing::Test {
 protected:
  // A plan whose servers listen on `address` and pass to `upstream`, each.
  struct Route {
    const std::string& address;
    const NamedServer& upstream;
  };
  static config::Plan PlanOf(const std::vector<Route>& routes,
                             const config::Process& process = {}) {
    config::Plan plan;
    plan.process = process;
    for (const Route& route : routes) {
      AddServer(FromText(route.address), route.address, {route.upstream.address()}, plan);
    }
    return plan;
  }

  const NamedServer a_{"a"};
  const NamedServer b_{"b"};
  const NamedServer c_{"c"};
  const std::string first_ = FreeAddress();
  const std::string second_ = FreeAddress();
  const std::string third_ = FreeAddress();
};

TEST_F(WorkerPlanSwitch, ConnectionsKeepTheirPlanAndNewOnesGetTheNext) {
  RunningWorker worker(PlanOf({{first_, a_}}));
  Socket before = Socket::Connect(first_);
  ASSERT_EQ(Ask(before), "a");
  worker.Switch(PlanOf({{first_, b_}}));
  Socket after = Socket::Connect(first_);
  EXPECT_EQ(Ask(after), "b");
  EXPECT_EQ(Ask(before), "a");
  worker.Switch(PlanOf({{first_, c_}}));
  EXPECT_EQ(Ask(after), "b");
  EXPECT_EQ(Ask(before), "a");
}

TEST_F(WorkerPlanSwitch, AListenerThatStaysIsNotClosedAndServesWhatItIsForNow) {
  RunningWorker worker(PlanOf({{first_, a_}, {second_, b_}}));
  const std::vector<int> fds = worker.listener_fds();
  const std::vector<uint64_t> cookies = {CookieOf(fds[0]), CookieOf(fds[1])};
  ASSERT_NE(cookies[0], 0u);
  // In another place, and with a new one between them.
  worker.Switch(PlanOf({{second_, c_}, {third_, a_}, {first_, b_}}));
  EXPECT_EQ(CookieOf(fds[0]), cookies[0]);
  EXPECT_EQ(CookieOf(fds[1]), cookies[1]);
  for (const auto& [address, name] :
       {std::pair(first_, "b"), std::pair(second_, "c"), std::pair(third_, "a")}) {
    Socket client = Socket::Connect(address);
    EXPECT_EQ(Ask(client), name) << address;
  }
}

TEST_F(WorkerPlanSwitch, AListenerThatGoesIsClosedOnceItIsDone) {
  RunningWorker worker(PlanOf({{first_, a_}, {second_, b_}}));
  Socket before = Socket::Connect(second_);
  ASSERT_EQ(Ask(before), "b");
  worker.Switch(PlanOf({{first_, c_}}));
  EXPECT_FALSE(CanConnect(second_));
  EXPECT_EQ(Ask(before), "b");
  Socket after = Socket::Connect(first_);
  EXPECT_EQ(Ask(after), "c");
  // And it can come back.
  worker.Switch(PlanOf({{second_, a_}}));
  EXPECT_FALSE(CanConnect(first_));
  Socket again = Socket::Connect(second_);
  EXPECT_EQ(Ask(again), "a");
}

TEST_F(WorkerPlanSwitch, APlanGoesWithItsLastConnection) {
  RunningWorker worker(PlanOf({{first_, a_}}));
  const std::weak_ptr<const RuntimePlan> plan = worker.plan();
  Socket before = Socket::Connect(first_);
  ASSERT_EQ(Ask(before), "a");
  worker.Switch(PlanOf({{first_, b_}}));
  EXPECT_EQ(Ask(before), "a");
  EXPECT_FALSE(plan.expired());
  before.Close();
  EXPECT_TRUE(Eventually([&] { return plan.expired(); }));
}

TEST_F(WorkerPlanSwitch, TheShutdownTimeoutOfThePlanBeforeEndsItsConnectionsOnly) {
  RunningWorker worker(PlanOf({{first_, a_}}, {.shutdown_timeout_ms = 1}));
  Socket before = Socket::Connect(first_);
  ASSERT_EQ(Ask(before), "a");
  worker.Switch(PlanOf({{first_, b_}}));
  Socket after = Socket::Connect(first_);
  EXPECT_EQ(before.ReceiveToEnd(), "");
  EXPECT_EQ(Ask(after), "b");
}

// --- Connections on which small messages have gone for a while ---

constexpr int kExchanges = 10;

void Exchange(Socket& client) {
  for (int i = 0; i < kExchanges; ++i) {
    ASSERT_TRUE(client.Send("ping"));
    ASSERT_EQ(client.Receive(4), "ping");
  }
}

// The upstream's side of Exchange.
void Answer(Socket& socket) {
  for (int i = 0; i < kExchanges; ++i) {
    EXPECT_EQ(socket.Receive(4), "ping");
    EXPECT_TRUE(socket.Send("ping"));
  }
}

TEST(Worker, BulkBehindSmallMessagesArrivesWholeAndInOrderBothWays) {
  TcpServer upstream(Echo);
  RunningWorker worker({upstream.address()});
  Socket client = Socket::Connect(worker.address());
  for (const uint64_t num_bytes : {1000, 8191, 8192, 8193, 100'000, 5'000'000, 10, 20'000'000}) {
    ASSERT_NO_FATAL_FAILURE(Exchange(client));
    ASSERT_TRUE(client.ExchangePatterns(num_bytes, num_bytes, num_bytes)) << num_bytes;
  }
  client.ShutdownWrite();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  EXPECT_EQ(client.end(), End::kFin);
  EXPECT_GT(worker.metrics().spliced_bytes_total.value(), 0u);
}

TEST(Worker, EndBehindSmallMessagesComesBehindTheLastBytes) {
  TcpServer upstream([](Socket& socket) {
    Answer(socket);
    EXPECT_TRUE(socket.SendPattern(1, 100'000));
  });
  RunningWorker worker({upstream.address()});
  for (int i = 0; i < 50; ++i) {
    Socket client = Socket::Connect(worker.address());
    ASSERT_NO_FATAL_FAILURE(Exchange(client));
    ASSERT_EQ(client.ReceivePattern(1, 100'000), 100'000u);
    ASSERT_EQ(client.ReceiveToEnd(), "");
    ASSERT_EQ(client.end(), End::kFin);
  }
}

TEST(Worker, ResetBehindSmallMessagesReachesTheClientAsReset) {
  TcpServer upstream([](Socket& socket) {
    Answer(socket);
    EXPECT_EQ(socket.Receive(1), "x");
    socket.Send("answer");
    socket.ResetOnClose();
  });
  RunningWorker worker({upstream.address()});
  for (int i = 0; i < 20; ++i) {
    Socket client = Socket::Connect(worker.address());
    ASSERT_NO_FATAL_FAILURE(Exchange(client));
    ASSERT_TRUE(client.Send("x"));
    ASSERT_EQ(client.ReceiveToEnd(), "answer");
    ASSERT_EQ(client.end(), End::kReset) << i;
  }
}

}  // namespace
}  // namespace sluice::engine
