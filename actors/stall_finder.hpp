#pragma once
#include "actors/pool_messages.hpp"
#include "actors/recorder_messages.hpp"
#include "actors/stall.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace expbuild {

/// How long what should move may stand still.
struct stall_limits {
  /// What must be short: looking up, staging, collecting, storing, a command beyond its timeout.
  std::chrono::seconds patience{300};
  std::chrono::seconds idle{30};      ///< an action waits beside a worker that fits
  std::chrono::seconds childless{60}; ///< a command runs, its runner has no process
  std::chrono::seconds handler{10};   ///< of one message
  std::chrono::seconds mailbox{60};   ///< that grows at every look
  std::int64_t mailbox_size = 1000;   ///< shorter ones may grow

  /// The others are never longer than `patience`.
  static stall_limits of(std::chrono::seconds patience);
};

/// The actors of one name, at one moment.
struct seen_actor {
  std::string name;
  std::int64_t waiting = 0;       ///< messages
  std::int64_t busy_since_ns = 0; ///< with the message of now; 0: with none
};

/// Actions and workers, at one moment.
struct seen_house {
  live_actions live;
  std::vector<worker_status> workers;
  std::set<std::string> childless; ///< workers whose runner has no process below it
};

/// Finds what does not move although it should. Something is a stall when it was the case at every
/// look for as long as its limit says; time between looks counts for a quarter of a minute at most,
/// so that neither a clock that jumps nor a machine that slept is an alarm. Plain data: no actors,
/// no clock, one thread.
class stall_finder {
public:
  using time_point = std::chrono::steady_clock::time_point;

  struct news {
    std::vector<stall> begun; ///< each once
    std::vector<stall> over;
  };

  explicit stall_finder(stall_limits limits) : limits_(limits) {}

  news look_at(const std::vector<seen_actor>& actors, time_point now);
  news look_at(const seen_house& house, time_point now);

  /// Those that last.
  std::vector<stall> stalls() const;

private:
  using duration = std::chrono::steady_clock::duration;

  /// What is the case, by a key that changes when it is something else.
  class conditions {
  public:
    void begin(time_point now);
    /// It is the case at this look; `tell` is asked for its words when that is too long.
    template <class Tell>
    void holds(const std::string& key, duration limit, Tell tell);
    news end();
    std::vector<stall> stalls() const;

  private:
    struct entry {
      duration since{0};
      std::optional<stall> alarm;
    };
    std::map<std::string, entry> before_;
    std::map<std::string, entry> now_;
    std::vector<stall> begun_;
    std::optional<time_point> last_;
    duration clock_{0}; ///< time that was watched
  };

  void look_at_action(const action_record& x, const seen_house& house);
  void look_at_queued(const action_record& x, const seen_house& house);
  void look_at_executing(const action_record& x, const seen_house& house);
  void look_at_busy(const worker_status& x, const std::set<std::string>& live);

  const stall_limits limits_;
  conditions of_actors_;
  conditions of_house_;
  std::map<std::string, std::int64_t> waiting_; ///< by actor, at the last look
};

} // namespace expbuild
