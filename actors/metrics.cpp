#include "actors/metrics.hpp"

#include "actors/messages.hpp"
#include "actors/trace.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sys/resource.h>
#include <unistd.h>

namespace expbuild {

namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::MetricType;

double seconds(std::chrono::nanoseconds x) {
  return std::chrono::duration<double>(x).count();
}

/// The same counter (or gauge) once per value of a label: all of them are there, at 0, from the
/// start, so that a rate over the first event is seen.
template <class Metric, std::size_t N>
class labelled {
public:
  labelled(prometheus::Family<Metric>& family, const char* label,
           const std::array<const char*, N>& values) {
    for (std::size_t i = 0; i < N; ++i)
      each_[i] = &family.Add({{label, values[i]}});
  }
  Metric& operator[](std::size_t i) const { return *each_.at(i); }

private:
  std::array<Metric*, N> each_{};
};

prometheus::Family<Counter>& counters(prometheus::Registry& in, const char* name,
                                      const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(in);
}

prometheus::Family<Gauge>& gauges(prometheus::Registry& in, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(in);
}

prometheus::Family<Histogram>& histograms(prometheus::Registry& in, const char* name,
                                          const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(in);
}

// 1 ms to 1 h, and 0.5 ms to 30 s.
const Histogram::BucketBoundaries stage_buckets{.001, .003, .01, .03, .1,  .3,  1,    3,
                                                10,   30,   60,  120, 300, 900, 1800, 3600};
const Histogram::BucketBoundaries rpc_buckets{.0005, .001, .0025, .005, .01, .025, .05, .1,
                                              .25,   .5,   1,     2.5,  5,   10,   30};

constexpr std::array<const char*, 7> outcome_names{
    "success", "nonzero", "timeout", "cancelled", "infra_error", "cache_hit", "rejected"};
constexpr std::array<const char*, 3> lookup_names{"hit", "miss", "incomplete"};
constexpr std::array<const char*, 4> stage_names{"queue", "fetch", "exec", "upload"};
constexpr std::array<const char*, 6> condition_names{"starting", "idle",    "busy",
                                                     "draining", "backoff", "quarantined"};
constexpr std::array<const char*, 5> stall_names{"silent_action", "stuck_slot", "idle_worker",
                                                 "busy_actor", "growing_mailbox"};
constexpr std::array<const char*, 2> direction_names{"in", "out"};
/// As stock dashboards for grpc_server_* spell them.
constexpr std::array<const char*, 17> code_names{
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

template <class Enum>
std::size_t index(Enum x) {
  return static_cast<std::size_t>(x);
}

} // namespace

// ---- one rpc method --------------------------------------------------------------------------

struct rpc_meter::impl {
  Counter& begun;
  Histogram& times;
  prometheus::Family<Counter>& family;
  prometheus::Labels labels;
  /// Made when a code is first seen: most methods never see most codes.
  std::array<std::atomic<Counter*>, code_names.size()> by_code{};
  Counter& ended_with(std::size_t code) {
    if (auto* known = by_code[code].load(std::memory_order_acquire))
      return *known;
    auto with_code = labels;
    with_code["grpc_code"] = code_names[code];
    auto& made = family.Add(with_code); // the same one for whoever comes second
    by_code[code].store(&made, std::memory_order_release);
    return made;
  }
};

rpc_meter::rpc_meter(std::string method, std::unique_ptr<impl> x)
    : method_(std::move(method)), impl_(std::move(x)) {}
rpc_meter::~rpc_meter() = default;
void rpc_meter::started() {
  impl_->begun.Increment();
}

void rpc_meter::handled(int code, std::chrono::nanoseconds took) {
  const auto i = static_cast<std::size_t>(code); // a negative one becomes huge
  impl_->ended_with(i < code_names.size() ? i : 2).Increment();
  impl_->times.Observe(seconds(took));
}

// ---- all of them -----------------------------------------------------------------------------

struct metrics::impl {
  prometheus::Registry all;
  std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();

