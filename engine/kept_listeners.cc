#include "engine/kept_listeners.h"

#include <string_view>
#include <unordered_map>

namespace sluice::engine {

std::vector<int> KeptListeners(const config::Plan& before, const config::Plan& now) {
  std::unordered_map<std::string_view, int> by_address;
  for (const config::Listener& listener : before.listeners) {
    by_address.emplace(listener.address.text, static_cast<int>(by_address.size()));
  }
  std::vector<int> kept;
  for (const config::Listener& listener : now.listeners) {
    const auto known = by_address.find(listener.address.text);
    kept.push_back(known == by_address.end() ? config::kNoIndex : known->second);
  }
  return kept;
}

}  // namespace sluice::engine
