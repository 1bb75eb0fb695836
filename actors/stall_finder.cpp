#include "actors/stall_finder.hpp"

#include "actors/platform.hpp"

#include <algorithm>

namespace expbuild {

namespace {

using std::chrono::seconds;

constexpr seconds longest_gap{15};

std::string more_than(std::chrono::nanoseconds x) {
  return "for more than "
         + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(x).count()) + " s";
}

std::string traced(const std::string& hash) {
  return "rectl trace " + hash.substr(0, 16);
}

stall of_action(const action_record& x, stall_kind kind, const std::string& what,
                const std::string& next_step) {
  return {.kind = kind,
          .what = "action " + x.action.to_string()
                  + (x.asker.target_id.empty() ? std::string() : " of " + x.asker.target_id) + " "
                  + what,
          .next_step = next_step,
          .action = x.action.hash(),
          .trace = x.trace};
}

/// Two stalls of one action at two moments are two.
std::string key_of(const char* what, const action_record& x) {
  return std::string(what) + " " + std::to_string(x.execution) + " " + std::to_string(x.moves);
}

const worker_status* worker_of(const action_record& x, const seen_house& house) {
  const auto found =
      std::find_if(house.workers.begin(), house.workers.end(), [&x](const worker_status& worker) {
        return worker.name == x.worker && worker.action == x.action.hash();
      });
  return found == house.workers.end() ? nullptr : &*found;
}

bool is_busy(const worker_status& x) {
  return x.condition == worker_condition::busy || x.condition == worker_condition::draining;
}

} // namespace

stall_limits stall_limits::of(seconds patience) {
  stall_limits x;
  x.patience = patience;
  for (auto* each : {&x.idle, &x.childless, &x.handler, &x.mailbox})
    *each = std::min(*each, patience);
  return x;
}

// ---- how long something is the case ------------------------------------------------------------

void stall_finder::conditions::begin(time_point now) {
  if (last_)
    clock_ += std::min<duration>(now - *last_, longest_gap);
  last_ = now;
}

template <class Tell>
void stall_finder::conditions::holds(const std::string& key, duration limit, Tell tell) {
  const auto known = before_.find(key);
  auto x = known == before_.end() ? entry{.since = clock_, .alarm = {}} : std::move(known->second);
  if (known != before_.end())
    before_.erase(known);
  if (!x.alarm && clock_ - x.since >= limit) {
    x.alarm = tell();
    begun_.push_back(*x.alarm);
  }
  now_.emplace(key, std::move(x));
}

stall_finder::news stall_finder::conditions::end() {
  news found{.begun = std::exchange(begun_, {}), .over = {}};
  for (auto& [key, x] : before_)
    if (x.alarm)
      found.over.push_back(*std::move(x.alarm));
  before_ = std::exchange(now_, {});
  return found;
}

std::vector<stall> stall_finder::conditions::stalls() const {
  std::vector<stall> found;
  for (const auto& [key, x] : before_)
    if (x.alarm)
      found.push_back(*x.alarm);
  return found;
}

// ---- actors ------------------------------------------------------------------------------------

stall_finder::news stall_finder::look_at(const std::vector<seen_actor>& actors, time_point now) {
  of_actors_.begin(now);
  for (const auto& x : actors) {
    if (x.busy_since_ns != 0)
      of_actors_.holds(
          "busy " + x.name + " " + std::to_string(x.busy_since_ns), limits_.handler, [&] {
            return stall{.kind = stall_kind::busy_actor,
                         .what = "actor " + x.name + " has handled one message "
                                 + more_than(limits_.handler) + ", " + std::to_string(x.waiting)
                                 + " more wait",
                         .next_step = "the stacks of the process tell where it hangs (gdb -p PID, "
                                      "thread apply all bt); restart the server if it goes on",
                         .actor = x.name};
          });
    auto& before = waiting_[x.name];
    if (x.waiting >= limits_.mailbox_size && x.waiting > before)
      of_actors_.holds("mailbox " + x.name, limits_.mailbox, [&] {
        return stall{.kind = stall_kind::growing_mailbox,
                     .what = std::to_string(x.waiting) + " messages wait for actor " + x.name
                             + ", ever more " + more_than(limits_.mailbox),
                     .next_step = "rectl actors tells what it does; fewer clients at once, or more "
                                  "actor threads and cores, would help",
                     .actor = x.name};
      });
    before = x.waiting;
  }
  return of_actors_.end();
}

