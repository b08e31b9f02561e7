#include "engine/restart_only.h"

#include <netinet/in.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::Plan PlanWithListener() {
  const sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
  config::Plan plan;
  plan.listeners.push_back({.address = config::AddressFromSockaddr(
                                reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
                            .server = 0});
  return plan;
}

TEST(RestartOnlyTest, WhatAReloadCanChangeIsNotMentioned) {
  const config::Plan running = PlanWithListener();
  config::Plan next = PlanWithListener();
  next.process.worker_connections = 1;
  next.process.shard_cpus = {{0}};
  next.process.nofile_limit = 100;
  next.listeners[0].backlog = 1;
  next.listeners[0].rcvbuf_bytes = 10'000;
  EXPECT_THAT(KeepUntilRestart(running, next), IsEmpty());
  EXPECT_EQ(next.process.worker_connections, 1);
}

TEST(RestartOnlyTest, TheRestStaysAndIsNamed) {
  config::Plan running = PlanWithListener();
  running.process.user = "nobody";
  running.process.pid_file = "/run/a";
  running.listeners[0].sndbuf_bytes = 10'000;
  config::Plan next = PlanWithListener();
  next.process.num_shards = 4;
  next.process.daemon = false;
  next.process.pid_file = "/run/b";
  next.listeners[0].ipv6only = false;
  EXPECT_THAT(
      KeepUntilRestart(running, next),
      ElementsAre(HasSubstr("\"worker_processes\" stays \"1\" until sluice is restarted"),
                  HasSubstr("\"user\" stays \"nobody\""), HasSubstr("\"daemon\" stays \"on\""),
                  HasSubstr("\"pid\" stays \"/run/a\""),
                  HasSubstr("\"listen [::]:80\" keeps its ipv6only, sndbuf until")));
  EXPECT_EQ(next.process.num_shards, 1);
  EXPECT_EQ(next.process.user, "nobody");
  EXPECT_TRUE(next.process.daemon);
  EXPECT_EQ(next.process.pid_file, "/run/a");
}

}  // namespace
}  // namespace sluice::engine
