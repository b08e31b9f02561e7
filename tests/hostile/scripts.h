// The forms that most scripts have: what is special about one is a function of a few lines.
#ifndef SLUICE_TESTS_HOSTILE_SCRIPTS_H_
#define SLUICE_TESTS_HOSTILE_SCRIPTS_H_

#include <functional>
#include <string>

#include "tests/hostile/misbehaviour.h"
#include "tests/hostile/record_layer.h"
#include "tests/hostile/tls12_server.h"
#include "tests/hostile/tls13_server.h"

namespace sluice::testing {

using Part13 = std::function<void(RecordLayer&, Tls13Server&)>;
using Part12 = std::function<void(RecordLayer&, Tls12Server&)>;

// Answers the ClientHello with bytes of any kind.
Script Answer(std::string bytes);

// `part` follows the ClientHello, or the whole handshake. What it leaves queued is sent.
Script During13(Part13 part);
Script During12(Part12 part);
Script After13(Part13 part);
Script After12(Part12 part);

// The rest of a handshake that goes well after all: once the server has said all of its own,
// waits for the client's Finished, says "good" and closes.
void EndWell(RecordLayer& wire, Tls13Server& tls, bool asked = false);

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_SCRIPTS_H_
