#include "tls/client_hello.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tls/session.h"
#include "tls/testing/test_identities.h"
#include "tls/testing/test_link.h"

namespace sluice::tls {
namespace {

using ::testing::Optional;

// What a client sends first that asks for `name`, or for nobody.
std::vector<uint8_t> HelloFor(const std::string& name) {
  Settings settings;
  settings.name = name;
  settings.send_server_name = !name.empty();
  const auto context = MakeContext(settings);
  const auto session = Session::Create(*context, nullptr, 0);
  std::vector<uint8_t> bytes(1 << 12);
  Ciphertext io{.output = bytes};
  EXPECT_EQ(session->Handshake(io), Outcome::kNeedInput);
  bytes.resize(io.produced);
  return bytes;
}

// The message in `hello`, one record, again as records of `record_bytes`.
std::vector<uint8_t> InRecords(const std::vector<uint8_t>& hello, size_t record_bytes) {
  std::vector<uint8_t> records;
  std::span<const uint8_t> message = std::span(hello).subspan(5);
  while (!message.empty()) {
    const size_t n = std::min(message.size(), record_bytes);
    records.insert(records.end(),
                   {22, 3, 1, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)});
    records.insert(records.end(), message.begin(), message.begin() + n);
    message = message.subspan(n);
  }
  return records;
}

TEST(ClientHelloTest, NameIsFoundOnceAllOfItIsThere) {
  const std::vector<uint8_t> hello = HelloFor("backend.test");
  for (size_t n = 0; n < hello.size(); ++n) {
    EXPECT_EQ(FindServerName(std::span(hello).first(n)), std::nullopt) << n;
  }
  EXPECT_THAT(FindServerName(hello), Optional(std::string("backend.test")));
}

TEST(ClientHelloTest, WhatStandsBehindItDoesNotMatter) {
  std::vector<uint8_t> bytes = HelloFor("backend.test");
  bytes.insert(bytes.end(), {'m', 'o', 'r', 'e'});
  EXPECT_THAT(FindServerName(bytes), Optional(std::string("backend.test")));
}

TEST(ClientHelloTest, MayBeCutIntoRecordsOfAnySize) {
  const std::vector<uint8_t> hello = HelloFor("backend.test");
  for (const size_t record_bytes : {1, 2, 3, 5, 100}) {
    const std::vector<uint8_t> records = InRecords(hello, record_bytes);
    EXPECT_EQ(FindServerName(std::span(records).first(records.size() - 1)), std::nullopt);
    EXPECT_THAT(FindServerName(records), Optional(std::string("backend.test"))) << record_bytes;
  }
}

TEST(ClientHelloTest, ClientThatNamesNobodyIsFoundToDoSo) {
  EXPECT_THAT(FindServerName(HelloFor("")), Optional(std::string()));
}

TEST(ClientHelloTest, WhatIsNoClientHelloNamesNobodyAtOnce) {
  for (const std::string_view text : {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n"}) {
    EXPECT_THAT(FindServerName({reinterpret_cast<const uint8_t*>(text.data()), text.size()}),
                Optional(std::string()));
  }
  for (const std::vector<uint8_t>& bytes : std::vector<std::vector<uint8_t>>{
           {21},                                // An alert.
           {22, 3, 1, 0, 0},                    // A record without a body,
           {22, 3, 1, 0xff, 0xff},              // or one that is too long.
           {22, 2, 0, 0, 4},                    // SSL 2.
           {22, 3, 1, 0, 1, 2},                 // A ServerHello.
           {22, 3, 1, 0, 4, 1, 1, 0, 0},        // A message of 65,536 bytes.
           {22, 3, 1, 0, 5, 1, 0, 0, 1, 0}}) {  // One that is cut short inside.
    EXPECT_THAT(FindServerName(bytes), Optional(std::string())) << testing::PrintToString(bytes);
  }
}

TEST(ClientHelloTest, BrokenBytesInsideAreSurvived) {
  const std::vector<uint8_t> hello = HelloFor("backend.test");
  for (size_t i = 5; i < hello.size(); ++i) {
    for (const uint8_t broken : {0, 1, 0x7f, 0xff}) {
      std::vector<uint8_t> bytes = hello;
      bytes[i] = broken;
      const std::optional<std::string> name = FindServerName(bytes);
      EXPECT_TRUE(!name.has_value() || name->size() < bytes.size());
    }
  }
}

}  // namespace
}  // namespace sluice::tls
