#pragma once
#include "actors/interfaces.hpp"
#include "actors/job_queue.hpp"
#include "actors/metrics.hpp"
#include "actors/throughput.hpp"
#include "actors/traced_actor.hpp"
#include "actors/worker_catalogue.hpp"

#include <caf/actor_clock.hpp>

#include <map>
#include <set>
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

/// Who is free, who runs what, what waits. Dispatch is immediate: a job starts when it arrives or
/// when a worker becomes free. It never holds a promise: a worker that dies is noticed by its
/// down message and its job is put back.
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
    trace_position where;   ///< of its submit: whatever happens to it later is told there
    caf::actor_addr worker; ///< null while it waits
    std::uint64_t attempt = 0;
  };
  struct slot {
    worker_actor worker;
    worker_status status;
    pool_meter* pool = nullptr;
    platform_properties platform;
    std::shared_ptr<const worker_pulse> pulse;
    bool idle = false;
    std::uint64_t execution = 0; ///< what it runs
    std::chrono::system_clock::time_point since;
  };

  void match(slot& free);
  slot* find_idle(const platform_properties& wanted);
  bool is_drained(const slot& x) const { return drained.contains(x.status.name); }
  worker_condition condition_of(const slot& x) const;
  worker_status status_of(const slot& x) const;
  void start(slot& on, job_ptr work);
  void end(std::uint64_t execution, job_done event);
  absl::Status queue_is_full() const;
  void arm();
  void count_workers();
  bool is_offered(const platform_properties& wanted) const;
  void report();
  void put_back(std::uint64_t execution, const std::string& worker, const std::string& why);

  std::unordered_map<std::uint64_t, entry> entries;
  std::map<caf::actor_addr, slot> slots;
  std::set<std::string> drained; ///< names of workers that get nothing
  /// How many workers of a type are in which condition (idle to drained); types without any stay.
  std::map<pool_meter*, std::map<worker_condition, std::size_t>> counts;
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
