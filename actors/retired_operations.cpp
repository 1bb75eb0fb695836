#include "actors/retired_operations.hpp"

namespace expbuild {

void retired_operations::add(operation_state state, time_point now) {
  const auto bytes = (state.response ? state.response->ByteSizeLong() : 0)
                     + state.metadata.ByteSizeLong(); // a copy of what is in the response
  auto name = state.name;
  const auto number = ++last_;
  if (!by_name_.try_emplace(name, entry{number, now + options_.ttl, bytes, std::move(state)})
           .second)
    return;
  by_age_.emplace(number, std::move(name));
  bytes_ += bytes;
}

const operation_state* retired_operations::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second.state;
}

void retired_operations::erase(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    return;
  bytes_ -= found->second.bytes;
  by_age_.erase(found->second.number);
  by_name_.erase(found);
}

std::vector<std::string> retired_operations::expire(time_point now) {
  std::vector<std::string> gone;
  while (!by_age_.empty() && is_over(by_name_.at(by_age_.begin()->second), now)) {
    gone.push_back(by_age_.begin()->second);
    erase(gone.back());
  }
  return gone;
}

std::optional<retired_operations::time_point> retired_operations::next_expiry() const {
  if (by_age_.empty())
    return std::nullopt;
  return by_name_.at(by_age_.begin()->second).until;
}

bool retired_operations::is_over(const entry& x, time_point now) const noexcept {
  return x.until <= now || by_age_.size() > options_.max_operations || bytes_ > options_.max_bytes;
}

} // namespace expbuild
