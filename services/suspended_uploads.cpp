#include "services/suspended_uploads.hpp"

namespace expbuild {

std::vector<suspended_uploads::writer> suspended_uploads::add(const std::string& name, writer rest,
                                                              time_point now) {
  std::vector<writer> gone;
  if (auto older = take(name))
    gone.push_back(std::move(older));
  const auto bytes = rest->size();
  const auto number = ++last_;
  by_name_[name] = {number, now + options_.ttl, bytes, std::move(rest)};
  by_age_[number] = name;
  bytes_ += bytes;
  for (auto& each : expire(now)) // a limit may have been passed
    gone.push_back(std::move(each));
  return gone;
}

suspended_uploads::writer suspended_uploads::take(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    return nullptr;
  auto rest = std::move(found->second.rest);
  bytes_ -= found->second.bytes;
  by_age_.erase(found->second.number);
  by_name_.erase(found);
  return rest;
}

std::optional<std::int64_t> suspended_uploads::size_of(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    return std::nullopt;
  return found->second.bytes;
}

std::vector<suspended_uploads::writer> suspended_uploads::expire(time_point now) {
  std::vector<writer> gone;
  while (!by_age_.empty() && is_over(by_name_.at(by_age_.begin()->second), now)) {
    const auto name = by_age_.begin()->second;
    gone.push_back(take(name));
  }
  return gone;
}

std::optional<suspended_uploads::time_point> suspended_uploads::next_expiry() const {
  if (by_age_.empty())
    return std::nullopt;
  return by_name_.at(by_age_.begin()->second).until;
}

bool suspended_uploads::is_over(const entry& x, time_point now) const noexcept {
  return x.until <= now || by_age_.size() > options_.max_uploads || bytes_ > options_.max_bytes;
}

} // namespace expbuild
