// Rows for how a group chooses its peers.
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "config/call.h"
#include "config/directives.h"
#include "config/quote.h"

namespace sluice::config {
namespace {

using Method = Balance::Method;

void InvalidParameter(const Call& call, const Word& word) {
  call.Error(
      word, absl::StrCat("invalid parameter ", Quote(word.text), " in \"", call.spec.name,
                         "\" directive: expected \"", call.spec.name, " ", call.spec.usage, ";\""));
}

// As in nginx, the last method counts.
void SetBalance(Call& call, Balance balance) {
  UpstreamScope& scope = *call.upstream;
  if (scope.method != nullptr) {
    call.Warning(call.directive.name,
                 absl::StrCat("load balancing method redefined: this one counts, and not \"",
                              scope.method->name.text, "\" at ", scope.method->name.span.Where()));
  }
  scope.method = &call.directive;
  scope.upstream.balance = std::move(balance);
  if (scope.upstream.balance.takes_backup_and_slow_start()) return;
  for (const Peer& peer : scope.upstream.peers) {
    if (peer.slow_start_ms == 0) continue;
    call.Error(call.directive.name,
               absl::StrCat("balancing method does not support parameter \"slow_start\", which "
                            "server ",
                            Quote(peer.name), " has: remove it, or choose another method"));
    return;
  }
}

void SetHash(Call& call) {
  Balance balance{.method = Method::kHash};
  if (call.directive.args.size() == 2) {
    if (call.arg(1).text != "consistent") return InvalidParameter(call, call.arg(1));
    balance.method = Method::kConsistentHash;
  }
  std::optional<Template> key = call.ParseTemplate(call.arg(0));
  if (!key.has_value()) return;
  balance.hash_key = *std::move(key);
  SetBalance(call, std::move(balance));
}

void SetLeastConn(Call& call) { SetBalance(call, {.method = Method::kLeastConn}); }

std::optional<Balance::Time> ParseTime(std::string_view name) {
  if (name == "connect") return Balance::Time::kConnect;
  if (name == "first_byte") return Balance::Time::kFirstByte;
  if (name == "last_byte") return Balance::Time::kLastByte;
  return std::nullopt;
}

void SetLeastTime(Call& call) {
  const std::optional<Balance::Time> time = ParseTime(call.arg(0).text);
  if (!time.has_value()) return call.InvalidValue(call.arg(0), "connect, first_byte or last_byte");
  Balance balance{.method = Method::kLeastTime, .time = *time};
  if (call.directive.args.size() == 2) {
    if (call.arg(1).text != "inflight") return InvalidParameter(call, call.arg(1));
    balance.inflight = true;
  }
  SetBalance(call, std::move(balance));
}

void SetRandom(Call& call) {
  const size_t num_args = call.directive.args.size();
  Balance balance{.method = Method::kRandom};
  if (num_args >= 1) {
    if (call.arg(0).text != "two") return InvalidParameter(call, call.arg(0));
    balance.method = Method::kRandomLeastConn;
  }
  if (num_args == 2 && call.arg(1).text != "least_conn") {
    std::string_view time = call.arg(1).text;
    const bool is_least_time = absl::ConsumePrefix(&time, "least_time=");
    const std::optional<Balance::Time> known = ParseTime(time);
    if (!is_least_time || !known.has_value()) return InvalidParameter(call, call.arg(1));
    balance = {.method = Method::kRandomLeastTime, .time = *known};
  }
  SetBalance(call, std::move(balance));
}

constexpr DirectiveSpec kDirectives[] = {
    {.name = "hash",
     .contexts = kUpstream,
     .args = {1, 2},
     .repeat = Repeat::kMany,
     .set = SetHash,
     .usage = "KEY [consistent]",
     .help = "A peer for each value of a key; \"consistent\": most keys stay when peers change."},
    {.name = "least_conn",
     .contexts = kUpstream,
     .args = {0, 0},
     .repeat = Repeat::kMany,
     .set = SetLeastConn,
     .help = "The peer with the fewest connections for its weight."},
    {.name = "least_time",
     .contexts = kUpstream,
     .args = {1, 2},
     .repeat = Repeat::kMany,
     .set = SetLeastTime,
     .usage = "connect|first_byte|last_byte [inflight]",
     .help = "The peer with the least average time and the fewest connections for its weight."},
    {.name = "random",
     .contexts = kUpstream,
     .args = {0, 2},
     .repeat = Repeat::kMany,
     .set = SetRandom,
     .usage = "[two [least_conn|least_time=connect|first_byte|last_byte]]",
     .help = "Any peer by its weight, or the better of two."},
};

}  // namespace

std::span<const DirectiveSpec> BalanceDirectives() { return kDirectives; }

}  // namespace sluice::config