  labelled<Counter, outcome_names.size()> actions{
      counters(all, "expbuild_actions_total", "Operations that ended, by how"), "result",
      outcome_names};
  Counter& retries =
      counters(all, "expbuild_action_retries_total", "Actions put back after their worker was lost")
          .Add({});
  std::array<Histogram*, stage_names.size()> stages{};
  Gauge& queue = gauges(all, "expbuild_queue_actions", "Actions that wait for a worker").Add({});
  labelled<Gauge, condition_names.size()> workers{
      gauges(all, "expbuild_workers", "Worker slots, by state"), "state", condition_names};
  labelled<Counter, stall_names.size()> stalls{
      counters(all, "expbuild_watchdog_alarms_total", "What did not move although it should"),
      "kind", stall_names};
  Counter& restarts =
      counters(all, "expbuild_worker_restarts_total", "Workers that were started again").Add({});

  labelled<Counter, lookup_names.size()> lookups{
      counters(all, "expbuild_ac_lookups_total",
               "Action cache look-ups; incomplete: a result was there, a blob of it was not"),
      "result", lookup_names};
  Counter& results =
      counters(all, "expbuild_ac_writes_total", "Results written to the action cache").Add({});

  Gauge& blobs = gauges(all, "expbuild_cas_blobs", "Blobs in the store").Add({});
  Gauge& blob_bytes = gauges(all, "expbuild_cas_size_bytes", "Bytes in the store").Add({});
  Gauge& disk_bytes =
      gauges(all, "expbuild_cas_disk_bytes", "What the store takes of its disk").Add({});
  Gauge& max_bytes =
      gauges(all, "expbuild_cas_max_bytes", "What the store may take of its disk").Add({});
  Gauge& promised_bytes = gauges(all, "expbuild_cas_promised_bytes",
                                 "Taken by blobs that were promised and can not be evicted now")
                              .Add({});
  Counter& evicted =
      counters(all, "expbuild_cas_evicted_total", "Blobs that were removed to make room").Add({});
  Counter& lost = counters(all, "expbuild_cas_lost_total",
                           "Stored blobs that were damaged, vanished, or could not be synced")
                      .Add({});
  Counter& refused = counters(all, "expbuild_cas_writes_refused_total",
                              "Writes refused because the store was full of promised blobs")
                         .Add({});
  Counter& troubles = counters(all, "expbuild_store_errors_total",
                               "Errors of a store's disk outside of any request")
                          .Add({});
  prometheus::Family<Counter>& requests =
      counters(all, "expbuild_cas_requests_total", "Blobs asked for, by operation and result");
  Counter& found = requests.Add({{"op", "find"}, {"result", "hit"}});
  Counter& missing = requests.Add({{"op", "find"}, {"result", "miss"}});
  Counter& read_hits = requests.Add({{"op", "read"}, {"result", "hit"}});
  Counter& read_misses = requests.Add({{"op", "read"}, {"result", "miss"}});
  Counter& writes_ok = requests.Add({{"op", "write"}, {"result", "ok"}});
  Counter& write_errors = requests.Add({{"op", "write"}, {"result", "error"}});
  labelled<Counter, direction_names.size()> traffic{
      counters(all, "expbuild_cas_bytes_total", "Bytes of blobs that clients sent and received"),
      "dir", direction_names};

  prometheus::Family<Counter>& begun =
      counters(all, "grpc_server_started_total", "Calls that began");
  prometheus::Family<Counter>& handled =
      counters(all, "grpc_server_handled_total", "Calls that ended, by status code");
  prometheus::Family<Histogram>& times =
      histograms(all, "grpc_server_handling_seconds", "Time from a call's begin to its end");
  std::mutex guard; // of the map; meters are made at start
  std::map<std::string, std::unique_ptr<rpc_meter>> meters;

