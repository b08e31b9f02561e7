// What golden files cannot show: cost, sharing, and answers of the machine. What becomes of each
// directive stands in tests/golden.
#include "config/compile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "config/endpoint.h"
#include "config/load.h"

namespace sluice::config {
namespace {

class CompileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = absl::StrCat(testing::TempDir(), "/compile_test.", getpid());
    std::filesystem::create_directories(directory_);
    options_ = {.file = "sluice.conf",
                .prefix = directory_,
                .globals = {},
                .default_pid_file = "/run/sluice.pid",
                .default_error_log = {.file = "stderr"},
                .system = {.resolve =
                               [this](const std::string& host) {
                                 asked_.push_back(host);
                                 return answer_;
                               },
                           .user_exists = [](const std::string&) { return true; },
                           .group_exists = [](const std::string&) { return true; },
                           .mode_of = [this](const std::string&) { return mode_; },
                           .usable_cpus = {0, 1},
                           .is_privileged = true},
                .check_tls = [this](const tls::Settings& settings) {
                  checked_.push_back(settings);
                  return problems_;
                }};
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
  }

  LoadResult Compile(const std::string& text) {
    Write("sluice.conf", text);
    return Load(options_);
  }

  // For a text in which nothing is wrong.
  Plan GoodPlan(const std::string& text) {
    LoadResult result = Compile(text);
    EXPECT_FALSE(result.diagnostics.has_errors()) << result.diagnostics.Render();
    return result.plan.value_or(Plan());
  }

  std::string directory_;
  LoadOptions options_;
  std::vector<std::string> asked_;
  std::vector<tls::Settings> checked_;
  std::vector<tls::Problem> problems_;
  absl::StatusOr<mode_t> mode_ = S_IFREG | 0600;
  absl::StatusOr<std::vector<Address>> answer_ =
      std::vector<Address>{IpAddress("192.0.2.1", 0), IpAddress("2001:db8::1", 0)};
};

TEST_F(CompileTest, AsksForEachHostOnce) {
  const Plan plan = GoodPlan(
      "stream {"
      "  upstream a { server host:1; server host:2; }"
      "  server { listen 1; proxy_pass host:3; }"
      "  server { listen 2; proxy_pass a; }"
      "}");
  EXPECT_EQ(asked_, std::vector<std::string>{"host"});
  ASSERT_EQ(plan.upstreams.size(), 2u);
  ASSERT_EQ(plan.upstreams[0].peers.size(), 4u);
  EXPECT_EQ(plan.upstreams[0].peers[3].address.text, "[2001:db8::1]:2");
  EXPECT_EQ(plan.upstreams[1].peers[1].address.text, "[2001:db8::1]:3");
}

TEST_F(CompileTest, SharesAnImplicitUpstreamBetweenServers) {
  const Plan plan = GoodPlan(
      "stream {"
      "  server { listen 1; proxy_pass host:3; }"
      "  server { listen 2; proxy_pass host:3; }"
      "}");
  EXPECT_EQ(plan.upstreams.size(), 1u);
  EXPECT_EQ(plan.servers[1].upstream, 0);
}

