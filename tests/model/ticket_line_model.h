// tls/ticket_line.h under Relacy, a model checker of C++'s memory model: it runs a few threads over
// the real code, chooses who goes next at every atomic access and which of the values that the
// memory model allows a relaxed load sees, and watches what is not atomic for races.
//
// Relacy redefines `new`, `free` and the memory orders: it stays behind this header.
#ifndef SLUICE_TESTS_MODEL_TICKET_LINE_MODEL_H_
#define SLUICE_TESTS_MODEL_TICKET_LINE_MODEL_H_

#include <cstdint>
#include <string>

namespace sluice {

// One change to the code that must not go unnoticed.
enum class Flaw : uint8_t {
  kNone,
  kPublishRelaxed,  // Traits::kPublish is memory_order_relaxed.
  kClaimRelaxed,    // Traits::kClaim is memory_order_relaxed.
  kTornExchange,    // exchange is a load and a store.
};

enum class Search : uint8_t {
  kRandom,      // `limit` executions chosen at random, the same ones in every run.
  kExhaustive,  // All executions with at most `limit` changes of thread that nothing forces.
};

struct ModelResult {
  // Relacy's words: "SUCCESS", "DATA RACE", "USER ASSERT FAILED", ...
  std::string verdict;
  uint64_t num_executions;
};

// A line of two slots, its owner, who puts three items and takes one, and two thieves. Every item
// is used by one thread at most, and in the end released once.
ModelResult CheckStock(Flaw flaw, Search search, unsigned limit);

// A line whose owner replaces the spare item and then takes back a copy, a thread that copies and
// one that copies and forgets. Nobody uses an item that has been released, and all are in the end.
ModelResult CheckSpare(Flaw flaw, Search search, unsigned limit);

}  // namespace sluice

#endif  // SLUICE_TESTS_MODEL_TICKET_LINE_MODEL_H_