  explicit impl(const std::string& version) {
    gauges(all, "expbuild_build_info", "Always 1; the labels say what runs")
        .Add({{"version", version}})
        .Set(1);
    auto& family =
        histograms(all, "expbuild_action_stage_seconds", "Time that actions spend in each stage");
    for (std::size_t i = 0; i < stages.size(); ++i)
      stages[i] = &family.Add({{"stage", stage_names[i]}}, stage_buckets);
  }
};

metrics::metrics(const std::string& version) : impl_(std::make_unique<impl>(version)) {}
metrics::~metrics() = default;

void metrics::action_ended(action_outcome how) {
  impl_->actions[index(how)].Increment();
}
void metrics::action_retried() {
  impl_->retries.Increment();
}
void metrics::stage_took(action_stage stage, std::chrono::nanoseconds time) {
  impl_->stages.at(index(stage))->Observe(seconds(time));
}
void metrics::queue_length(std::size_t actions) {
  impl_->queue.Set(double(actions));
}
void metrics::workers(worker_condition state, std::size_t count) {
  impl_->workers[index(state) - 1].Set(double(count));
}
void metrics::worker_restarted() {
  impl_->restarts.Increment();
}
void metrics::stall_found(stall_kind what) {
  impl_->stalls[index(what)].Increment();
}

void metrics::result_looked_up(result_lookup what) {
  impl_->lookups[index(what)].Increment();
}
void metrics::result_written() {
  impl_->results.Increment();
}

void metrics::blobs(std::size_t count, std::int64_t bytes) {
  impl_->blobs.Set(double(count));
  impl_->blob_bytes.Set(double(bytes));
}
void metrics::store_space(std::int64_t used, std::int64_t limit, std::int64_t promised) {
  impl_->disk_bytes.Set(double(used));
  impl_->max_bytes.Set(double(limit));
  impl_->promised_bytes.Set(double(promised));
}
void metrics::blobs_evicted(std::size_t count) {
  impl_->evicted.Increment(double(count));
}
void metrics::blob_lost() {
  impl_->lost.Increment();
}
void metrics::writes_refused(std::size_t count) {
  impl_->refused.Increment(double(count));
}
void metrics::store_trouble() {
  impl_->troubles.Increment();
}
void metrics::blob_found_or_missing(std::size_t found, std::size_t missing) {
  impl_->found.Increment(double(found));
  impl_->missing.Increment(double(missing));
}
void metrics::blob_read(bool found) {
  (found ? impl_->read_hits : impl_->read_misses).Increment();
}
void metrics::blob_written(bool ok) {
  (ok ? impl_->writes_ok : impl_->write_errors).Increment();
}
void metrics::bytes_in(std::size_t bytes) {
  impl_->traffic[0].Increment(double(bytes));
}
void metrics::bytes_out(std::size_t bytes) {
  impl_->traffic[1].Increment(double(bytes));
}

rpc_meter& metrics::rpc(const std::string& service, const std::string& method) {
  const std::lock_guard lock(impl_->guard);
  const auto name = service + '/' + method;
  auto& meter = impl_->meters[name];
  if (meter)
    return *meter;
  const prometheus::Labels labels{{"grpc_service", service}, {"grpc_method", method}};
  std::unique_ptr<rpc_meter::impl> made(new rpc_meter::impl{
      impl_->begun.Add(labels), impl_->times.Add(labels, rpc_buckets), impl_->handled, labels, {}});
  meter.reset(new rpc_meter(name, std::move(made)));
  meter->impl_->ended_with(0);
  return *meter;
}

std::uint64_t metrics::actions(action_outcome how) const {
  return static_cast<std::uint64_t>(impl_->actions[index(how)].Value());
}

std::uint64_t metrics::blobs_evicted() const {
  return static_cast<std::uint64_t>(impl_->evicted.Value());
}

// ---- exposition ------------------------------------------------------------------------------

namespace {

prometheus::MetricFamily read_now(const char* name, const char* help, MetricType type,
                                  double value) {
  prometheus::ClientMetric metric;
  metric.counter.value = value;
  metric.gauge.value = value;
  return {name, help, type, {metric}};
}

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator i("/proc/self/fd", error); !error && i != end(i);
       i.increment(error))
    ++count;
  return count;
}

double resident_bytes() {
  std::int64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return double(resident) * double(::sysconf(_SC_PAGESIZE));
}

} // namespace

std::string metrics::expose() const {
  auto families = impl_->all.Collect();
  families.push_back(read_now("expbuild_trace_events_total", "Messages that the trace recorded",
                              MetricType::Counter, double(trace_log::written())));
  const auto add_gauge = [&families](const char* name, const char* help, double value) {
    families.push_back(read_now(name, help, MetricType::Gauge, value));
  };
  add_gauge("process_open_fds", "Open descriptors", open_descriptors());
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  add_gauge("process_max_fds", "Limit of open descriptors", double(limit.rlim_cur));
  add_gauge("process_resident_memory_bytes", "Memory in use", resident_bytes());
  add_gauge("process_start_time_seconds", "Start of the process, as Unix time",
            seconds(impl_->started_at.time_since_epoch()));
  return prometheus::TextSerializer().Serialize(families);
}

} // namespace expbuild
