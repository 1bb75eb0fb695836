#pragma once
#include "actors/audience.hpp"
#include "actors/interfaces.hpp"
#include "actors/log_about.hpp"
#include "actors/metrics.hpp"
#include "actors/traced_actor.hpp"

#include <chrono>

namespace expbuild {

struct operation_options {
  action_cache_actor cache;
  scheduler_actor scheduler;
  result_reaper_actor reaper;
  recorder_actor recorder;
  dispatcher_actor dispatcher;
  std::shared_ptr<metrics> meters;
  /// With nobody listening for this long the action is killed: a client may come back by
  /// WaitExecution until then.
  std::chrono::seconds patience{60};
  /// The last state is repeated this often: load balancers drop silent streams.
  std::chrono::seconds heartbeat{30};
  /// Where clients can look at an action, without a slash at its end; empty: nowhere.
  std::string pages = {};
  /// The trace of an operation that took longer is kept.
  std::chrono::seconds slow{60};
};

/// The story of remote execution, top to bottom: cache? queue, run, store, tell. One actor per
/// live action; every Execute that joined has an operation name of its own.
class operation_actor_state {
public:
  static inline const char* name = "operation";
  using pointer = traced_pointer<operation_actor, operation_actor_state>;

  explicit operation_actor_state(pointer selfptr) : self(selfptr) {}

  void join(const attach& request, const operation_sink& sink);
  void leave(std::uint64_t listener) { listeners.leave(listener); }
  void give_up(const cancel& request, const reply<unit>& answer);
  void abort(const absl::Status& why);
  void cache_answered(result_checked& answer);
  void moved(const stage_reached& event);
  void ended(job_done& event);
  void stored(const absl::Status& status);
  void look_after();
  void tell_state(const get_operation& request, const reply<operation_state>& answer) const;
  void delete_later(const delete_operation& request, const reply<unit>& answer);

  pointer self;
  operation_options options;
  std::uint64_t execution = 0;
  digest action_id;
  request_metadata asker; ///< of the Execute that started it
  std::int32_t priority = 0;
  bool skip_cache_lookup = false;
  absl::StatusOr<std::shared_ptr<const loaded_action>> action;

private:
  void start();
  void check_cache();
  void queue(std::string why_not_cached);
  log_about this_action() const;
  void finish(const absl::Status& status, const cached_result& result, bool from_cache);
  void end_name(const std::string& operation, const absl::Status& status);
  void abandon(const absl::Status& why);
  void complete();
  bool completed() const noexcept { return stage == execution_stage::completed; }

  operation_state state_now() const;

  audience listeners;
  execution_stage stage = execution_stage::queued;
  reapi::ExecutedActionMetadata metadata;
  std::shared_ptr<const reapi::ExecuteResponse> response;
  std::uint64_t trace = 0; ///< that of the stream which started it
  cached_result pending;   ///< waits for the action cache
  bool begun = false;
  bool queued = false;
  bool abandoned = false;
  std::chrono::system_clock::time_point began;
};

/// `loaded` is what the dispatcher has read; a failure there becomes the operation's end.
operation_actor::behavior_type
operation(operation_actor_state::pointer self, operation_options options, execute request,
          absl::StatusOr<std::shared_ptr<const loaded_action>> loaded, std::uint64_t execution);

} // namespace expbuild
