#include "tests/hostile/stage.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "tests/hostile/identity.h"
#include "tests/hostile/tls13_server.h"
#include "tests/support/free_port.h"

namespace sluice::testing {
namespace {

// One shard: a connection that holds it up holds up the next one too, and the test sees it.
constexpr std::string_view kMain =
    "daemon off;\n"
    "error_log stderr info;\n"
    "pid sluice.pid;\n"
    "worker_processes 1;\n"
    "events { worker_connections 1024; }\n";

void BehaveWell(Socket& socket) {
  RecordLayer wire(socket);
  Tls13Server tls(wire);
  if (!tls.Accept()) return;
  while (const std::optional<RecordLayer::Received> received = wire.Read()) {
    if (received->content_type == kApplicationData) tls.SayData(received->content);
    wire.Flush();
  }
}

std::string LoopbackAddress(size_t port) { return absl::StrCat("127.0.0.1:", port); }

}  // namespace

Stage::Upstream::Upstream(const Misbehaviour& misbehaviour)
    : misbehaviour(misbehaviour), server([this](Socket& socket) { Serve(socket); }) {}

void Stage::Upstream::Serve(Socket& socket) {
  const int connection = num_connections++;
  const int scripted = misbehaviour.before ? 1 : 0;
  if (connection > scripted) {
    BehaveWell(socket);
    return;
  }
  RecordLayer wire(socket);
  if (connection < scripted) {
    misbehaviour.before(wire);
    wire.Drain();
    return;
  }
  begin.get_future().wait();
  misbehaviour.script(wire);
  const End end = wire.reset() ? End::kStillOpen : wire.Drain();
  seen.set_value({.may_hold_application_data = wire.may_hold_application_data(),
                  .has_greeted = wire.has_greeted(),
                  .bytes = wire.bytes_received(),
                  .end = end});
}

Stage::Stage(std::vector<Misbehaviour> misbehaviours)
    : misbehaviours_(std::move(misbehaviours)),
      first_port_(FreePort(static_cast<int>(misbehaviours_.size()) + 1)),
      good_upstream_(BehaveWell) {
  std::string stream = absl::Substitute(
      "proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate $0; proxy_ssl_name backend;"
      "proxy_ssl_protocols TLSv1.2 TLSv1.3;\n"
      "server { listen $1; proxy_pass $2; }\n",
      dir_.Write("ca.crt", TrustedCaPem()), GoodClientAddress(), good_upstream_.address());
  for (size_t i = 0; i < misbehaviours_.size(); ++i) {
    upstreams_.push_back(std::make_unique<Upstream>(misbehaviours_[i]));
    absl::StrAppend(&stream, "server { listen ", ClientAddress(i), "; proxy_pass ",
                    UpstreamAddress(i), "; ", misbehaviours_[i].settings, " }\n");
  }
  sluice_ = std::make_unique<SluiceProcess>(kMain, stream);
}

std::string Stage::ClientAddress(size_t misbehaviour) const {
  return LoopbackAddress(first_port_ + 1 + misbehaviour);
}

std::string Stage::GoodClientAddress() const { return LoopbackAddress(first_port_); }

}  // namespace sluice::testing
