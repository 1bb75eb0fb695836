#pragma once
#include "actors/action_history.hpp"
#include "actors/interfaces.hpp"
#include "actors/kept_traces.hpp"
#include "actors/traced_actor.hpp"

#include <map>

namespace expbuild {

struct recorder_options {
  action_history_options history{};
  kept_traces_options traces{};
  std::size_t max_watchers = 100;
};

/// Knows what became of each action and tells whoever watches; finds its message trace in the
/// rings, or where it was kept.
class recorder_state {
public:
  static inline const char* name = "recorder";
  using pointer = traced_pointer<recorder_actor, recorder_state>;

  recorder_state() {} // NOLINT: CAF must not take it for an aggregate

  void begin(action_began& event);
  void join(action_joined& event);
  void move(action_moved& event);
  void end(action_ended& event);
  absl::StatusOr<recorded_trace> find_trace(const trace_of& request) const;
  action_page list(const list_actions& request) const;
  void watch(const watch_actions& request, const action_sink& sink);
  void tell_live(const get_live_actions& request, const reply<live_actions>& answer);

  recorder_options options;
  action_history history{{}};
  kept_traces traces{{}};
  std::map<std::uint64_t, action_sink> watchers;
  std::optional<reply<live_actions>> waits_for_live;

private:
  void tell(std::uint64_t execution) const;
};

recorder_actor::behavior_type recorder(recorder_state::pointer self, recorder_options options);

} // namespace expbuild
