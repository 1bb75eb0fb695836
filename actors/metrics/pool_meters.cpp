#include "actors/metrics/pool_meters.hpp"

#include "actors/metrics/families.hpp"
#include "actors/worker_status.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

namespace expbuild {

namespace {

/// In the order of worker_condition, which begins at 1.
constexpr label_values<7> condition_names{"starting", "idle",        "busy",   "draining",
                                          "backoff",  "quarantined", "drained"};

std::size_t place_of(worker_condition x) {
  return index(x) - 1;
}

} // namespace

struct pool_meters::families {
  explicit families(prometheus::Registry& all)
      : workers(gauges(all, "expbuild_workers", "Worker slots, by type and state")),
        restarts(counters(all, "expbuild_worker_restarts_total",
                          "Workers that were started again, by why")),
        quarantines(counters(all, "expbuild_worker_quarantines_total",
                             "Workers that failed too often and were locked away for a while")),
        waits(histograms(all, "expbuild_queue_wait_seconds",
                         "Time that actions wait for the worker that takes them")),
        stages(histograms(all, "expbuild_action_stage_seconds",
                          "Time that actions spend in each stage")),
        memory(histograms(all, "expbuild_action_peak_memory_bytes",
                          "The most memory that a process of an action used")),
        outputs(histograms(all, "expbuild_action_output_bytes",
                           "Bytes of outputs that an action brought to the store")) {}

  prometheus::Family<Gauge>& workers;
  prometheus::Family<Counter>& restarts;
  prometheus::Family<Counter>& quarantines;
  prometheus::Family<Histogram>& waits;
  prometheus::Family<Histogram>& stages;
  prometheus::Family<Histogram>& memory;
  prometheus::Family<Histogram>& outputs;
  std::mutex guard; // of the map
  std::map<std::string, std::unique_ptr<pool_meter>> meters;
};

struct pool_meter::impl {
  impl(pool_meters::families& x, const prometheus::Labels& pool)
      : workers(x.workers, pool, "state", condition_names),
        restarts(x.restarts, pool, "reason", {"crash", "dependency", "operator"}),
        quarantines(x.quarantines.Add(pool)), waits(x.waits.Add(pool, stage_buckets)),
        stages(x.stages, pool, "stage", {"queue", "fetch", "exec", "upload"}, stage_buckets),
        memory(x.memory.Add(pool, memory_buckets)), outputs(x.outputs.Add(pool, memory_buckets)) {}

  labelled<Gauge, condition_names.size()> workers;
  labelled<Counter, 3> restarts;
  Counter& quarantines;
  Histogram& waits;
  labelled<Histogram, 4> stages;
  Histogram& memory;
  Histogram& outputs;
  std::atomic<std::size_t> alive{0};
};

pool_meter::pool_meter(std::unique_ptr<impl> x) : impl_(std::move(x)) {}
pool_meter::~pool_meter() = default;

void pool_meter::alive(std::size_t count) {
  impl_->alive = count;
}

void pool_meter::workers(worker_condition state, std::size_t count) {
  impl_->workers[place_of(state)].Set(double(count));
}

void pool_meter::worker_restarted(restart_reason why) {
  impl_->restarts[index(why)].Increment();
}

void pool_meter::worker_quarantined() {
  impl_->quarantines.Increment();
}

void pool_meter::waited(std::chrono::nanoseconds time) {
  impl_->waits.Observe(seconds(time));
}

void pool_meter::stage_took(action_stage stage, std::chrono::nanoseconds time) {
  impl_->stages[index(stage)].Observe(seconds(time));
}

void pool_meter::peak_memory(std::int64_t bytes) {
  impl_->memory.Observe(double(bytes));
}

void pool_meter::outputs(std::int64_t bytes) {
  impl_->outputs.Observe(double(bytes));
}

/// The supervisor knows who is there, the scheduler who has reported for work; the rest starts.
void pool_meter::settle() {
  auto starting = double(impl_->alive.load());
  for (const auto at_work : {worker_condition::idle, worker_condition::busy,
                             worker_condition::draining, worker_condition::drained})
    starting -= impl_->workers[place_of(at_work)].Value();
  impl_->workers[place_of(worker_condition::starting)].Set(std::max(0., starting));
}

pool_meters::pool_meters(prometheus::Registry& all) : families_(std::make_unique<families>(all)) {}
pool_meters::~pool_meters() = default;

pool_meter& pool_meters::of(const std::string& type) {
  const std::lock_guard lock(families_->guard);
  auto& meter = families_->meters[type];
  if (!meter)
    meter = std::make_unique<pool_meter>(
        std::make_unique<pool_meter::impl>(*families_, prometheus::Labels{{"pool", type}}));
  return *meter;
}

void pool_meters::settle() const {
  const std::lock_guard lock(families_->guard);
  for (const auto& [type, meter] : families_->meters)
    meter->settle();
}

} // namespace expbuild
