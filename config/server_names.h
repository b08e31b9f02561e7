// The servers of one address by the name that a client asks for.
#ifndef SLUICE_CONFIG_SERVER_NAMES_H_
#define SLUICE_CONFIG_SERVER_NAMES_H_

#include <map>
#include <string>
#include <string_view>

namespace sluice::config {

// server_name: exact ("www.example.com"), with a wildcard in front ("*.example.com", which
// ".example.com" means together with the name without the dot) or at the end ("www.example.*").
class ServerNames {
 public:
  // Whether `name` is one of these forms, in lower case or not.
  static bool IsValid(std::string_view name);

  // False, and nothing is changed: another server has `name`, which IsValid.
  bool Add(std::string_view name, int server);

  // The server for `name`, of any bytes and case, with a dot at the end or none: the exact one, the
  // longest wildcard in front, the longest at the end (nginx, server_name). kNoIndex: none.
  int Find(std::string_view name) const;

  bool empty() const { return exact_.empty() && suffixes_.empty() && prefixes_.empty(); }

  // As the configuration has them, each with its server: for the dump.
  std::map<std::string, int> All() const;

 private:
  using ByName = std::map<std::string, int, std::less<>>;

  ByName exact_;
  ByName suffixes_;  // "*.example.com": "example.com".
  ByName prefixes_;  // "www.example.*": "www.example".
};

}  // namespace sluice::config

#endif  // SLUICE_CONFIG_SERVER_NAMES_H_
