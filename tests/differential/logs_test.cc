// Access logs of both for the same sessions, to the letter except for times and ports.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "tests/support/datagram_server.h"
#include "tests/support/free_port.h"
#include "tests/support/nginx_process.h"
#include "tests/support/sluice_process.h"
#include "tests/support/socket.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

constexpr char kFormats[] = R"(
  log_format all '$remote_addr $protocol $status $connection $bytes_sent $bytes_received '
                 '$session_time $server_addr $upstream_addr $upstream_bytes_sent '
                 '$upstream_bytes_received $upstream_connect_time $upstream_first_byte_time '
                 '$upstream_session_time';
  log_format clock '[$time_local] $time_iso8601 $msec $hostname';
  access_log all.log all;
  access_log clock.log clock;
)";

constexpr char kEscapes[] = R"(
  log_format default '"$upstream_addr" "$said"';
  log_format json escape=json '"$upstream_addr" "$said"';
  log_format none escape=none '"$upstream_addr" "$said"';
)";

// `text` with times below ten seconds ("0.012") as words.
std::string WithoutTimes(std::string text) {
  constexpr size_t kTimeBytes = 5;
  const auto is_number = [&](size_t i) {
    return i < text.size() && (absl::ascii_isdigit(text[i]) || text[i] == '.');
  };
  for (size_t i = 0; i + kTimeBytes <= text.size(); ++i) {
    bool is_time =
        text[i + 1] == '.' && !is_number(i + kTimeBytes) && (i == 0 || !is_number(i - 1));
    for (const size_t digit : {i, i + 2, i + 3, i + 4}) {
      is_time = is_time && absl::ascii_isdigit(text[digit]);
    }
    if (is_time) text.replace(i, kTimeBytes, "TIME");
  }
  return text;
}

// `text` with each digit as "9" and each name of a month as "Mon".
std::string FormOf(std::string text) {
  for (char& c : text) {
    if (absl::ascii_isdigit(c)) c = '9';
  }
  for (const char* month :
       {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}) {
    text = absl::StrReplaceAll(text, {{absl::StrCat("/", month, "/"), "/Mon/"}});
    if (text.starts_with(month)) text.replace(0, 3, "Mon");
  }
  return text;
}

// What both log when `act` is done to a server with `handler`, times made alike.
class Logs {
 public:
  Logs(std::string_view more, std::string_view handler,
       const std::function<void(const std::string& address)>& act,
       const std::vector<std::string>& names = {"all"}) {
    {
      const std::string address = FreeAddress();
      NginxProcess nginx(Config(more, address, handler));
      act(address);
      nginx.StopAndGetLog();
      nginx_ = Read(nginx.prefix(), names);
    }
    const std::string address = FreeAddress();
    SluiceProcess sluice(Config(more, address, handler));
    act(address);
    sluice.StopAndGetLog();
    sluice_ = Read(sluice.prefix(), names);
  }

  const std::string& nginx() const { return nginx_; }
  const std::string& sluice() const { return sluice_; }

 private:
  static std::string Config(std::string_view more, std::string_view address,
                            std::string_view handler) {
    return absl::StrCat(kFormats, more, "\nserver { listen ", address, "; ", handler, " }\n");
  }

  static std::string Read(const std::string& prefix, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += ReadFile(absl::StrCat(prefix, "/", name, ".log"));
    return WithoutTimes(text);
  }

  std::string nginx_;
  std::string sluice_;
};

void SayAndHear(const std::string& address) {
  Socket client = Socket::Connect(address);
  client.Send("hello");
  client.ReceiveToEnd();
}

void SayAndEnd(const std::string& address) {
  Socket client = Socket::Connect(address);
  client.Send("hello");
  client.ShutdownWrite();
  client.ReceiveToEnd();
}

