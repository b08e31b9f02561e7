#include "engine/balance/ketama.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "engine/balance/crc32.h"

namespace sluice::engine {
namespace {

constexpr int kPointsForWeight = 160;

// HOST and PORT of a server's name. A unix socket, and a name without a port, has HOST only.
std::pair<std::string_view, std::string_view> SplitName(std::string_view name) {
  if (absl::StartsWithIgnoreCase(name, "unix:")) return {name.substr(5), {}};
  const size_t colon = name.rfind(':');
  if (colon == name.npos) return {name, {}};
  const std::string_view port = name.substr(colon + 1);
  if (!std::all_of(port.begin(), port.end(), absl::ascii_isdigit)) return {name, {}};
  return {name.substr(0, colon), port};
}

}  // namespace

KetamaRing::KetamaRing(std::span<const Member> members) {
  size_t num_points = 0;
  for (const Member& member : members) {
    num_points += static_cast<size_t>(member.weight) * kPointsForWeight;
  }
  points_.reserve(num_points);
  std::unordered_map<std::string_view, uint32_t> server_by_name;
  for (const Member& member : members) {
    const auto [known, is_new] =
        server_by_name.try_emplace(member.name, static_cast<uint32_t>(servers_.size()));
    if (is_new) servers_.emplace_back();
    servers_[known->second].push_back(member.peer);

    const auto [host, port] = SplitName(member.name);
    const uint32_t base = Crc32(Crc32(Crc32(0, host), std::string_view("\0", 1)), port);
    uint32_t previous = 0;
    for (int i = 0; i < member.weight * kPointsForWeight; ++i) {
      const char bytes[] = {static_cast<char>(previous), static_cast<char>(previous >> 8),
                            static_cast<char>(previous >> 16), static_cast<char>(previous >> 24)};
      previous = Crc32(base, {bytes, sizeof(bytes)});
      points_.push_back({.hash = previous, .server = known->second});
    }
  }
  std::stable_sort(points_.begin(), points_.end(),
                   [](const Point& a, const Point& b) { return a.hash < b.hash; });
  points_.erase(std::unique(points_.begin(), points_.end(),
                            [](const Point& a, const Point& b) { return a.hash == b.hash; }),
                points_.end());
  points_.shrink_to_fit();
}

uint32_t KetamaRing::Find(std::string_view key) const {
  const auto found =
      std::lower_bound(points_.begin(), points_.end(), Crc32(0, key),
                       [](const Point& point, uint32_t hash) { return point.hash < hash; });
  return static_cast<uint32_t>(found - points_.begin());
}

}  // namespace sluice::engine
