#pragma once
#include "actors/interfaces.hpp"
#include "actors/job_queue.hpp"
#include "actors/metrics.hpp"
#include "actors/throughput.hpp"
#include "actors/traced_actor.hpp"
#include "actors/worker_catalogue.hpp"
#include "actors/worker_slots.hpp"

#include <caf/actor_clock.hpp>

#include <unordered_map>

namespace expbuild {

struct scheduler_options {
  /// What the configured workers declare, one entry a slot, alive or not: an action that none of
  /// them could ever run is refused at once.
  std::vector<platform_properties> declared;
  std::size_t max_queue_size = 1000;
  /// Starts of one job; a job whose worker died that often ends UNAVAILABLE.
  unsigned max_attempts = 3;
  /// How often counts go to log and metrics while there is work. Dispatch never waits for it.
  std::chrono::milliseconds housekeeping{100};
  std::shared_ptr<metrics> meters;
};

/// Brings jobs that wait and slots that are free together. Dispatch is immediate: a job starts when
/// it arrives or when a worker becomes free. It never holds a promise: a worker that dies is
/// noticed by its down message and its job is put back.
class scheduler_state {
public:
  static inline const char* name = "scheduler";
  using pointer = traced_pointer<scheduler_actor, scheduler_state>;

  explicit scheduler_state(pointer selfptr) : self(selfptr) {}

  void enqueue(const submit& request, const operation_actor& operation);
  void take_back(const withdraw& request);
  void raise(const raise_priority& request);
  void offer(const worker_ready& event, const worker_actor& worker);
  void let_go(const worker_actor& worker);
  void give_up_on(const worker_unusable& event);
  void finish(job_done& event);
  void worker_lost(const caf::down_msg& message);
  scheduler_stats stats() const;
  std::vector<std::string> drain(const drain_workers& request);
  void keep_house();

  pointer self;
  scheduler_options options;
  worker_catalogue catalogue{{}}; ///< made from the options

private:
  /// A job from submit to job_done.
  struct entry {
    job_ptr work;
    operation_actor operation;
    std::int32_t priority = 0;
    unsigned attempts = 0;
    trace_position where; ///< of its submit: whatever happens to it later is told there
    worker_slots::worker_id worker = 0; ///< 0 while it waits
    std::uint64_t attempt = 0;
    absl::Status withdrawn; ///< other than OK: its worker was told to stop it, and why
  };

  void match(worker_slots::worker_id worker);
  void start(worker_slots::worker_id worker, job_ptr work);
  void end(std::uint64_t execution, job_done event);
  void arm();
  void count_workers();
  void report();
  void put_back(std::uint64_t execution, const std::string& worker, const std::string& why);

  std::unordered_map<std::uint64_t, entry> entries;
  worker_slots slots;
  std::unordered_map<worker_slots::worker_id, worker_actor> workers; ///< of the slots
  throughput ends;
  job_queue waiting;
  std::uint64_t last_attempt = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  bool armed = false;
  caf::actor_clock::time_point last_log{};
};

scheduler_actor::behavior_type scheduler(scheduler_state::pointer self, scheduler_options options);

} // namespace expbuild
