#include "config/server_names.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sluice::config {
namespace {

constexpr int kNone = -1;  // kNoIndex of plan.h, which includes this.

int FindIn(const std::map<std::string, int, std::less<>>& names, std::string_view name) {
  const auto known = names.find(name);
  return known == names.end() ? kNone : known->second;
}

bool IsPlain(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '*' || c == '/' || c == '~' || c == '$' || !absl::ascii_isgraph(c);
         });
}

}  // namespace

bool ServerNames::IsValid(std::string_view name) {
  if (name.starts_with("*.")) return IsPlain(name.substr(2));
  if (name.starts_with('.')) return IsPlain(name.substr(1));
  if (name.ends_with(".*")) return IsPlain(name.substr(0, name.size() - 2));
  return name.empty() || IsPlain(name);
}

bool ServerNames::Add(std::string_view name, int server) {
  std::string text = absl::AsciiStrToLower(name);
  const auto add = [server](ByName& names, std::string key) {
    return names.emplace(std::move(key), server).second;
  };
  if (text.starts_with("*.")) return add(suffixes_, text.substr(2));
  if (text.ends_with(".*")) return add(prefixes_, text.substr(0, text.size() - 2));
  if (!text.starts_with('.')) return add(exact_, std::move(text));
  text.erase(0, 1);
  if (exact_.contains(text) || suffixes_.contains(text)) return false;
  return add(exact_, text) && add(suffixes_, text);
}

int ServerNames::Find(std::string_view name) const {
  std::string text = absl::AsciiStrToLower(name);
  if (text.ends_with('.')) text.pop_back();
  if (const int server = FindIn(exact_, text); server != kNone) return server;
  for (size_t dot = text.find('.'); dot != std::string::npos; dot = text.find('.', dot + 1)) {
    const int server = FindIn(suffixes_, std::string_view(text).substr(dot + 1));
    if (server != kNone && dot > 0) return server;
  }
  for (size_t dot = text.rfind('.'); dot != std::string::npos && dot > 0;
       dot = text.rfind('.', dot - 1)) {
    const int server = FindIn(prefixes_, std::string_view(text).substr(0, dot));
    if (server != kNone) return server;
  }
  return kNone;
}

std::map<std::string, int> ServerNames::All() const {
  std::map<std::string, int> all(exact_.begin(), exact_.end());
  for (const auto& [name, server] : suffixes_) all.emplace(absl::StrCat("*.", name), server);
  for (const auto& [name, server] : prefixes_) all.emplace(absl::StrCat(name, ".*"), server);
  return all;
}

}  // namespace sluice::config
