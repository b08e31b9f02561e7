// One way for an upstream to misbehave, as data: what it does, and how that must end.
//
// A test program is a table of them, by theme; stage.h runs each through a real sluice.
#ifndef SLUICE_TESTS_HOSTILE_MISBEHAVIOUR_H_
#define SLUICE_TESTS_HOSTILE_MISBEHAVIOUR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/hostile/record_layer.h"
#include "tests/hostile/wire.h"
#include "tests/support/socket.h"

namespace sluice::testing {

// What the client sends as soon as it is connected, before the upstream does anything. No upstream
// may see it before it has proved who it is.
inline constexpr std::string_view kClientBytes = "for a verified upstream only";

// What the upstream does with one connection. Once it returns, the rest of what sluice sends is
// read and looked at; the connection is closed when sluice has closed its end.
using Script = std::function<void(RecordLayer&)>;

// How sluice must end the connection.
struct Ending {
  // Of the line in the log, up to its ", client:". Empty: there is none to look for.
  std::string log;
  // All that the client gets, and what it sees then.
  std::string received;
  End client_end = End::kFin;
  // The upstream has not been verified: it must not have got a byte of the client's.
  bool refused = false;
};

// One thing that BoringSSL says has gone wrong: SSL_R_..., or another part's by ERR_PACK.
struct Error {
  Error(uint32_t code, std::string detail = "") : code(code), detail(std::move(detail)) {}
  uint32_t code;
  std::string detail;  // What it adds in words.
};
using Errors = std::vector<Error>;
// A record that the keys do not open.
Errors Forged();

// The fatal alert has come.
Error AlertReceived(AlertDescription description);

// The handshake fails so.
Ending RefusedAs(const Errors& errors);
// The same in other words than BoringSSL's.
Ending RefusedBecause(std::string_view text);
// TLS breaks while bytes are relayed. What came before is good.
Ending BrokenAs(const Errors& errors, std::string_view received = "");
// No harm is done: the client gets this and a FIN.
Ending Served(std::string_view received);
// The stream ends without close_notify: the end as it looks to the client, and a line in the log.
Ending Truncated(std::string_view received);

struct Misbehaviour {
  std::string name;  // As a test's, without the verdict.
  Script script;
  Ending ending;
  // Of the connection before it, which has to go well: leaves a ticket behind.
  Script before = nullptr;
  // Directives of its server block, beside those that make it use and verify TLS.
  std::string settings;
  // CPU time that sluice may spend on it, in a build for production. Most take 1 ms.
  double cpu_s_max = 0.25;
};

// For handshakes that stand still: lets them end soon.
inline constexpr char kShortConnectTimeout[] = "proxy_connect_timeout 300ms;";

// Each test program defines its table.
std::vector<Misbehaviour> Misbehaviours();

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_MISBEHAVIOUR_H_
