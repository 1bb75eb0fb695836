#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/stall_finder.hpp"
#include "actors/traced_actor.hpp"

#include <functional>

namespace expbuild {

struct sentinel_options {
  recorder_actor recorder;
  scheduler_actor scheduler;
  std::shared_ptr<metrics> meters;
  stall_limits limits{};
  std::chrono::milliseconds interval{5000}; ///< between two looks
  /// Whether a process has one below it; nothing: that is not known.
  std::function<std::optional<bool>(std::int64_t pid)> has_child;
  std::function<std::vector<seen_actor>()> actors;
};

/// What a daemon gives it: the system's processes and the counters of all actors.
sentinel_options sentinel_of_this_process(std::chrono::seconds patience);

/// Looks every few seconds after everything that should move, as long as an action lives or a stall
/// lasts; else it sleeps until the recorder hears of an action. What stalls (see stall_finder) is
/// an ERROR with the last messages of its trace, a metric, an event of the trace and a problem of
/// the status, each once until it is over. Not to be confused with `watchdog`, which ends a stop
/// that hangs, and `heartbeat`, which tells the service manager that we live.
class sentinel_state {
public:
  static inline const char* name = "sentinel";
  using pointer = traced_pointer<sentinel_actor, sentinel_state>;

  explicit sentinel_state(pointer selfptr) : self(selfptr) {}

  void sleep();
  void wake();
  void look();
  void seen(const house_seen& answer);
  std::vector<stall> stalls() const { return finder->stalls(); }

  pointer self;
  sentinel_options options;
  std::optional<stall_finder> finder;

private:
  void arm();
  void ask();
  void tell(const stall_finder::news& news) const;

  bool asleep = false;
  bool quiet = false;   ///< the last look has found nothing to watch
  bool waiting = false; ///< for the answers to the last questions
};

sentinel_actor::behavior_type sentinel(sentinel_state::pointer self, sentinel_options options);

} // namespace expbuild
