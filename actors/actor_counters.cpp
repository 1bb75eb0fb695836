#include "actors/actor_counters.hpp"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace expbuild {

namespace {

/// As many as there are names; a deque keeps them where they are.
struct registry {
  std::mutex guard;
  std::deque<std::pair<actor_label, actor_counters>> all;
  std::unordered_map<actor_label, actor_counters*> by_label;
};

registry& the_registry() {
  static registry instance;
  return instance;
}

} // namespace

actor_counters& counters_of(actor_label label) {
  auto& x = the_registry();
  const std::lock_guard lock(x.guard);
  auto& found = x.by_label[label];
  if (found == nullptr) {
    x.all.emplace_back(std::piecewise_construct, std::forward_as_tuple(label),
                       std::forward_as_tuple());
    found = &x.all.back().second;
  }
  return *found;
}

std::vector<named_counters> all_counters() {
  auto& x = the_registry();
  const std::lock_guard lock(x.guard);
  std::vector<named_counters> found;
  for (const auto& [label, counters] : x.all)
    found.push_back({interned_name(label), &counters});
  return found;
}

} // namespace expbuild
