// Counts of durations, with an error of at most 1 %.
#ifndef SLUICE_BENCH_LOAD_HISTOGRAM_H_
#define SLUICE_BENCH_LOAD_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

// Log-linear: each power of two is cut into kSteps buckets of the same width. Nanoseconds, up to
// 2^40 (18 minutes); what is longer counts as that. Least, greatest and mean are exact.
class Histogram {
 public:
  Histogram();

  void Add(int64_t duration_ns);

  uint64_t count() const { return count_; }
  int64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  int64_t max_ns() const { return max_ns_; }
  double mean_ns() const;
  // The least duration that `percent` of all are not longer than; at most 1 % too long. 0 if there
  // are none.
  int64_t PercentileNs(double percent) const;

  // {"min":..,"mean":..,"p50":..,"p90":..,"p99":..,"p99.9":..,"max":..}, microseconds.
  std::string SummaryJson() const;
  // [[upper_us,count],...] of the buckets that are not empty.
  std::string BucketsJson() const;

 private:
  static constexpr int kStepBits = 7;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  static constexpr int kMaxBits = 40;

  static size_t BucketOf(uint64_t duration_ns);
  // The greatest duration that falls into it.
  static int64_t UpperNs(size_t bucket);

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  int64_t min_ns_ = INT64_MAX;
  int64_t max_ns_ = 0;
  double sum_ns_ = 0;
};

}  // namespace sluice::bench

#endif  // SLUICE_BENCH_LOAD_HISTOGRAM_H_