// ---- actions and workers -----------------------------------------------------------------------

stall_finder::news stall_finder::look_at(const seen_house& house, time_point now) {
  of_house_.begin(now);
  std::set<std::string> live;
  for (const auto& x : house.live) {
    live.insert(x->action.hash());
    look_at_action(*x, house);
  }
  for (const auto& x : house.workers)
    if (is_busy(x))
      look_at_busy(x, live);
  return of_house_.end();
}

void stall_finder::look_at_action(const action_record& x, const seen_house& house) {
  switch (x.stage) {
  case execution_stage::cache_check:
    return of_house_.holds(key_of("looked up", x), limits_.patience, [&] {
      return of_action(x, stall_kind::silent_action,
                       "has been looked up in the action cache " + more_than(limits_.patience),
                       "see whether the disk of [storage.action_cache] answers; "
                           + traced(x.action.hash()));
    });
  case execution_stage::queued:
    return look_at_queued(x, house);
  case execution_stage::executing:
    return look_at_executing(x, house);
  case execution_stage::completed:
    return;
  }
}

void stall_finder::look_at_queued(const action_record& x, const seen_house& house) {
  if (!x.loaded)
    return;
  for (const auto& worker : house.workers)
    if (worker.condition == worker_condition::idle
        && !first_mismatch(x.loaded->platform, worker.platform))
      return of_house_.holds(key_of("idle", x), limits_.idle, [&] {
        return of_action(x, stall_kind::idle_worker,
                         "waits " + more_than(limits_.idle) + " although " + worker.name
                             + " is idle and fits",
                         "rectl restart " + worker.name
                             + " offers it again; this is a fault of the server, please report it");
      });
}

void stall_finder::look_at_executing(const action_record& x, const seen_house& house) {
  const auto hold = [&](const char* key, std::chrono::nanoseconds limit, const std::string& what,
                        const std::string& next_step, stall_kind kind = stall_kind::silent_action) {
    of_house_.holds(key_of(key, x), limit, [&] {
      return of_action(x, kind, what + " " + more_than(limit),
                       next_step + "; " + traced(x.action.hash()));
    });
  };
  const auto restart = "rectl restart " + x.worker + " runs it again elsewhere";
  const auto on = " on " + x.worker;
  const auto* worker = worker_of(x, house);
  if (worker == nullptr)
    return hold("nowhere", limits_.patience,
                "is no longer" + on + ", and its end has not been told",
                "see whether the disk of [storage.action_cache] answers; cancel it (rectl cancel)");
  switch (worker->step) {
  case attempt_step::none:
    return hold("untaken", limits_.patience, "was given to " + x.worker + " and not begun", restart,
                stall_kind::stuck_slot);
  case attempt_step::staging:
    return hold("staging", limits_.patience, "has its inputs staged" + on,
                "see whether the disk of [storage.cas] answers");
  case attempt_step::collecting:
    return hold("collecting", limits_.patience, "has its outputs collected" + on,
                "see whether the disks of work_dir and [storage.cas] answer");
  case attempt_step::running:
    break;
  }
  if (house.childless.contains(x.worker))
    hold("childless", limits_.childless, "runs" + on + " without any process", restart,
         stall_kind::stuck_slot);
  if (x.loaded)
    hold("beyond", x.loaded->timeout + limits_.patience,
         "runs" + on + " beyond its timeout of "
             + std::to_string(std::chrono::duration_cast<seconds>(x.loaded->timeout).count())
             + " s,",
         restart);
}

/// An action that has just ended may still be killed, one that has just begun is not told yet.
void stall_finder::look_at_busy(const worker_status& x, const std::set<std::string>& live) {
  if (live.contains(x.action))
    return;
  const auto key = "unwanted " + x.name + " " + x.action + " "
                   + std::to_string(x.since.time_since_epoch().count());
  of_house_.holds(key, limits_.patience, [&] {
    return stall{.kind = stall_kind::stuck_slot,
                 .what = "worker " + x.name
                         + (x.action.empty() ? std::string(" has been busy with nothing ")
                                             : " has been busy with action " + x.action
                                                   + ", for which nobody waits, ")
                         + more_than(limits_.patience),
                 .next_step = "rectl restart " + x.name + " kills what it runs",
                 .action = x.action};
  });
}

std::vector<stall> stall_finder::stalls() const {
  auto all = of_actors_.stalls();
  const auto more = of_house_.stalls();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

} // namespace expbuild