TEST_F(CompileTest, GivesFileContentsToTheCheckAndChecksEqualSettingsOnce) {
  Write("cert", "CERT");
  Write("key", "KEY");
  Write("passwords", "one\r\n\ntwo");
  const Plan plan = GoodPlan(
      "stream {"
      "  proxy_ssl on;"
      "  proxy_ssl_certificate cert;"
      "  proxy_ssl_certificate_key key;"
      "  proxy_ssl_password_file passwords;"
      "  server { listen 1; proxy_pass host:3; }"
      "  server { listen 2; proxy_pass host:3; proxy_ssl_certificate cert; }"
      "  server { listen 3; proxy_pass host:3; proxy_ssl_password_file ''; }"
      "}");
  ASSERT_EQ(plan.tls_profiles.size(), 2u);
  EXPECT_EQ(plan.servers[0].tls_profile, plan.servers[1].tls_profile);
  EXPECT_NE(plan.servers[0].tls_profile, plan.servers[2].tls_profile);
  ASSERT_EQ(checked_.size(), 2u);
  EXPECT_EQ(checked_[0].certificate.contents, "CERT");
  EXPECT_EQ(checked_[0].certificate_key.contents, "KEY");
  EXPECT_EQ(checked_[0].passwords, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(checked_[1].passwords, std::vector<std::string>());
  EXPECT_EQ(plan.tls_profiles[0], checked_[0]);
}

TEST_F(CompileTest, TellsWhoElseMayUseAKeyAndNotWhenAGroupMay) {
  Write("cert", "CERT");
  Write("key", "KEY");
  const std::string text =
      "stream { server { listen 1; proxy_pass host:3; proxy_ssl on;\n"
      "proxy_ssl_certificate cert; proxy_ssl_certificate_key key; } }";
  const std::pair<absl::StatusOr<mode_t>, std::string> kExpected[] = {
      {S_IFREG | 0600, ""},
      {S_IFREG | 0660, ""},
      {S_IFCHR | 0666, ""},
      {absl::UnavailableError("stat() failed"), ""},
      {S_IFREG | 0604, "everyone on this machine may read the key in \"" + directory_ +
                           "/key\" (mode 0604): run \"chmod 600\" on it"},
      {S_IFREG | 0602, "everyone on this machine may overwrite the key in \"" + directory_ +
                           "/key\" (mode 0602): run \"chmod 600\" on it"},
  };
  for (const auto& [mode, expected] : kExpected) {
    mode_ = mode;
    std::string told;
    for (const Diagnostic& diagnostic : Compile(text).diagnostics.Sorted()) {
      if (diagnostic.place.line == 2) told += diagnostic.message;
    }
    EXPECT_EQ(told, expected);
  }
}

// A root who closes /dev/null or /etc/passwd to others breaks the machine.
TEST_F(CompileTest, AdvisesToCloseOnlyFilesThatProvedToHoldSecrets) {
  Write("cert", "CERT");
  Write("key", "KEY");
  Write("passwords", "one");
  Write("empty", "");
  mode_ = S_IFREG | 0644;
  const auto advises = [&](std::string_view directives) {
    const LoadResult result = Compile(absl::StrCat(
        "stream { server { listen 1; proxy_pass host:3; proxy_ssl on; ", directives, " } }"));
    return result.diagnostics.Render().find("chmod") != std::string::npos;
  };
  const std::string good = "proxy_ssl_certificate cert; proxy_ssl_certificate_key key;";
  EXPECT_TRUE(advises(good));
  EXPECT_FALSE(advises("proxy_ssl_certificate_key key; proxy_ssl_password_file passwords;"));
  for (const char* file : {"/dev/null", "/dev", "empty", "missing"}) {
    EXPECT_FALSE(
        advises(absl::StrCat("proxy_ssl_certificate cert; proxy_ssl_certificate_key ", file, ";")));
    EXPECT_FALSE(advises(absl::StrCat(good, " proxy_ssl_password_file ", file, ";")));
  }
  problems_ = {{.field = tls::Field::kCertificateKey, .fatal = false, .message = "weak"}};
  EXPECT_TRUE(advises(good));
  problems_ = {{.field = tls::Field::kCertificateKey, .fatal = true, .message = "no key"}};
  EXPECT_FALSE(advises(good));
}

TEST_F(CompileTest, FindsTheKeyLogWhereLogsAreAndCommandsFilesWhereFilesAre) {
  std::filesystem::create_directories(directory_ + "/conf");
  Write("conf/cert", "CERT");
  Write("conf/key", "KEY");
  Write("conf/sluice.conf",
        "stream { server { listen 1; proxy_pass host:3; proxy_ssl on; proxy_ssl_key_log keys;"
        "proxy_ssl_conf_command Certificate cert; proxy_ssl_conf_command PrivateKey key; } }");
  options_.file = "conf/sluice.conf";
  const LoadResult result = Load(options_);
  ASSERT_TRUE(result.plan.has_value()) << result.diagnostics.Render();
  EXPECT_EQ(result.plan->tls_profiles[0].key_log_path, directory_ + "/keys");
  EXPECT_EQ(result.plan->tls_profiles[0].certificate.contents, "CERT");
  EXPECT_EQ(result.plan->tls_profiles[0].certificate_key.contents, "KEY");
}

TEST_F(CompileTest, BoundsProtocolNamesByWhatAClientHelloHolds) {
  std::string names;
  for (int i = 0; i < 31; ++i) absl::StrAppend(&names, " ", std::string(255, 'a'));
  const auto text = [&](std::string_view last) {
    return absl::StrCat("stream { server { listen 1; proxy_pass host:3; proxy_ssl on; ",
                        "proxy_ssl_alpn", names, " ", std::string(255, 'b'), last, "; } }");
  };
  EXPECT_EQ(GoodPlan(text("")).tls_profiles[0].alpn.size(), 32u);
  const LoadResult result = Compile(text(" c"));
  EXPECT_FALSE(result.plan.has_value());
  EXPECT_NE(result.diagnostics.Render().find("they may have 8192 bytes"), std::string::npos);
}

TEST_F(CompileTest, SettingsThatDifferOnlyInWhatIsNewAreTwoProfiles) {
  const char* const kDirectives[] = {"",
                                     "proxy_ssl_groups X25519;",
                                     "proxy_ssl_alpn h2;",
                                     "proxy_ssl_session_tickets single_use;",
                                     "proxy_ssl_session_cache 64k;",
                                     "proxy_ssl_verify_legacy on;",
                                     "proxy_ssl_key_log keys;",
                                     "proxy_ssl_conf_command SignatureAlgorithms ed25519;"};
  std::string text = "stream { proxy_ssl on; ";
  int port = 0;
  for (const char* directives : kDirectives) {
    for (int i = 0; i < 2; ++i) {
      absl::StrAppend(&text, "server { listen ", ++port, "; proxy_pass host:3; ", directives, " }");
    }
  }
  const Plan plan = GoodPlan(text + "}");
  EXPECT_EQ(plan.servers.size(), 2 * std::size(kDirectives));
  EXPECT_EQ(plan.tls_profiles.size(), std::size(kDirectives));
}

TEST_F(CompileTest, ShowsATlsProblemWhereItsValueComesFrom) {
  Write("cert", "CERT");
  Write("key", "KEY");
  const std::string text =
      "stream {\n"
      "proxy_ssl on;\n"
      "proxy_ssl_certificate cert;\n"
      "proxy_ssl_certificate_key key;\n"
      "server { listen 1;\n"
      "proxy_pass host:3;\n"
      "proxy_ssl_name n; } }\n";
  const auto line_of = [&](tls::Field field) {
    problems_ = {{.field = field, .fatal = true, .message = "the problem"}};
    for (const Diagnostic& diagnostic : Compile(text).diagnostics.Sorted()) {
      if (diagnostic.message == "the problem") return diagnostic.place.line;
    }
    return 0;
  };
  EXPECT_EQ(line_of(tls::Field::kCertificate), 3);
  EXPECT_EQ(line_of(tls::Field::kCertificateKey), 4);
  EXPECT_EQ(line_of(tls::Field::kName), 7);
  EXPECT_EQ(line_of(tls::Field::kCiphers), 2);  // A default: proxy_ssl makes it count.
}

TEST_F(CompileTest, ReadsNoFileOfTlsThatIsOff) {
  EXPECT_TRUE(Compile("stream { server { listen 1; proxy_pass host:3; proxy_ssl off;"
                      "  proxy_ssl_certificate missing; } }")
                  .plan.has_value());
  EXPECT_TRUE(checked_.empty());
}

TEST_F(CompileTest, LeavesTheUserAloneWhenItCannotBeChanged) {
  options_.system.is_privileged = false;
  const LoadResult result = Compile("user somebody; stream { }");
  ASSERT_TRUE(result.plan.has_value());
  EXPECT_EQ(result.plan->process.user, "");
  EXPECT_NE(result.diagnostics.Render().find("\"user\" is ignored"), std::string::npos);
}

TEST_F(CompileTest, TakesTheGroupOfTheUsersName) {
  const Plan plan = GoodPlan("user somebody; stream { }");
  EXPECT_EQ(plan.process.user, "somebody");
  EXPECT_EQ(plan.process.group, "somebody");
}

TEST_F(CompileTest, SpreadsShardsOverCpus) {
  using Cpus = std::vector<std::vector<int>>;
  const auto cpus = [this](const std::string& text) {
    return GoodPlan(text + " stream { }").process.shard_cpus;
  };
  EXPECT_EQ(cpus(""), Cpus());
  EXPECT_EQ(cpus("worker_cpu_affinity auto;"), (Cpus{{0}, {1}}));
  EXPECT_EQ(cpus("worker_cpu_affinity auto 110;"), (Cpus{{1}, {2}}));
  EXPECT_EQ(cpus("worker_processes 3; worker_cpu_affinity 01 11;"), (Cpus{{0}, {0, 1}, {0, 1}}));
  EXPECT_EQ(cpus("worker_processes 1; worker_cpu_affinity 01 10;"), (Cpus{{0}}));
  EXPECT_EQ(GoodPlan("worker_processes auto; stream { }").process.num_shards, 2);
}

TEST_F(CompileTest, BoundsListeners) {
  const LoadResult result =
      Compile("stream { server { proxy_pass host:1; listen 1-65535; listen [::]:1-65535; } }");
  EXPECT_FALSE(result.plan.has_value());
  EXPECT_NE(result.diagnostics.Render().find("more than 65536 addresses to listen at"),
            std::string::npos);
}

TEST_F(CompileTest, EndsWhenIncludesDoubleEachOther) {
  // 8^20 directives if nothing stopped it.
  for (int i = 0; i < 20; ++i) {
    std::string text;
    for (int j = 0; j < 8; ++j) absl::StrAppend(&text, "include ", i + 1, ".conf;\n");
    Write(absl::StrCat(i, ".conf"), text);
  }
  Write("20.conf", "error_log stderr;\n");
  const LoadResult result = Compile("include 0.conf; stream { }");
  EXPECT_FALSE(result.plan.has_value());
  EXPECT_NE(result.diagnostics.Render().find("more than 1000000 directives"), std::string::npos);
}

TEST_F(CompileTest, BoundsTheDepthOfIncludes) {
  for (int i = 0; i < 40; ++i) {
    Write(absl::StrCat(i, ".conf"), absl::StrCat("include ", i + 1, ".conf;"));
  }
  const std::string text = Compile("include 0.conf;").diagnostics.Render();
  EXPECT_NE(text.find("31.conf:1:9: error: more than 32 files that include each other"),
            std::string::npos)
      << text;
}

TEST_F(CompileTest, GoesOnBehindEachMissingSemicolon) {
  const LoadResult result = Compile(
      "stream {\n"
      "server {\n"
      "listen 1\n"
      "proxy_pass host:1\n"
      "proxy_timeout 1x;\n"
      "}\n"
      "}\n");
  std::string places;
  for (const Diagnostic& diagnostic : result.diagnostics.Sorted()) {
    absl::StrAppend(&places, diagnostic.place.line, ":", diagnostic.place.column, " ");
  }
  EXPECT_EQ(places, "3:8 4:17 5:15 ");
}

// Nothing may be looked up by looking through all servers. It takes 0.3 s as built for production;
// the bound is for sanitizers on a busy machine, and still below what comparing every server with
// every other would take there.
TEST_F(CompileTest, TakesTenThousandServersInStride) {
  Write("pass.conf", "proxy_timeout 10s; proxy_ssl on; proxy_ssl_certificate cert;");
  Write("cert", std::string(2000, 'c'));
  Write("key", std::string(2000, 'k'));
  std::string text = "stream { proxy_ssl_certificate_key key;\n";
  for (int i = 0; i < 10'000; ++i) {
    absl::StrAppend(&text, "upstream group", i, " { server host", i, ":1 weight=2; }\n",
                    "server {\n  listen 127.0.0.", i % 250, ":", 1000 + i,
                    ";\n  include pass.conf;\n  proxy_ssl_name name", i % 100,
                    ";\n  proxy_pass group", i, ";\n}\n");
  }
  text += "}\n";
  const auto start = std::chrono::steady_clock::now();
  const Plan plan = GoodPlan(text);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(plan.servers.size(), 10'000u);
  EXPECT_EQ(plan.listeners.size(), 10'000u);
  EXPECT_EQ(plan.upstreams.size(), 10'000u);
  EXPECT_EQ(plan.tls_profiles.size(), 100u);
  EXPECT_LT(elapsed.count(), 30.0);
  RecordProperty("seconds", std::to_string(elapsed.count()));
}

}  // namespace
}  // namespace sluice::config
