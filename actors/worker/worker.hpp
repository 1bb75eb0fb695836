#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "actors/traced_actor.hpp"
#include "actors/worker/executor.hpp"
#include "actors/worker/workspace.hpp"
#include "storage/io_pool.hpp"

#include <functional>

namespace expbuild {

struct worker_options {
  std::string name; ///< host-worker-1
  std::string type; ///< host
  platform_properties platform;
  std::function<std::unique_ptr<executor>()> make_executor;
  workspace_options workspaces;
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  cas_actor blobs;
  scheduler_actor scheduler;
  /// What passes from the daemon's environment where the Command does not set it.
  std::vector<std::pair<std::string, std::string>> environment;
};

/// One slot: stage inputs, run, collect outputs. Lives and dies with its executor: supervision
/// restarts the pair. Nothing here blocks; files are the I/O pool's work.
class worker_state {
public:
  static inline const char* name = "worker";
  using pointer = traced_pointer<worker_actor, worker_state>;

  explicit worker_state(pointer selfptr) : self(selfptr) {}

  void open();
  void opened(const absl::Status& status);
  void lost(const absl::Status& why);
  void run(run_job& request);
  void staged(const inputs_staged& event);
  void ran(command_finished& event);
  void collected(outputs_collected& event);
  void published(const outputs_published& event);
  void stop(const stop_job& request);
  void finish_and_leave(const step_down& request);
  void may_go();
  void health(const reply<unit>& answer);
  /// Ends the attempt first, so that nothing of it stays behind.
  void leave(const caf::error& reason);

  pointer self;
  worker_options options;
  pool_meter* meter = nullptr; ///< of its type

private:
  /// The attempt that this worker is busy with.
  struct attempt {
    std::uint64_t number = 0;
    job_ptr work;
    std::shared_ptr<workspace> space;
    reapi::ExecutedActionMetadata metadata;
    absl::Status status; ///< other than OK: decided already
    bool staging = true; ///< something writes to the folder that knows nothing of the executor
    bool stopped = false;
    bool give_back = false;    ///< its end is nobody's to know: it will be run again
    bool command_over = false; ///< what it left can be collected, whatever becomes of the executor
    int exit_code = 0;
    std::shared_ptr<reapi::ActionResult> result;
  };

  void at(attempt_step step) { pulse->step.store(step, std::memory_order_relaxed); }
  bool is_current(std::uint64_t number) const { return busy && busy->number == number; }
  void start_command();
  void collect(std::shared_ptr<const unique_fd> merged);
  void finish();
  void offer();
  template <class Work>
  void in_long_lane(Work work);

  std::shared_ptr<executor> runner;
  std::unique_ptr<attempt> busy;
  const std::shared_ptr<worker_pulse> pulse = std::make_shared<worker_pulse>();
  caf::error leaving;
};

/// Opens its executor, then offers itself to the scheduler; quits when the executor can not be
/// opened or is lost.
worker_actor::behavior_type worker(worker_state::pointer self, worker_options options);

} // namespace expbuild
