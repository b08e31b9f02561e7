#include "tests/certificates/matrix_proxy.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "tests/support/socket.h"

namespace sluice::testing {

MatrixProxy::MatrixProxy(const std::vector<Row>& rows)
    : num_rows_(rows.size()), sluice_(ConfigOf(rows)) {}

std::string MatrixProxy::AddressOf(size_t row) const {
  return absl::StrCat("unix:", dir_.File(absl::StrCat(row, ".sock")));
}

std::string MatrixProxy::ConfigOf(const std::vector<Row>& rows) const {
  std::string config;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Demands& demands = *rows[i].demands;
    absl::StrAppend(
        &config,
        absl::Substitute("server { listen $0; proxy_pass $1; proxy_ssl on; proxy_ssl_verify on; "
                         "proxy_ssl_trusted_certificate $2; proxy_ssl_name \"$3\"; "
                         "proxy_ssl_verify_depth $4; ",
                         AddressOf(i), rows[i].upstream,
                         dir_.Write(absl::StrCat(i, ".ca"), demands.trusted_pem), demands.name,
                         demands.depth));
    if (!demands.crl_pem.empty()) {
      absl::StrAppend(&config, "proxy_ssl_crl ",
                      dir_.Write(absl::StrCat(i, ".crl"), demands.crl_pem), "; ");
    }
    if (demands.legacy) absl::StrAppend(&config, "proxy_ssl_verify_legacy on; ");
    absl::StrAppend(&config, "}\n");
  }
  return config;
}

MatrixProxy::Result MatrixProxy::Connect(size_t row) const {
  constexpr std::string_view kRequest = "not for strangers";
  Socket client = Socket::Connect(AddressOf(row));
  client.Send(kRequest);
  const std::string answer = client.Receive(kRequest.size());
  if (answer == kRequest) return Result::kAccepted;
  const bool ended = client.end() == End::kFin || client.end() == End::kReset;
  return answer.empty() && ended ? Result::kRefused : Result::kOther;
}

std::vector<std::vector<std::string>> MatrixProxy::StopAndGetErrors() {
  std::vector<std::vector<std::string>> errors(num_rows_);
  const std::string log = sluice_.StopAndGetLog();
  for (const std::string_view line : absl::StrSplit(log, '\n')) {
    if (!absl::StrContains(line, "[error]")) continue;
    for (size_t i = 0; i < num_rows_; ++i) {
      if (absl::StrContains(line, absl::StrCat("server: ", AddressOf(i), ","))) {
        errors[i].emplace_back(line);
      }
    }
  }
  return errors;
}

}  // namespace sluice::testing
