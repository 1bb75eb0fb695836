#include "actors/live_operations.hpp"

#include <utility>

namespace expbuild {

namespace {

template <class Map, class Key>
std::optional<std::uint64_t> find_in(const Map& map, const Key& key) {
  const auto found = map.find(key);
  if (found == map.end())
    return std::nullopt;
  return found->second;
}

} // namespace

std::uint64_t live_operations::begin(const digest& action, std::uint64_t trace, bool joinable) {
  const auto execution = ++last_;
  auto& x = entries_[execution];
  x.action = action;
  x.trace = trace;
  x.joinable = joinable;
  if (joinable)
    by_action_[action] = execution;
  return execution;
}

void live_operations::runs_in(std::uint64_t execution, std::uint64_t actor) {
  entries_.at(execution).actor = actor;
  by_actor_[actor] = execution;
}

void live_operations::add_name(std::uint64_t execution, const std::string& operation) {
  entries_.at(execution).names.push_back(operation);
}

void live_operations::add_listener(std::uint64_t execution, std::uint64_t listener,
                                   const std::string& operation) {
  entries_.at(execution).listeners[listener] = operation;
  by_listener_[listener] = execution;
}

std::optional<std::uint64_t> live_operations::leave(std::uint64_t listener) {
  const auto execution = find_in(by_listener_, listener);
  if (!execution)
    return std::nullopt;
  by_listener_.erase(listener);
  entries_.at(*execution).listeners.erase(listener);
  return execution;
}

void live_operations::end_name(std::uint64_t execution, const std::string& operation) {
  const auto found = entries_.find(execution);
  if (found == entries_.end())
    return;
  std::erase_if(found->second.listeners, [&](const auto& x) {
    return x.second == operation && by_listener_.erase(x.first) != 0;
  });
}

std::optional<live_operations::entry> live_operations::remove(std::uint64_t execution) {
  auto node = entries_.extract(execution);
  if (node.empty())
    return std::nullopt;
  auto& x = node.mapped();
  for (const auto& [listener, operation] : x.listeners)
    by_listener_.erase(listener);
  by_actor_.erase(x.actor);
  if (to_join(x.action) == execution)
    by_action_.erase(x.action);
  return std::move(x);
}

std::optional<std::uint64_t> live_operations::to_join(const digest& action) const {
  return find_in(by_action_, action);
}

std::optional<std::uint64_t> live_operations::of_actor(std::uint64_t actor) const {
  return find_in(by_actor_, actor);
}

} // namespace expbuild
