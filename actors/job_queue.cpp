#include "actors/job_queue.hpp"

#include "actors/platform.hpp"

#include <limits>

namespace expbuild {

void job_queue::push(job_ptr work, std::int32_t priority) {
  insert(std::move(work), {priority, ++last_});
}

void job_queue::push_front(job_ptr work, std::int32_t priority) {
  insert(std::move(work), {priority, --first_});
}

std::optional<job_ptr> job_queue::pop(const platform_properties& offered) {
  auto best = groups_.end();
  for (auto i = groups_.begin(); i != groups_.end(); ++i) {
    const bool sooner =
        best == groups_.end() || i->second.jobs.begin()->first < best->second.jobs.begin()->first;
    if (sooner && !first_mismatch(i->second.wanted, offered))
      best = i;
  }
  if (best == groups_.end())
    return std::nullopt;
  return take(best, best->second.jobs.begin()->first);
}

job_ptr job_queue::remove(std::uint64_t execution) {
  const auto found = places_.find(execution);
  if (found == places_.end())
    return nullptr;
  const auto at = found->second.at;
  return take(groups_.find(found->second.group), at);
}

void job_queue::raise(std::uint64_t execution, std::int32_t priority) {
  const auto found = places_.find(execution);
  if (found == places_.end() || found->second.at.first <= priority)
    return;
  const auto arrival = found->second.at.second;
  insert(remove(execution), {priority, arrival});
}

/// In a group the first of each priority has waited longest.
std::optional<std::chrono::system_clock::time_point> job_queue::oldest() const {
  std::optional<std::chrono::system_clock::time_point> found;
  for (const auto& [key, x] : groups_)
    for (auto i = x.jobs.begin(); i != x.jobs.end();
         i = x.jobs.upper_bound({i->first.first, std::numeric_limits<std::int64_t>::max()}))
      if (!found || i->second->queued_at < *found)
        found = i->second->queued_at;
  return found;
}

std::size_t
job_queue::unserved(const std::function<bool(const platform_properties& wanted)>& offered) const {
  std::size_t count = 0;
  for (const auto& [key, x] : groups_)
    count += offered(x.wanted) ? 0 : x.jobs.size();
  return count;
}

void job_queue::insert(job_ptr work, order at) {
  const auto execution = work->execution;
  auto key = platform_key(work->action->platform);
  auto& home = groups_[key];
  if (home.jobs.empty())
    home.wanted = work->action->platform;
  home.jobs.emplace(at, std::move(work));
  places_[execution] = {std::move(key), at};
}

job_ptr job_queue::take(std::map<std::string, group>::iterator from, const order& at) {
  const auto found = from->second.jobs.find(at);
  auto work = std::move(found->second);
  places_.erase(work->execution);
  from->second.jobs.erase(found);
  if (from->second.jobs.empty())
    groups_.erase(from);
  return work;
}

} // namespace expbuild
