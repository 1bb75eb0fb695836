#include "actors/retired_operations.hpp"

namespace expbuild {

void retired_operations::add(operation_state state, time_point now) {
  const auto bytes = state.response ? state.response->ByteSizeLong() : 0;
  auto name = state.name;
  if (!by_name_.emplace(name, std::move(state)).second)
    return;
  by_age_.push_back({now + options_.ttl, bytes, std::move(name)});
  bytes_ += bytes;
}

const operation_state* retired_operations::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

std::vector<std::string> retired_operations::expire(time_point now) {
  std::vector<std::string> gone;
  while (!by_age_.empty() && is_over(by_age_.front(), now)) {
    bytes_ -= by_age_.front().bytes;
    by_name_.erase(by_age_.front().name);
    gone.push_back(std::move(by_age_.front().name));
    by_age_.pop_front();
  }
  return gone;
}

std::optional<retired_operations::time_point> retired_operations::next_expiry() const {
  if (by_age_.empty())
    return std::nullopt;
  return by_age_.front().until;
}

bool retired_operations::is_over(const entry& x, time_point now) const noexcept {
  return x.until <= now || by_age_.size() > options_.max_operations || bytes_ > options_.max_bytes;
}

} // namespace expbuild
