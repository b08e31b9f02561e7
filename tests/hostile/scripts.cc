#include "tests/hostile/scripts.h"

#include <utility>

namespace sluice::testing {

Script Answer(std::string bytes) {
  return [bytes = std::move(bytes)](RecordLayer& wire) {
    wire.ReadMessage();
    wire.QueueBytes(bytes);
    wire.Flush();
  };
}

Script During13(Part13 part) {
  return [part = std::move(part)](RecordLayer& wire) {
    Tls13Server tls(wire);
    if (tls.ReadClientHello()) part(wire, tls);
    wire.Flush();
  };
}

Script During12(Part12 part) {
  return [part = std::move(part)](RecordLayer& wire) {
    Tls12Server tls(wire);
    if (tls.ReadClientHello()) part(wire, tls);
    wire.Flush();
  };
}

Script After13(Part13 part) {
  return [part = std::move(part)](RecordLayer& wire) {
    Tls13Server tls(wire);
    if (tls.Accept()) part(wire, tls);
    wire.Flush();
  };
}

Script After12(Part12 part) {
  return [part = std::move(part)](RecordLayer& wire) {
    Tls12Server tls(wire);
    if (tls.Accept()) part(wire, tls);
    wire.Flush();
  };
}

void EndWell(RecordLayer& wire, Tls13Server& tls, bool asked) {
  wire.Flush();
  if (!tls.ReadClientFinished(asked)) return;
  tls.SayData("good");
  tls.Close();
}

}  // namespace sluice::testing
