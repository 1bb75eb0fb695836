#include "services/problems.hpp"

#include "actors/platform.hpp"
#include "services/waiting_reason.hpp"

#include <algorithm>
#include <map>

namespace expbuild {

namespace {

using admin::v1::Problem;

/// Actions that have waited for longer are told.
constexpr std::chrono::seconds long_wait{60};
/// The store is nearly full of what can not go.
constexpr std::int64_t nearly_full_percent = 90;
constexpr std::size_t most_workers_told = 5;
constexpr std::size_t most_stalls_told = 10;

std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

class telling {
public:
  explicit telling(std::vector<Problem>& to) : to_(to) {}

  void add(Problem::Severity severity, const std::string& what, const std::string& next_step) {
    auto& x = to_.emplace_back();
    x.set_severity(severity);
    x.set_what(what);
    x.set_next_step(next_step);
  }

private:
  std::vector<Problem>& to_;
};

struct waiting_group {
  platform_properties wanted;
  std::size_t count = 0;
  std::chrono::system_clock::time_point since;
};

void tell_waiting(const house_state& x, std::chrono::system_clock::time_point now, telling& to) {
  std::map<std::string, waiting_group> groups;
  for (const auto& action : x.waiting) {
    if (!action->loaded || action->stage != execution_stage::queued)
      continue;
    auto& group = groups[platform_key(action->loaded->platform)];
    group.wanted = action->loaded->platform;
    if (group.count++ == 0 || action->began < group.since)
      group.since = action->began;
  }
  for (const auto& [key, group] : groups) {
    const auto why = why_it_waits(group.wanted, x.scheduling.workers, x.slots);
    const bool long_ago = now - group.since > long_wait;
    if (why.next_step.empty() && !long_ago)
      continue;
    to.add(why.is_hopeless ? Problem::ERROR : Problem::WARNING,
           count_of(group.count, "action") + " wait" + (group.count == 1 ? "s" : "") + ": "
               + why.sentence,
           why.next_step.empty() ? "add workers, or wait" : why.next_step);
  }
}

void tell_workers(const house_state& x, telling& to) {
  std::size_t told = 0;
  for (const auto& slot : x.slots) {
    const bool quarantined = slot.condition == worker_condition::quarantined;
    if ((!quarantined && slot.condition != worker_condition::backoff) || ++told > most_workers_told)
      continue;
    to.add(quarantined ? Problem::ERROR : Problem::WARNING,
           "worker " + slot.name
               + (quarantined ? " failed too often and is quarantined: " : " is down: ")
               + slot.last_failure,
           "it comes back by itself once that is over; rectl restart " + slot.name + " tries now");
  }
  if (told > most_workers_told)
    to.add(Problem::WARNING, count_of(told - most_workers_told, "more worker") + " are down",
           "rectl workers");
  const auto drained = static_cast<std::size_t>(
      std::count_if(x.scheduling.workers.begin(), x.scheduling.workers.end(), [](const auto& w) {
        return w.condition == worker_condition::drained
               || w.condition == worker_condition::draining;
      }));
  if (drained > 0)
    to.add(Problem::NOTICE, count_of(drained, "worker") + " out of service (drained)",
           "rectl undrain NAME");
}

void tell_store(const cas_stats& x, telling& to) {
  if (!x.index_complete)
    to.add(Problem::NOTICE, "the store is still finding out what it holds", "wait a moment");
  if (x.max_bytes > 0 && x.promised_bytes / nearly_full_percent > x.max_bytes / 100)
    to.add(Problem::WARNING,
           "the store is nearly full of blobs that clients were promised ("
               + std::to_string(x.promised_bytes >> 20) + " of " + std::to_string(x.max_bytes >> 20)
               + " MiB): writes will be refused",
           "a larger max_size_bytes or a shorter lease_seconds in [storage.cas]");
}

void tell_stalls(const std::vector<stall>& stalls, telling& to) {
  for (std::size_t i = 0; i < stalls.size() && i < most_stalls_told; ++i)
    to.add(Problem::ERROR, stalls[i].what, stalls[i].next_step);
  if (stalls.size() > most_stalls_told)
    to.add(Problem::ERROR, count_of(stalls.size() - most_stalls_told, "more stall"),
           "the log has the first of them (module sentinel)");
}

} // namespace

std::vector<Problem> problems_of(const house_state& x, std::chrono::system_clock::time_point now) {
  std::vector<Problem> found;
  telling to(found);
  tell_waiting(x, now, to);
  tell_workers(x, to);
  tell_store(x.stored, to);
  tell_stalls(x.stalls, to);
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.severity() > b.severity(); });
  return found;
}

} // namespace expbuild
