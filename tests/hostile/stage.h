// One sluice in front of all upstreams of a table, each behind a server block of its own, and of
// one that behaves.
//
// The first connection to an upstream is for its script (the second, where the table has one for
// before). On all that follow it is a good TLS 1.3 server that echoes: whatever it has done, its
// next connection must go well, through the same block with its tickets and its shard.
#ifndef SLUICE_TESTS_HOSTILE_STAGE_H_
#define SLUICE_TESTS_HOSTILE_STAGE_H_

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/hostile/misbehaviour.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {

// What an upstream saw of sluice, once both had ended the connection.
struct Seen {
  bool may_hold_application_data;
  bool has_greeted;  // It has said its greeting, if it was to say one.
  std::string bytes;
  End end;  // kStillOpen: the upstream did not wait for it.
};

class Stage {
 public:
  explicit Stage(std::vector<Misbehaviour> misbehaviours);

  SluiceProcess& sluice() { return *sluice_; }
  const std::vector<Misbehaviour>& misbehaviours() const { return misbehaviours_; }
  // The addresses that clients connect to.
  std::string ClientAddress(size_t misbehaviour) const;
  std::string GoodClientAddress() const;
  const std::string& UpstreamAddress(size_t misbehaviour) const {
    return upstreams_[misbehaviour]->server.address();
  }
  // Lets the script of this misbehaviour begin. Once.
  void Begin(size_t misbehaviour) { upstreams_[misbehaviour]->begin.set_value(); }
  // What it saw. Once.
  std::future<Seen> SeenBy(size_t misbehaviour) {
    return upstreams_[misbehaviour]->seen.get_future();
  }

 private:
  struct Upstream {
    explicit Upstream(const Misbehaviour& misbehaviour);
    void Serve(Socket& socket);

    const Misbehaviour& misbehaviour;
    std::atomic<int> num_connections = 0;
    std::promise<void> begin;
    std::promise<Seen> seen;
    TcpServer server;  // The last: its threads use the others.
  };

  const std::vector<Misbehaviour> misbehaviours_;
  const TempDir dir_;
  const int first_port_;
  TcpServer good_upstream_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::unique_ptr<SluiceProcess> sluice_;  // The last: ends before its upstreams do.
};

}  // namespace sluice::testing

#endif  // SLUICE_TESTS_HOSTILE_STAGE_H_
