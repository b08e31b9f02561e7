// Whose sessions a connection may resume: those of the same identity and trust, and no others.
//
// nginx fails this: servers that share an upstream share its sessions, whatever they trust. Each
// case here is two servers that proxy to the same upstream and differ in one setting. Either may
// come first; whatever the first has cached, the second must do as it would alone, and afterwards
// the first must find its own sessions again.
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/free_port.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_peers.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

using Directives = std::map<std::string, std::string>;

// What a server makes of the upstream's certificate.
enum Verdict : uint8_t { kAccepts, kRefuses };

struct Side {
  Directives directives;  // Beside, or in place of, those that all servers have.
  Verdict verdict = kAccepts;
};

struct Case {
  std::string name;  // The field of the fingerprint.
  Side a;
  Side b;
};

class Files {
 public:
  Files() {
    using tools::Certificate;
    const Certificate ca = Certificate::SelfSigned(tools::CaSpec("ca"));
    const Certificate other_ca = Certificate::SelfSigned(tools::CaSpec("other ca"));
    const Certificate server = ca.Issue(tools::ServerSpec({"backend", "alias"}));
    dir_.Write("ca", ca.pem());
    dir_.Write("other_ca", other_ca.pem());
    dir_.Write("both_cas", absl::StrCat(ca.pem(), other_ca.pem()));
    dir_.Write("server", server.chain_pem());
    dir_.Write("server_key", server.key_pem());
    dir_.Write("crl", ca.CrlPem({}));
    dir_.Write("other_crl", other_ca.CrlPem({}));
    dir_.Write("revoking_crl", ca.CrlPem({.revoked_serials = {server.serial()}}));
    for (const char* name : {"one", "two"}) {
      const Certificate client = ca.Issue(tools::ClientSpec(name));
      dir_.Write(absl::StrCat("client_", name), client.chain_pem());
      dir_.Write(absl::StrCat("client_", name, "_key"), client.key_pem());
      dir_.Write(absl::StrCat("client_", name, "_encrypted_key"),
                 client.encrypted_key_pem("secret"));
    }
    dir_.Write("password", "secret\n");
  }

  std::string operator()(std::string_view name) const { return dir_.File(name); }

 private:
  const TempDir dir_;
};

const Files& File() {
  static const Files* const files = new Files();
  return *files;
}

std::vector<Case> Cases() {
  const auto client = [](const std::string& name, const std::string& key) -> Directives {
    return {{"proxy_ssl_certificate", File()(absl::StrCat("client_", name))},
            {"proxy_ssl_certificate_key", File()(absl::StrCat("client_", name, "_", key))}};
  };
  Directives with_password = client("one", "encrypted_key");
  with_password["proxy_ssl_password_file"] = File()("password");
  return {
      {"ca_set", {}, {{{"proxy_ssl_trusted_certificate", File()("other_ca")}}, kRefuses}},
      {"more_cas", {}, {{{"proxy_ssl_trusted_certificate", File()("both_cas")}}}},
      {"crl", {}, {{{"proxy_ssl_crl", File()("crl")}}}},
      {"crl_that_revokes", {}, {{{"proxy_ssl_crl", File()("revoking_crl")}}, kRefuses}},
      {"crl_contents",
       {{{"proxy_ssl_crl", File()("crl")}}},
       {{{"proxy_ssl_crl", File()("revoking_crl")}}, kRefuses}},
      {"crl_of_another_ca", {}, {{{"proxy_ssl_crl", File()("other_crl")}}, kRefuses}},
      {"verify", {}, {{{"proxy_ssl_verify", "off"}}}},
      {"verify_where_it_fails",
       {{{"proxy_ssl_verify", "off"}, {"proxy_ssl_trusted_certificate", File()("other_ca")}}},
       {{{"proxy_ssl_trusted_certificate", File()("other_ca")}}, kRefuses}},
      {"verify_depth", {}, {{{"proxy_ssl_verify_depth", "3"}}}},
      {"verify_legacy", {}, {{{"proxy_ssl_verify_legacy", "on"}}}},
      {"name", {}, {{{"proxy_ssl_name", "alias"}}}},
      {"wrong_name", {}, {{{"proxy_ssl_name", "stranger"}}, kRefuses}},
      {"server_name", {}, {{{"proxy_ssl_server_name", "on"}}}},
      {"client_certificate", {}, {client("one", "key")}},
      {"other_client_certificate", {client("one", "key")}, {client("two", "key")}},
      {"client_key_file", {client("one", "key")}, {with_password}},
      {"alpn", {}, {{{"proxy_ssl_alpn", "one"}}}},
      {"other_alpn", {{{"proxy_ssl_alpn", "one two"}}}, {{{"proxy_ssl_alpn", "two one"}}}},
      {"protocols", {}, {{{"proxy_ssl_protocols", "TLSv1.2 TLSv1.3"}}}},
      {"ciphers", {}, {{{"proxy_ssl_ciphers", "ECDHE+AESGCM"}}}},
      {"groups", {}, {{{"proxy_ssl_groups", "P-256"}}}},
      {"signature_algorithms",
       {},
       {{{"proxy_ssl_conf_command", "SignatureAlgorithms ECDSA+SHA256"}}}},
      {"session_tickets", {}, {{{"proxy_ssl_session_tickets", "single_use"}}}},
      {"session_cache", {}, {{{"proxy_ssl_session_cache", "256k"}}}},
      {"session_reuse", {}, {{{"proxy_ssl_session_reuse", "off"}}}},
  };
}

