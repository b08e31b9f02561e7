#include "engine/balance/least_time.h"

#include <algorithm>
#include <cmath>

#include "absl/log/check.h"

namespace sluice::engine {
namespace {

constexpr double kNewestShare = 0.05;
constexpr int64_t kStepMs = 20;
constexpr int64_t kSlowestMs = 5000;

}  // namespace

void MovingAverage::Add(double value) {
  value_ = started_ ? value_ + (value - value_) * kNewestShare : value;
  started_ = true;
}

void PeerTimes::OnStarted(int64_t now_ms) {
  ages_ms_ += (now_ms - summed_at_ms_) * num_in_flight_;
  summed_at_ms_ = now_ms;
  ++num_in_flight_;
}

void PeerTimes::OnSettled(int64_t age_ms, int64_t now_ms) {
  CHECK_GT(num_in_flight_, 0);
  ages_ms_ += (now_ms - summed_at_ms_) * num_in_flight_ - age_ms;
  summed_at_ms_ = now_ms;
  --num_in_flight_;
}

void PeerTimes::Observe(int64_t now_ms) {
  if (num_in_flight_ == 0) return;
  const int64_t ages_ms = ages_ms_ + (now_ms - summed_at_ms_) * num_in_flight_;
  in_flight_age_.Add(static_cast<double>(ages_ms) / num_in_flight_);
}

int64_t PeerTimes::Load(int num_connections, int64_t num_halvings) const {
  double time_ms =
      std::ldexp(average_.value(), -static_cast<int>(std::min<int64_t>(num_halvings, 64)));
  // Connections that have waited for longer than usual are a peer that has become slow.
  if (num_in_flight_ > 0) time_ms = std::max(time_ms, in_flight_age_.value());
  const int64_t steps = static_cast<int64_t>(std::min<double>(time_ms, kSlowestMs)) / kStepMs + 1;
  return std::min(steps * kStepMs, kSlowestMs) * (int64_t{1} + num_connections);
}

}  // namespace sluice::engine
