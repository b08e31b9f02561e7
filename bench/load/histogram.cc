#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice::bench {
namespace {

std::string Microseconds(double duration_ns) { return absl::StrFormat("%.3f", duration_ns / 1000); }

}  // namespace

Histogram::Histogram() : buckets_(BucketOf((uint64_t{1} << kMaxBits) - 1) + 1) {}

// Below kSteps a bucket is one nanosecond wide; from there on the highest kStepBits + 1 bits of a
// duration, of which the first is always set, say where it belongs.
size_t Histogram::BucketOf(uint64_t duration_ns) {
  if (duration_ns < kSteps) return duration_ns;
  const int shift = std::bit_width(duration_ns) - kStepBits - 1;
  return (static_cast<size_t>(shift) << kStepBits) + (duration_ns >> shift);
}

int64_t Histogram::UpperNs(size_t bucket) {
  if (bucket < kSteps) return static_cast<int64_t>(bucket);
  const size_t shift = (bucket >> kStepBits) - 1;
  const uint64_t high_bits = kSteps + bucket % kSteps;
  return static_cast<int64_t>(((high_bits + 1) << shift) - 1);
}

void Histogram::Add(int64_t duration_ns) {
  duration_ns = std::clamp(duration_ns, int64_t{0}, (int64_t{1} << kMaxBits) - 1);
  ++buckets_[BucketOf(static_cast<uint64_t>(duration_ns))];
  ++count_;
  min_ns_ = std::min(min_ns_, duration_ns);
  max_ns_ = std::max(max_ns_, duration_ns);
  sum_ns_ += static_cast<double>(duration_ns);
}

double Histogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_);
}

int64_t Histogram::PercentileNs(double percent) const {
  const auto rank = std::max<uint64_t>(
      static_cast<uint64_t>(std::ceil(percent / 100 * static_cast<double>(count_))), 1);
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::min(UpperNs(bucket), max_ns_);
  }
  return 0;
}

std::string Histogram::SummaryJson() const {
  const auto percentile = [this](double percent) {
    return Microseconds(static_cast<double>(PercentileNs(percent)));
  };
  return absl::StrCat("{\"min\":", Microseconds(static_cast<double>(min_ns())),
                      ",\"mean\":", Microseconds(mean_ns()), ",\"p50\":", percentile(50),
                      ",\"p90\":", percentile(90), ",\"p99\":", percentile(99),
                      ",\"p99.9\":", percentile(99.9),
                      ",\"max\":", Microseconds(static_cast<double>(max_ns_)), "}");
}

std::string Histogram::BucketsJson() const {
  std::string json = "[";
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    if (buckets_[bucket] == 0) continue;
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "[",
                    Microseconds(static_cast<double>(UpperNs(bucket))), ",", buckets_[bucket], "]");
  }
  return json + "]";
}

}  // namespace sluice::bench
