#pragma once
#include "actors/action_loader.hpp"
#include "actors/live_operations.hpp"
#include "actors/operation.hpp"
#include "actors/operation_names.hpp"
#include "storage/io_pool.hpp"

#include <unordered_map>
#include <vector>

namespace expbuild {

struct dispatcher_options {
  /// What every operation gets; its `dispatcher` is filled in here.
  operation_options operations;
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  action_loader_options loading;
  /// Live actions, waiting ones included; beyond it RESOURCE_EXHAUSTED.
  std::size_t max_live = 20'000;
};

/// Spawns operations, or lets the same action join what runs already unless it must not
/// (skip_cache_lookup, do_not_cache). The only door for operation names.
class dispatcher_state {
public:
  static inline const char* name = "dispatcher";
  using pointer = traced_pointer<dispatcher_actor, dispatcher_state>;

  explicit dispatcher_state(pointer selfptr) : self(selfptr) {}

  void load(execute& request, operation_sink& sink);
  void start_or_join(action_loaded& event, operation_sink& sink);
  void watch_operation(const watch& request, const operation_sink& sink);
  void listener_left(const detach& event);
  void cancel_operation(const cancel& request, const reply<unit>& answer);
  void tell_state(const get_operation& request, const reply<operation_state>& answer);
  void list(const list_operations& request, reply<operation_page> answer);
  void delete_finished(const delete_operation& request, const reply<unit>& answer);
  void finished(std::uint64_t execution);
  void streams_ended(const std::string& operation);
  void died(const caf::actor_addr& who);
  void drain_then(reply<unit> answer);
  void abort_everything(const abort_all& order);
  void beat();

  pointer self;
  dispatcher_options options;
  /// Live operations, and retired ones, for which the reaper is asked.
  operation_names names;

private:
  std::uint64_t spawn_operation(action_loaded& event);
  void attach_to(std::uint64_t execution, const action_loaded& event, operation_sink& sink);
  const operation_actor* find_live(const std::string& operation) const;
  void reject(operation_sink& sink, const absl::Status& why);
  void count_waiters() const;
  void forget_live(std::uint64_t execution);
  void finish_drain();
  void keep_beating();

  live_operations operations;
  std::unordered_map<std::uint64_t, operation_actor> actors; ///< of the live ones, by execution
  std::size_t loading = 0;
  bool beating = false; ///< a tick is on its way: while there are live operations
  bool draining = false;
  absl::Status aborted; ///< other than OK: everything ends with this
  std::vector<reply<unit>> drained;
};

dispatcher_actor::behavior_type dispatcher(dispatcher_state::pointer self,
                                           dispatcher_options options);

} // namespace expbuild
