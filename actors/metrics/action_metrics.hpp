#pragma once
#include "actors/metrics/families.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace expbuild {

/// Of actions, whoever runs them, and of those that wait.
struct action_metrics {
  explicit action_metrics(prometheus::Registry& all)
      : requests(counters(all, "expbuild_execute_requests_total",
                          "Execute calls, by what became of them at first"),
                 {}, "outcome", {"cache_hit", "merged", "queued", "rejected"}),
        waiters(gauge(all, "expbuild_execute_waiters", "Streams that wait for live operations")),
        ended(
            counters(all, "expbuild_actions_total", "Operations that ended, by how"), {}, "result",
            {"success", "nonzero", "timeout", "cancelled", "infra_error", "cache_hit", "rejected"}),
        retries(counter(all, "expbuild_action_retries_total",
                        "Actions put back after their worker was lost")),
        refused(counters(all, "expbuild_queue_rejected_total",
                         "Actions that could not wait for a worker, by why"),
                {}, "reason", {"full", "no_worker"}),
        stalls(
            counters(all, "expbuild_watchdog_alarms_total", "What did not move although it should"),
            {}, "kind",
            {"silent_action", "stuck_slot", "idle_worker", "busy_actor", "growing_mailbox"}),
        queued(gauge(all, "expbuild_queue_actions", "Actions that wait for a worker")),
        oldest_age(gauge(all, "expbuild_queue_oldest_age_seconds",
                         "How long the action waits that waits longest; 0: none waits")),
        unschedulable(gauge(all, "expbuild_unschedulable_actions",
                            "Actions that wait for what no worker offers that is there now")) {}

  /// Ages go on between two reports.
  void settle() const {
    const auto since = oldest_since_ns.load(std::memory_order_relaxed);
    const auto now = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch());
    oldest_age.Set(since == 0 ? 0 : std::max(0., seconds(now - std::chrono::nanoseconds(since))));
  }

  labelled<Counter, 4> requests;
  Gauge& waiters;
  labelled<Counter, 7> ended;
  Counter& retries;
  labelled<Counter, 2> refused;
  labelled<Counter, 5> stalls;
  Gauge& queued;
  Gauge& oldest_age;
  Gauge& unschedulable;
  std::atomic<std::int64_t> oldest_since_ns{0}; ///< wall clock; 0: none waits
};

} // namespace expbuild
