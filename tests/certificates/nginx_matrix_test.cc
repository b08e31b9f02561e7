// The matrix again with a server that we did not write: every case that Debian's nginx, which has
// OpenSSL, can be made to present.
#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/certificates/case.h"
#include "tests/certificates/matrix_proxy.h"
#include "tests/support/nginx_process.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

using Result = MatrixProxy::Result;

std::string PemOf(std::string_view der) {
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  const std::string base64 = absl::Base64Escape(der);
  for (size_t at = 0; at < base64.size(); at += 64)
    absl::StrAppend(&pem, base64.substr(at, 64), "\n");
  return pem + "-----END CERTIFICATE-----\n";
}

// One nginx that serves many chains and passes what it is sent to an echo.
class NginxServers {
 public:
  struct Server {
    const Presented* presented;
    std::string protocol;  // As ssl_protocols has it.
  };

  explicit NginxServers(const std::vector<Server>& servers) {
    std::string config;
    for (size_t i = 0; i < servers.size(); ++i) {
      std::string chain;
      for (const std::string& der : servers[i].presented->chain) chain += PemOf(der);
      absl::StrAppend(
          &config,
          absl::Substitute("server { listen $0 ssl; proxy_pass $1; ssl_protocols $2; "
                           "ssl_certificate $3; ssl_certificate_key $4; }\n",
                           address(i), echo_.address(), servers[i].protocol,
                           dir_.Write(absl::StrCat(i, ".crt"), chain),
                           dir_.Write(absl::StrCat(i, ".key"), servers[i].presented->key_pem)));
    }
    nginx_ = std::make_unique<NginxProcess>(config);
  }

  std::string address(size_t server) const {
    return absl::StrCat("unix:", dir_.File(absl::StrCat(server, ".sock")));
  }
  // Connections whose handshake nginx has seen through.
  int num_passed_on() const { return echo_.num_accepted(); }

 private:
  const TempDir dir_;
  TcpServer echo_{Echo};
  std::unique_ptr<NginxProcess> nginx_;
};

TEST(NginxMatrixTest, WhatNginxPresentsIsJudgedTheSame) {
  std::vector<Case> cases;
  for (const auto& table : {BadChains(), BadNames(), GoodCases()}) {
    for (const Case& test : table) {
      if (test.fit_for_nginx) cases.push_back(test);
    }
  }
  std::vector<NginxServers::Server> servers;
  for (const Case& test : cases) {
    for (const char* protocol : {"TLSv1.2", "TLSv1.3"}) {
      servers.push_back({&test.presented, protocol});
    }
  }
  const NginxServers nginx(servers);
  std::vector<MatrixProxy::Row> rows;
  for (size_t i = 0; i < servers.size(); ++i) {
    rows.push_back({&cases[i / 2].demands, nginx.address(i)});
  }
  MatrixProxy proxy(rows);

  int num_refused = 0;
  int num_accepted = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Case& test = cases[i / 2];
    SCOPED_TRACE(absl::StrCat(test.name, ", ", servers[i].protocol));
    const Result right = test.reason.empty() ? Result::kAccepted : Result::kRefused;
    for (int attempt = 0; attempt < 2; ++attempt) {
      EXPECT_EQ(right, proxy.Connect(i));
      ++(right == Result::kAccepted ? num_accepted : num_refused);
    }
  }
  EXPECT_EQ(num_accepted, nginx.num_passed_on());
  const auto errors = proxy.StopAndGetErrors();
  for (size_t i = 0; i < rows.size(); ++i) {
    const Case& test = cases[i / 2];
    SCOPED_TRACE(absl::StrCat(test.name, ", ", servers[i].protocol));
    EXPECT_EQ(test.reason.empty() ? 0u : 2u, errors[i].size());
    for (const std::string& error : errors[i]) {
      EXPECT_TRUE(absl::StrContains(error, test.reason)) << "without \"" << test.reason << "\":\n"
                                                         << error;
    }
  }
  EXPECT_GE(num_refused, 4 * 20);
  std::cout << num_refused << " bad refused, " << num_accepted << " good accepted: " << cases.size()
            << " cases of nginx, twice in TLS 1.2 and 1.3\n";
}

}  // namespace
}  // namespace sluice::testing