TEST(LogsTest, ASessionThatIsServed) {
  TcpServer echo([](Socket& socket) { socket.Send(socket.Receive(5) + "!"); });
  const Logs logs("", absl::StrCat("proxy_pass ", echo.address(), ";"),
                  [](const std::string& address) {
                    for (int i = 0; i < 3; ++i) SayAndHear(address);
                  });
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

TEST(LogsTest, ASessionThatTheClientEnds) {
  TcpServer listener([](Socket& socket) { socket.ReceiveToEnd(); });
  const Logs logs("", absl::StrCat("proxy_pass ", listener.address(), ";"), SayAndEnd);
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

TEST(LogsTest, PeersThatRefuseAreListedAndThenNoneIsLeft) {
  const std::string a = FreeAddress();
  const std::string b = FreeAddress();
  const Logs logs(absl::Substitute("upstream backend { server $0; server $1; }", a, b),
                  "proxy_pass backend;", [](const std::string& address) {
                    for (int i = 0; i < 3; ++i) Socket::Connect(address).ReceiveToEnd();
                  });
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

TEST(LogsTest, APeerThatRefusesAndOneThatServes) {
  const std::string refusing = FreeAddress();
  TcpServer good(Greet("hello"));
  const Logs logs(
      absl::Substitute("upstream backend { server $0; server $1; }", refusing, good.address()),
      "proxy_pass backend;", [](const std::string& address) {
        for (int i = 0; i < 3; ++i) Socket::Connect(address).ReceiveToEnd();
      });
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

TEST(LogsTest, WhatIsReturned) {
  const Logs logs("", "return '$remote_addr:$protocol:$status';",
                  [](const std::string& address) { Socket::Connect(address).ReceiveToEnd(); });
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

TEST(LogsTest, ValuesAreEscapedAlike) {
  std::string said;
  for (int c = 1; c < 256; ++c) {
    // What none of them may write as it is, see LogLine.WithoutEscapingOnlyLineEndsAreKeptOut.
    if (c == '\n' || c == '\r' || c == '$' || c == '"' || c == '\\') continue;
    said += static_cast<char>(c);
  }
  const Logs logs(kEscapes,
                  absl::StrCat("set $said \"", said,
                               "\\\"\\\\\"; access_log default.log default; access_log json.log "
                               "json; access_log none.log none; return $said;"),
                  [](const std::string& address) { Socket::Connect(address).ReceiveToEnd(); },
                  {"default", "json", "none"});
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

TEST(LogsTest, ConditionsAreJudgedAlike) {
  const Logs logs(kEscapes,
                  "set $said 0; set $empty ''; set $yes 00;"
                  "access_log default.log default if=$said;"
                  "access_log json.log json if=$empty;"
                  "access_log none.log none if=$yes;"
                  "return $said;",
                  [](const std::string& address) { Socket::Connect(address).ReceiveToEnd(); },
                  {"default", "json", "none"});
  EXPECT_EQ(logs.sluice(), logs.nginx());
}

// A datagram to syslog with its time as a word.
std::string WithoutSyslogTime(std::string datagram) {
  static constexpr std::string_view kTime = "Jan 01 00:00:00";
  const size_t start = datagram.find('>') + 1;
  return datagram.replace(start, kTime.size(), FormOf(datagram.substr(start, kTime.size())));
}

// What both send to a syslog server when one client comes to a server with `handler`, where
// "SERVER" stands for the syslog server and "TAG" for a tag.
struct Datagrams {
  explicit Datagrams(const std::string& handler) {
    DatagramServer server;
    const std::string address = FreeAddress();
    const std::string config =
        absl::StrCat(kEscapes, "server { listen ", address, "; set $said x; ",
                     absl::StrReplaceAll(handler, {{"SERVER", server.address()}}), " }\n");
    const auto collect = [&](std::vector<std::string>& datagrams) {
      for (const std::string& datagram : server.ReceiveAll()) {
        datagrams.push_back(WithoutSyslogTime(datagram));
      }
    };
    {
      NginxProcess process(config);
      Socket::Connect(address).ReceiveToEnd();
      process.StopAndGetLog();
      collect(nginx);
    }
    SluiceProcess process(config);
    Socket::Connect(address).ReceiveToEnd();
    process.StopAndGetLog();
    collect(sluice);
  }

  std::vector<std::string> nginx;
  std::vector<std::string> sluice;
};

TEST(LogsTest, SyslogServersGetTheSameDatagrams) {
  for (const char* parameters :
       {"tag=t", "tag=t,nohostname", "facility=kern,severity=emerg,tag=A_9",
        "severity=debug,nohostname,facility=local0,tag=t", "facility=authpriv,severity=error,tag=t",
        "tag=abcdefghijklmnopqrstuvwxyz_01234"}) {
    const Datagrams datagrams(absl::Substitute(
        "set $$no 0; set $$said 'a \"b\" \\\\ \xc3\xa9'; return x;"
        "access_log syslog:server=SERVER,$0 default; access_log syslog:server=SERVER,$0 json;"
        "access_log syslog:server=SERVER,$0 none; access_log syslog:server=SERVER,$0 none if=$$no;",
        parameters));
    EXPECT_EQ(datagrams.nginx.size(), 3u);
    EXPECT_EQ(datagrams.sluice, datagrams.nginx) << parameters;
  }
}

TEST(LogsTest, SyslogServersGetALongLineWhole) {
  const Datagrams datagrams(absl::StrCat("set $said ", std::string(4000, 'x'),
                                         "; set $said $said$said$said$said; return x;"
                                         "access_log syslog:server=SERVER,tag=t none;"));
  EXPECT_EQ(datagrams.nginx.size(), 1u);
  EXPECT_EQ(datagrams.sluice, datagrams.nginx);
}

TEST(LogsTest, WithoutATagSyslogServersGetTheNameOfTheProgram) {
  const Datagrams datagrams("access_log syslog:server=SERVER none; return x;");
  ASSERT_EQ(datagrams.nginx.size(), 1u);
  ASSERT_EQ(datagrams.sluice.size(), 1u);
  EXPECT_EQ(datagrams.sluice[0],
            absl::StrReplaceAll(datagrams.nginx[0], {{" nginx: ", " sluice: "}}));
}

TEST(LogsTest, ErrorsInSyslogHaveTheSameForm) {
  // The sentence is each program's own, what stands in front of it is compared.
  const Datagrams datagrams(
      absl::StrCat("error_log syslog:server=SERVER,tag=t,severity=debug error; proxy_pass ",
                   FreeAddress(), ";"));
  ASSERT_EQ(datagrams.nginx.size(), 1u);
  ASSERT_EQ(datagrams.sluice.size(), 1u);
  const auto head = [](const std::string& datagram) {
    const std::string form = FormOf(datagram.substr(datagram.find('>')));
    return datagram.substr(0, datagram.find('>')) +
           absl::StrReplaceAll(form.substr(0, form.find('*')), {{"99", "9"}, {"999", "9"}});
  };
  EXPECT_EQ(head(datagrams.sluice[0]), head(datagrams.nginx[0]));
}

TEST(LogsTest, TheClockIsWrittenAlike) {
  const Logs logs("", "return x;",
                  [](const std::string& address) { Socket::Connect(address).ReceiveToEnd(); },
                  {"clock"});
  // The two were at work at different times: their form is compared.
  EXPECT_EQ(FormOf(logs.sluice()), FormOf(logs.nginx()));
}

}  // namespace
}  // namespace sluice::testing
