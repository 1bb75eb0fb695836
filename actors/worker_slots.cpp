#include "actors/worker_slots.hpp"

#include "actors/platform.hpp"

#include <algorithm>
#include <iterator>

namespace expbuild {

void worker_slots::add(worker_id worker, slot x) {
  types_.insert(x.status.type);
  slots_[worker] = std::move(x);
}

void worker_slots::offers(worker_id worker, time_point now) {
  const auto found = slots_.find(worker);
  if (found == slots_.end())
    return;
  found->second.idle = true;
  found->second.status.since = now;
}

void worker_slots::starts(worker_id worker, const job& work, time_point now) {
  const auto found = slots_.find(worker);
  if (found == slots_.end())
    return;
  auto& x = found->second;
  x.idle = false;
  x.execution = work.execution;
  x.status.action = work.action->id.hash();
  x.status.since = now;
}

void worker_slots::ended(worker_id worker) {
  const auto found = slots_.find(worker);
  if (found == slots_.end())
    return;
  found->second.execution = 0;
  found->second.status.action.clear();
}

void worker_slots::leaves(worker_id worker) {
  if (const auto found = slots_.find(worker); found != slots_.end())
    found->second.idle = false;
}

std::optional<worker_slots::slot> worker_slots::remove(worker_id worker) {
  auto node = slots_.extract(worker);
  if (node.empty())
    return std::nullopt;
  return std::move(node.mapped());
}

std::vector<worker_slots::worker_id>
worker_slots::set_drained(const std::vector<std::string>& names, bool drained) {
  std::vector<worker_id> done;
  for (const auto& [worker, x] : slots_) {
    if (!names_worker(names, x.status.name))
      continue;
    done.push_back(worker);
    if (drained)
      drained_.insert(x.status.name);
  }
  if (!drained)
    std::erase_if(drained_, [&names](const auto& x) { return names_worker(names, x); });
  else
    std::copy_if(names.begin(), names.end(), std::inserter(drained_, drained_.end()),
                 [](const auto& x) { return !x.ends_with('*'); });
  return done;
}

bool worker_slots::is_free(worker_id worker) const {
  const auto found = slots_.find(worker);
  return found != slots_.end() && is_free(found->second);
}

std::optional<worker_slots::worker_id>
worker_slots::find_free(const platform_properties& wanted) const {
  for (const auto& [worker, x] : slots_)
    if (is_free(x) && !first_mismatch(wanted, x.status.platform))
      return worker;
  return std::nullopt;
}

bool worker_slots::is_offered(const platform_properties& wanted) const {
  return std::any_of(slots_.begin(), slots_.end(), [this, &wanted](const auto& x) {
    return !is_drained(x.second) && !first_mismatch(wanted, x.second.status.platform);
  });
}

std::size_t worker_slots::idle() const {
  return static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const auto& x) { return x.second.idle; }));
}

std::map<std::string, worker_slots::condition_counts> worker_slots::count() const {
  std::map<std::string, condition_counts> result;
  for (const auto& type : types_)
    result[type] = {{worker_condition::idle, 0},
                    {worker_condition::busy, 0},
                    {worker_condition::draining, 0},
                    {worker_condition::drained, 0}};
  for (const auto& [worker, x] : slots_)
    ++result[x.status.type][condition_of(x)];
  return result;
}

std::vector<worker_status> worker_slots::statuses() const {
  std::vector<worker_status> result;
  for (const auto& [worker, x] : slots_) {
    auto& status = result.emplace_back(x.status);
    status.condition = condition_of(x);
    if (x.pulse)
      status.step = x.pulse->step.load(std::memory_order_relaxed);
  }
  return result;
}

worker_condition worker_slots::condition_of(const slot& x) const {
  if (is_drained(x))
    return x.idle ? worker_condition::drained : worker_condition::draining;
  return x.idle ? worker_condition::idle : worker_condition::busy;
}

} // namespace expbuild