// One server of a case.
struct Server {
  std::string address;
  bool refuses;
  bool reuses;
};

class IsolationTest : public ::testing::TestWithParam<const char*> {
 protected:
  IsolationTest() : upstream_(echo_.address(), Upstream()) {}

  // A listener of `upstream_` for each case and order: what shares an address shares sessions.
  std::string Upstream() {
    std::string directives = absl::Substitute(
        "ssl_certificate $0; ssl_certificate_key $1; ssl_protocols $2; "
        "ssl_verify_client optional; ssl_client_certificate $3;",
        File()("server"), File()("server_key"), GetParam(), File()("ca"));
    for (size_t i = 0; i < 2 * Cases().size(); ++i) {
      upstream_addresses_.push_back(FreeAddress());
      absl::StrAppend(&directives, "listen ", upstream_addresses_.back(), " ssl;");
    }
    return directives;
  }

  // Adds a server that proxies to `upstream` to the configuration.
  Server AddServer(const Side& side, std::string_view upstream) {
    Directives directives = {{"proxy_ssl", "on"},
                             {"proxy_ssl_protocols", GetParam()},
                             {"proxy_ssl_verify", "on"},
                             {"proxy_ssl_trusted_certificate", File()("ca")},
                             {"proxy_ssl_name", "backend"}};
    for (const auto& [name, value] : side.directives) directives[name] = value;
    const Server server = {.address = FreeAddress(),
                           .refuses = side.verdict == kRefuses,
                           .reuses = !side.directives.contains("proxy_ssl_session_reuse")};
    absl::StrAppend(&stream_, "server { listen ", server.address, "; proxy_pass ", upstream, "; ");
    for (const auto& [name, value] : directives) absl::StrAppend(&stream_, name, " ", value, "; ");
    absl::StrAppend(&stream_, "}\n");
    return server;
  }

  // One connection to `server`. Returns whether the upstream saw a session resumed.
  bool Connect(const Server& server) {
    Socket client = Socket::Connect(server.address);
    client.Send("hello");
    if (server.refuses) {
      EXPECT_EQ(client.ReceiveToEnd(), "") << "an untrusted upstream was let in";
    } else {
      EXPECT_EQ(client.Receive(5), "hello");
    }
    client.Close();
    const std::string line = upstream_.WaitForConnections(++num_connections_).back();
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    return words.size() > 2 && words[2] == "r";
  }

  TcpServer echo_{Echo};
  std::vector<std::string> upstream_addresses_;
  NginxTlsUpstream upstream_;
  std::string stream_;
  int num_connections_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Version, IsolationTest, ::testing::Values("TLSv1.2", "TLSv1.3"),
                         [](const auto& info) {
                           return std::string_view(info.param) == "TLSv1.2" ? "Tls12" : "Tls13";
                         });

TEST_P(IsolationTest, NoSessionCrossesASettingAndNoneIsLostToOne) {
  struct Pair {
    std::string name;
    Server first;
    Server second;
  };
  std::vector<Pair> pairs;
  for (const Case& test : Cases()) {
    for (const bool reversed : {false, true}) {
      const std::string& upstream = upstream_addresses_[pairs.size()];
      const Side& first = reversed ? test.b : test.a;
      const Side& second = reversed ? test.a : test.b;
      pairs.push_back({.name = absl::StrCat(test.name, reversed ? ", reversed" : ""),
                       .first = AddServer(first, upstream),
                       .second = AddServer(second, upstream)});
    }
  }
  SluiceProcess sluice(stream_);
  int num_crossed = 0;
  int num_owed = 0;
  int num_resumed = 0;
  const auto expect = [&](const Server& server, bool first_time) {
    const bool resumed = Connect(server);
    const bool may = !first_time && !server.refuses && server.reuses;
    EXPECT_EQ(resumed, may);
    num_crossed += resumed && !may;
    num_owed += may;
    num_resumed += resumed && may;
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.name);
    expect(pair.first, /*first_time=*/true);
    expect(pair.first, /*first_time=*/false);
    expect(pair.second, /*first_time=*/true);
    expect(pair.second, /*first_time=*/false);
    expect(pair.first, /*first_time=*/false);
  }
  std::cout << GetParam() << ": " << pairs.size() << " pairs of servers, " << num_crossed
            << " cross-resumptions, " << num_resumed << " of " << num_owed
            << " resumptions by the same identity" << std::endl;
}

}  // namespace
}  // namespace sluice::testing
