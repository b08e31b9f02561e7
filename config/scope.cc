#include "config/scope.h"

#include <algorithm>

namespace sluice::config {

const Directive* Block::Record(std::string_view name, const Directive* directive) {
  const Directive* first = SetHereBy(name);
  if (first == nullptr) set_.emplace_back(name, directive);
  return first;
}

const Directive* Block::SetHereBy(std::string_view name) const {
  for (const auto& [known, first] : set_) {
    if (known == name) return first;
  }
  return nullptr;
}

const Directive* Block::SetBy(std::string_view name) const {
  const Directive* here = SetHereBy(name);
  return here == nullptr && around_ != nullptr ? around_->SetBy(name) : here;
}

bool Block::Mentions(std::string_view name) const {
  return SetHereBy(name) != nullptr ||
         std::find(mentioned_.begin(), mentioned_.end(), name) != mentioned_.end();
}

}  // namespace sluice::config
