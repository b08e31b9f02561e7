// What the command line says, and with which exit code.
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/sluice_process.h"
#include "tests/support/temp_dir.h"
#include "tools/certificate_maker.h"

namespace sluice::testing {
namespace {

constexpr char kGood[] =
    "events {}\n"
    "stream {\n"
    "    server {\n"
    "        listen 127.0.0.1:12345;\n"
    "        proxy_pass 127.0.0.1:12346;\n"
    "    }\n"
    "}\n";

// A mistake on each of ten lines.
constexpr char kTenMistakes[] =
    "events {}\n"
    "worker_proceses 2;\n"
    "error_log stderr loud;\n"
    "stream {\n"
    "    upstream backend { server 127.0.0.1:99999; }\n"
    "    server {\n"
    "        listen 127.0.0.1:12345 backlogg=5;\n"
    "        proxy_pass backend backend2;\n"
    "        proxy_ssl on; tcp_nodelay maybe;\n"
    "        proxy_connect_timeout 5parsecs;\n"
    "        proxy_ssl_protocols TLSv1.9;\n"
    "        proxy_ssl_certificate /no/such/file.crt;\n"
    "        worker_connections 5;\n"
    "    }\n"
    "}\n";
const std::set<int> kLinesAtFault = {2, 3, 5, 7, 8, 9, 10, 11, 12, 13};

TEST(CommandLineTest, TestOfAGoodFileSaysSo) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kGood);
  const Finished finished = RunSluice({"-t", "-c", config});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output,
                                absl::StrCat("configuration file ", config, " test is successful")))
      << finished.output;
}

TEST(CommandLineTest, QuietTestOfAGoodFileSaysNothing) {
  TempDir dir;
  const Finished finished = RunSluice({"-t", "-q", "-c", dir.Write("sluice.conf", kGood)});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_EQ("", finished.output);
}

TEST(CommandLineTest, EveryMistakeIsAnErrorWithItsPlace) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kTenMistakes);
  const Finished finished = RunSluice({"-t", "-c", config});
  EXPECT_EQ(1, finished.exit_code);
  std::set<int> lines_told;
  for (const std::string_view line : absl::StrSplit(finished.output, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 4));
    if (parts.size() == 5 && parts[0] == config && parts[3] == " error") {
      lines_told.insert(std::stoi(parts[1]));
      EXPECT_GT(std::stoi(parts[2]), 0) << line;
    }
  }
  EXPECT_EQ(kLinesAtFault, lines_told) << finished.output;
}

TEST(CommandLineTest, AMistakeKeepsSluiceFromStarting) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kTenMistakes);
  EXPECT_EQ(1, RunSluice({"-p", dir.path(), "-c", config}).exit_code);
}

TEST(CommandLineTest, AMissingFileIsNamed) {
  const Finished finished = RunSluice({"-t", "-c", "/no/such/sluice.conf"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "/no/such/sluice.conf")) << finished.output;
}

TEST(CommandLineTest, RelativePathsStandUnderThePrefix) {
  TempDir dir;
  dir.Write("sluice.conf", absl::StrCat("include more.conf;\n", kGood));
  dir.Write("more.conf", "worker_processes 3;\n");
  const Finished finished = RunSluice({"-p", dir.path(), "-c", "sluice.conf", "--dump-plan"});
  EXPECT_EQ(0, finished.exit_code) << finished.output;
  EXPECT_TRUE(absl::StrContains(finished.output, "127.0.0.1:12345")) << finished.output;
}

TEST(CommandLineTest, DumpShowsEachFileUnderItsName) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", absl::StrCat("include more.conf;\n", kGood));
  const std::string more = dir.Write("more.conf", "worker_processes 3;\n");
  const Finished finished = RunSluice({"-T", "-c", config});
  EXPECT_EQ(0, finished.exit_code);
  for (const std::string& file : {config, more}) {
    EXPECT_TRUE(absl::StrContains(
        finished.output, absl::StrCat("# configuration file ", file, ":\n", ReadFile(file))))
        << finished.output;
  }
}

