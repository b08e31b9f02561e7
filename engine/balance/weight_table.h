// Peers in a row, each as wide as its weight: what hash and random throw their numbers at.
#ifndef SLUICE_ENGINE_BALANCE_WEIGHT_TABLE_H_
#define SLUICE_ENGINE_BALANCE_WEIGHT_TABLE_H_

#include <cstdint>
#include <vector>

namespace sluice::engine {

class WeightTable {
 public:
  // Puts `peer` behind the others. `weight` is 1 at least.
  void Add(int peer, int weight) {
    total_ += weight;
    entries_.push_back({.end = total_, .peer = peer});
  }

  // The sum of all weights. 64 bits: a group may have very many peers.
  int64_t total() const { return total_; }

  // The peer at `offset`, from 0 to total() - 1.
  int PeerAt(int64_t offset) const;

 private:
  struct Entry {
    int64_t end;  // Its weight and all before.
    int peer;
  };

  std::vector<Entry> entries_;
  int64_t total_ = 0;
};

}  // namespace sluice::engine

#endif  // SLUICE_ENGINE_BALANCE_WEIGHT_TABLE_H_
