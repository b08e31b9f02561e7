// How long a peer's connections take, for least_time: what nginx makes of the times it measures.
//
// The average moves by a twentieth of the way with every new time. Times are taken in steps of
// 20 ms, so that peers about as fast as each other take turns, and those above 5 s are all the
// same. The load of a peer is that time for each of its connections and for the one to come.
#ifndef SLUICE_ENGINE_BALANCE_LEAST_TIME_H_
#define SLUICE_ENGINE_BALANCE_LEAST_TIME_H_

#include <cstdint>

namespace sluice::engine {

// An average in which what is long ago counts ever less.
class MovingAverage {
 public:
  // The first value is the average.
  void Add(double value);
  // 0: there was none yet.
  double value() const { return value_; }

 private:
  double value_ = 0;
  bool started_ = false;
};

// The times of one peer, in milliseconds.
class PeerTimes {
 public:
  // One connection has taken this long.
  void Add(int64_t ms) { average_.Add(static_cast<double>(ms)); }

  // With `inflight`: a connection whose time is not known yet, and the end of that state, when it
  // is `age_ms` old. `now_ms` is monotonic.
  void OnStarted(int64_t now_ms);
  void OnSettled(int64_t age_ms, int64_t now_ms);

  // With `inflight`, before each choice: takes down how old those connections are now.
  void Observe(int64_t now_ms);

  // How much work the peer has, to be compared with other peers' for its weight. `num_halvings`:
  // the average counts half as much for each of them.
  int64_t Load(int num_connections, int64_t num_halvings) const;

 private:
  MovingAverage average_;
  int num_in_flight_ = 0;
  // The ages of those in flight, added up, at `summed_at_ms_`.
  int64_t ages_ms_ = 0;
  int64_t summed_at_ms_ = 0;
  MovingAverage in_flight_age_;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_LEAST_TIME_H_