TEST(CommandLineTest, DumpsThatDoNotFitFail) {
  TempDir dir;
  // Longer than what stdout buffers, so that the error comes before its end.
  const std::string config =
      dir.Write("sluice.conf", absl::StrCat(kGood, "#", std::string(100'000, '.'), "\n"));
  for (const char* option : {"-T", "--dump-plan"}) {
    const Finished finished = RunToEnd(
        {"sh", "-c", "exec \"$0\" \"$@\" >/dev/full", SluiceBinary(), option, "-c", config});
    EXPECT_EQ(1, finished.exit_code) << option;
    EXPECT_TRUE(absl::StrContains(finished.output, "stdout failed (28: No space left on device)"))
        << finished.output;
  }
}

TEST(CommandLineTest, TestGoesBeforeASignal) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kGood);
  const Finished finished = RunSluice({"-t", "-s", "stop", "-p", dir.path(), "-c", config});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "test is successful")) << finished.output;
}

TEST(CommandLineTest, PlanAndSignalTogetherAreRefused) {
  const Finished finished = RunSluice({"-s", "stop", "--dump-plan"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(
      absl::StrContains(finished.output, "\"--dump-plan\" and \"-s\" cannot be used together"))
      << finished.output;
}

TEST(CommandLineTest, DirectivesFromTheCommandLineCount) {
  TempDir dir;
  const std::string config = dir.Write("sluice.conf", kGood);
  EXPECT_EQ(0, RunSluice({"-t", "-q", "-c", config, "-g", "worker_processes 3;"}).exit_code);
  EXPECT_EQ(1, RunSluice({"-t", "-q", "-c", config, "-g", "worker_processes x;"}).exit_code);
}

TEST(CommandLineTest, VersionAndHelpEndWithZero) {
  for (const char* option : {"-v", "-V", "-h"}) {
    const Finished finished = RunSluice({option});
    EXPECT_EQ(0, finished.exit_code) << option;
    EXPECT_TRUE(absl::StrContains(finished.output, "sluice")) << finished.output;
  }
  const std::string details = RunSluice({"-V"}).output;
  for (const char* part : {"BoringSSL", "liburing", "abseil", "io_uring"}) {
    EXPECT_TRUE(absl::StrContainsIgnoreCase(details, part)) << part << " in " << details;
  }
}

// A server that uses every kind of TLS file, each of them good.
class PostureTest : public ::testing::Test {
 protected:
  PostureTest() {
    WriteCa(tools::CaSpec("root"));
    WriteClient(tools::ClientSpec("client"));
    dir_.Write("password", "secret\n");
    for (const char* name : {"client.key", "password"}) chmod(dir_.File(name).c_str(), 0640);
  }

  void WriteCa(const tools::CertificateSpec& spec) {
    dir_.Write("ca.crt", tools::Certificate::SelfSigned(spec).pem());
  }
  void WriteClient(const tools::CertificateSpec& spec) {
    const tools::Certificate client = tools::Certificate::SelfSigned(spec);
    dir_.Write("client.crt", client.pem());
    dir_.Write("client.key", client.key_pem());
  }

  // `sluice -t` with `options`, and `directives` in the server.
  Finished Test(const std::vector<std::string>& options, std::string_view directives) {
    const std::string config = dir_.Write(
        "sluice.conf",
        absl::StrCat(
            "events {}\nstream {\n  strict_tls on;\n  server {\n    listen 127.0.0.1:12345;\n"
            "    proxy_pass backend.test;\n    proxy_ssl on;\n"
            "    proxy_ssl_trusted_certificate ca.crt;\n"
            "    proxy_ssl_certificate client.crt;\n"
            "    proxy_ssl_certificate_key client.key;\n"
            "    proxy_ssl_password_file password;\n    ",
            directives, "\n  }\n  upstream backend.test { server 127.0.0.1:1; }\n}\n"));
    std::vector<std::string> arguments = {"-t", "-p", dir_.path(), "-c", config};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return RunSluice(arguments);
  }

  // One warning, with `text` in it, which fails a strict test and no other.
  void ExpectWarning(std::string_view text, std::string_view directives = "") {
    const Finished finished = Test({}, directives);
    EXPECT_EQ(0, finished.exit_code) << finished.output;
    EXPECT_TRUE(absl::StrContains(finished.output, text)) << finished.output;
    const std::vector<std::string> parts = absl::StrSplit(finished.output, ": warning: ");
    EXPECT_EQ(2u, parts.size()) << finished.output;
    EXPECT_EQ(1, Test({"--strict"}, directives).exit_code);
  }

  TempDir dir_;
};

TEST_F(PostureTest, NothingIsSaidOfWhatIsSafe) {
  const Finished finished = Test({"--strict", "-q"}, "");
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_EQ("", finished.output);
}

TEST_F(PostureTest, VerificationThatIsOff) {
  ExpectWarning("upstreams are not verified", "proxy_ssl_verify off;");
}

TEST_F(PostureTest, ServerNameThatIsNotSent) {
  ExpectWarning("(SNI)", "strict_tls off; proxy_ssl_verify on; proxy_ssl_name www.backend.test;");
}

TEST_F(PostureTest, OldProtocols) {
  ExpectWarning("TLSv1 and TLSv1.1 are no longer safe", "proxy_ssl_protocols TLSv1.1 TLSv1.2;");
}

TEST_F(PostureTest, CipherNamesThatAreIgnored) {
  ExpectWarning("\"CAMELLIA\" is ignored", "proxy_ssl_ciphers ECDHE+AESGCM:CAMELLIA;");
}

TEST_F(PostureTest, WeakCertificatesThatAreAccepted) {
  ExpectWarning("RSA keys below 2048 bits", "proxy_ssl_verify_legacy on;");
}

TEST_F(PostureTest, SecretsThatAreLogged) {
  ExpectWarning("can decrypt the traffic", "proxy_ssl_key_log keys.log;");
  // Nothing is written by a test.
  EXPECT_NE(0, access(dir_.File("keys.log").c_str(), F_OK));
}

TEST_F(PostureTest, KeyLogThatEveryoneMayRead) {
  chmod(dir_.Write("keys.log", "").c_str(), 0644);
  const Finished finished = Test({}, "proxy_ssl_key_log keys.log;");
  EXPECT_EQ(0, finished.exit_code) << finished.output;
  EXPECT_TRUE(absl::StrContains(finished.output, "may read the secrets in")) << finished.output;
}

TEST_F(PostureTest, KeyLogThatCannotBeWritten) {
  ASSERT_EQ(0, mkfifo(dir_.File("fifo").c_str(), 0600));
  for (const auto& [file, reason] : {std::pair("fifo", "not a regular file"),
                                     {"/dev/null", "not a regular file"},
                                     {"/", "not a regular file"},
                                     {"gone/keys.log", "make that folder"},
                                     {"ca.crt/keys.log", "(20: Not a directory)"}}) {
    const Finished finished = Test({}, absl::StrCat("proxy_ssl_key_log ", file, ";"));
    EXPECT_EQ(1, finished.exit_code) << finished.output;
    EXPECT_TRUE(absl::StrContains(finished.output, ":12:23: error: cannot log keys to"))
        << finished.output;
    EXPECT_TRUE(absl::StrContains(finished.output, reason)) << finished.output;
  }
}

TEST_F(PostureTest, NoAdviceToCloseWhatIsNoKey) {
  chmod(dir_.Write("text", "no key\n").c_str(), 0644);
  chmod(dir_.Write("empty", "").c_str(), 0644);
  for (const char* file : {"/dev/null", "/dev", "text", "empty"}) {
    const Finished finished =
        Test({}, absl::StrCat("proxy_ssl_conf_command PrivateKey ", file, ";"));
    EXPECT_EQ(1, finished.exit_code) << finished.output;
    EXPECT_FALSE(absl::StrContains(finished.output, "chmod")) << finished.output;
  }
}

TEST_F(PostureTest, KeyThatEveryoneMayRead) {
  chmod(dir_.File("client.key").c_str(), 0604);
  ExpectWarning(absl::StrCat("may read the key in \"", dir_.File("client.key"), "\" (mode 0604)"));
}

TEST_F(PostureTest, PasswordsThatEveryoneMayRead) {
  chmod(dir_.File("password").c_str(), 0644);
  ExpectWarning("may read the password in");
}

TEST_F(PostureTest, CertificateThatExpiresSoon) {
  tools::CertificateSpec spec = tools::ClientSpec("client");
  spec.not_after_s = tools::NowSeconds() + 9 * tools::kDayS + 3600;
  WriteClient(spec);
  ExpectWarning("(in 9 days)");
}

TEST_F(PostureTest, CaThatExpiresSoon) {
  tools::CertificateSpec spec = tools::CaSpec("root");
  spec.not_after_s = tools::NowSeconds() + 9 * tools::kDayS + 3600;
  WriteCa(spec);
  ExpectWarning("the CA \"CN=root\" in");
}

TEST_F(PostureTest, CaFileWithoutACa) {
  WriteCa(tools::ServerSpec({"backend.test"}));
  ExpectWarning("is a CA (basicConstraints CA:TRUE)");
}

TEST_F(PostureTest, GroupsAndSignatureAlgorithmsAreChecked) {
  const Finished finished = Test({},
                                 "proxy_ssl_groups X25519:X448;\n"
                                 "proxy_ssl_conf_command SignatureAlgorithms DSA+SHA1;");
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(
      absl::StrContains(finished.output, "sluice.conf:12:22: error: unknown group \"X448\""))
      << finished.output;
  EXPECT_TRUE(absl::StrContains(
      finished.output, "sluice.conf:13:44: error: unknown signature algorithm \"DSA+SHA1\""))
      << finished.output;
}

TEST_F(PostureTest, EmptyListsAreRefused) {
  for (const char* directive :
       {"proxy_ssl_groups", "proxy_ssl_ciphers", "proxy_ssl_conf_command Groups",
        "proxy_ssl_conf_command Curves", "proxy_ssl_conf_command CipherString"}) {
    const Finished finished = Test({}, absl::StrCat(directive, " \"\";"));
    EXPECT_EQ(1, finished.exit_code) << directive;
    EXPECT_TRUE(absl::StrContains(finished.output, "invalid value \"\"")) << finished.output;
  }
}

// A line of its own in a log, or an escape sequence for the terminal, by way of a file's name.
TEST(CommandLineTest, NamesOfFilesCannotDriveTheTerminal) {
  TempDir dir;
  const std::string config = dir.Write(
      "sluice.conf",
      "events {}\nstream { server { listen 1; proxy_pass 127.0.0.1:1; proxy_ssl on;\n"
      "proxy_ssl_certificate \"bad\x1b[31m\r.crt\"; proxy_ssl_certificate_key bad.key; } }\n");
  dir.Write("bad\x1b[31m\r.crt", "no certificate");
  dir.Write("bad.key", "no key");
  const Finished finished = RunSluice({"-t", "-c", config});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "bad\\x1B[31m\\r.crt\" holds no certificate"))
      << finished.output;
  for (const char c : finished.output) {
    EXPECT_TRUE(c == '\n' || c >= ' ') << finished.output;
  }
}

TEST(CommandLineTest, AnUnknownOptionIsNamed) {
  const Finished finished = RunSluice({"-x"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "\"x\"") ||
              absl::StrContains(finished.output, "\"-x\""))
      << finished.output;
}

TEST(CommandLineTest, AnUnknownSignalIsNamed) {
  const Finished finished = RunSluice({"-s", "jump"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_TRUE(absl::StrContains(finished.output, "\"jump\"") ||
              absl::StrContains(finished.output, "\"-s jump\""))
      << finished.output;
}

}  // namespace
}  // namespace sluice::testing
