// The PROXY header that a client sends: any bytes at all, in pieces of any size.
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "config/address.h"
#include "config/tlv.h"
#include "engine/proxy_protocol.h"
#include "tests/fuzz/check.h"

namespace sluice::fuzz {
namespace {

using engine::ProxyHeaderResult;
using engine::ReadProxyHeader;
using State = ProxyHeaderResult::State;

std::string_view Text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ProxyHeaderResult Read(std::string_view text) {
  return ReadProxyHeader({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::string Print(const ProxyHeaderResult& result) {
  const auto text = [](const auto& address) { return address.has_value() ? address->text : "-"; };
  switch (result.state) {
    case State::kIncomplete:
      return "incomplete";
    case State::kInvalid:
      return absl::StrCat("invalid: ", result.error);
    case State::kComplete:
      return absl::StrCat("from ", text(result.header.source), " to ",
                          text(result.header.destination), ", ", result.num_bytes,
                          " bytes, TLVs: ", result.header.tlvs);
  }
  return "";
}

// Bytes come in pieces: what is once decided of the first of them, all that follow do not change.
void CheckPieces(std::span<const uint8_t> bytes, const ProxyHeaderResult& whole) {
  for (size_t n = 0; n < bytes.size(); ++n) {
    const ProxyHeaderResult piece = ReadProxyHeader(bytes.first(n));
    if (piece.state == State::kIncomplete) continue;
    CheckEqual(Print(piece), Print(whole),
               absl::StrCat("the first ", n, " bytes tell what all of them tell"));
    if (piece.state == State::kComplete) {
      Check(n >= piece.num_bytes, "a header is not complete before its end");
    }
    return;
  }
}

void CheckBounds(std::span<const uint8_t> bytes, const ProxyHeaderResult& result) {
  switch (result.state) {
    case State::kIncomplete: {
      // Else whoever waits for the rest has no room for it.
      std::string longer(Text(bytes));
      longer.resize(std::max(longer.size(), engine::kProxyHeaderBytesMax), 'x');
      Check(Read(longer).state != State::kIncomplete, "no header is longer than the bound");
      return;
    }
    case State::kInvalid:
      Check(!result.error.empty(), "an error has words");
      return;
    case State::kComplete:
      Check(result.num_bytes <= std::min(bytes.size(), engine::kProxyHeaderBytesMax),
            "a header ends within what is there");
      Check(result.header.source.has_value() == result.header.destination.has_value(),
            "there are two addresses or none");
  }
}

void CheckTlvs(const std::string& tlvs) {
  for (int type = 0; type < 256; ++type) {
    for (const config::Tlv::Place place : {config::Tlv::Place::kTop, config::Tlv::Place::kInSsl}) {
      const auto value =
          engine::FindTlv(tlvs, {.place = place, .type = static_cast<uint8_t>(type)});
      Check(!value.has_value() || absl::StrContains(tlvs, *value), "a TLV is a part of the header");
    }
  }
  const auto verify = engine::FindTlv(tlvs, {.place = config::Tlv::Place::kSslVerify});
  Check(!verify.has_value() ||
            (!verify->empty() && verify->find_first_not_of("0123456789") == std::string::npos),
        "verify is a number");
}

// What is written for `source` and `destination` is read as `want`.
void CheckRoundTrip(const config::Address& source, const config::Address& destination,
                    std::string_view want) {
  for (const int version : {1, 2}) {
    const std::string written = engine::WriteProxyHeader(version, source, destination);
    // Whatever follows is the client's.
    const ProxyHeaderResult read = Read(written + "\r\n\n");
    Check(read.state == State::kComplete && read.num_bytes == written.size(),
          "a header that is written can be read", written);
    CheckEqual(read.header.source.has_value()
                   ? absl::StrCat(read.header.source->text, " ", read.header.destination->text)
                   : "",
               want, absl::StrCat("version ", version, " tells what was written"));
  }
}

config::Address UnixAddress() {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
  return config::AddressFromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

void CheckWriting(const engine::ProxyHeader& header) {
  if (!header.source.has_value()) return;
  const config::Address& source = *header.source;
  const config::Address& destination = *header.destination;
  CheckRoundTrip(source, destination, absl::StrCat(source.text, " ", destination.text));
  CheckRoundTrip(source, UnixAddress(), "");
  CheckRoundTrip(UnixAddress(), destination, "");
}

void Run(std::span<const uint8_t> bytes) {
  const ProxyHeaderResult result = ReadProxyHeader(bytes);
  CheckPieces(bytes, result);
  CheckBounds(bytes, result);
  if (result.state != State::kComplete) return;
  CheckTlvs(result.header.tlvs);
  CheckWriting(result.header);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sluice::fuzz::Run({data, size});
  return 0;
}
