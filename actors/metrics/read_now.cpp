#include "actors/metrics/read_now.hpp"

#include "actors/actor_counters.hpp"
#include "actors/metrics/families.hpp"
#include "actors/trace.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace expbuild {

namespace {

using families = std::vector<prometheus::MetricFamily>;
using prometheus::MetricType;

prometheus::ClientMetric metric_of(double value, const char* label = nullptr,
                                   const std::string& is = {}) {
  prometheus::ClientMetric metric;
  metric.counter.value = value;
  metric.gauge.value = value;
  if (label != nullptr)
    metric.label.push_back({label, is});
  return metric;
}

prometheus::MetricFamily family(const char* name, const char* help, MetricType type) {
  return {name, help, type, {}};
}

prometheus::MetricFamily one(const char* name, const char* help, MetricType type, double value) {
  return {name, help, type, {metric_of(value)}};
}

// ---- actors ----------------------------------------------------------------------------------

/// Those that begin with the same word: all workers are one.
struct actor_sums {
  std::int64_t alive = 0;
  std::int64_t waiting = 0;
  std::uint64_t handled = 0;
  std::uint64_t handling_ns = 0;
  std::uint64_t dropped = 0;
  std::uint64_t longest_wait_ns = 0;
  std::int64_t busy_ns = 0;
};

void add(const actor_counters& x, std::int64_t now, actor_sums& to) {
  constexpr auto relaxed = std::memory_order_relaxed;
  to.alive += x.alive.load(relaxed);
  to.waiting += std::max<std::int64_t>(0, x.waiting.load(relaxed));
  to.handled += x.handled.load(relaxed);
  to.handling_ns += x.handling_ns.load(relaxed);
  to.dropped += x.dropped.load(relaxed);
  to.longest_wait_ns = std::max(to.longest_wait_ns, x.longest_wait_ns.load(relaxed));
  if (const auto since = x.busy_since_ns.load(relaxed); since != 0)
    to.busy_ns = std::max(to.busy_ns, now - since);
}

/// Also of those that come later, so that their first message is seen.
std::map<std::string, actor_sums> sums_by_type() {
  std::map<std::string, actor_sums> all{{"operation", {}}, {"worker", {}}};
  const auto now = trace_context::now_ns();
  for (const auto& x : all_counters())
    add(*x.counters, now, all[x.name.substr(0, x.name.find(' '))]);
  return all;
}

// ---- the process and its machine -------------------------------------------------------------

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator i("/proc/self/fd", error); !error && i != end(i);
       i.increment(error))
    ++count;
  return count;
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& x) { return double(x.tv_sec) + double(x.tv_usec) / 1e6; };
  return of(used.ru_utime) + of(used.ru_stime);
}

/// "some avg10=1.53 avg60=..."; negative when the kernel does not tell.
double pressure_of(const char* resource) {
  std::ifstream file(std::string("/proc/pressure/") + resource);
  std::string some, average;
  if (!(file >> some >> average) || average.rfind("avg10=", 0) != 0)
    return -1;
  return std::strtod(average.c_str() + 6, nullptr) / 100;
}

} // namespace

families actors_now() {
  auto count = family("expbuild_actors", "Actors that live", MetricType::Gauge);
  auto waiting =
      family("expbuild_actor_mailbox_messages", "Messages that wait for actors", MetricType::Gauge);
  auto handled = family("expbuild_actor_messages_total", "Messages that actors have handled",
                        MetricType::Counter);
  auto time = family("expbuild_actor_handling_seconds_total",
                     "Time that actors have spent with messages", MetricType::Counter);
  auto dropped = family("expbuild_dead_letters_total",
                        "Messages that came after the end of the actor", MetricType::Counter);
  auto wait =
      family("expbuild_actor_longest_wait_seconds",
             "The longest time that a message has waited since the start", MetricType::Gauge);
  auto busy =
      family("expbuild_actor_busy_seconds",
             "How long an actor has been with the message that it handles now", MetricType::Gauge);
  for (const auto& [type, x] : sums_by_type()) {
    const auto put = [&type = type](prometheus::MetricFamily& in, double value) {
      in.metric.push_back(metric_of(value, "actor", type));
    };
    put(count, double(x.alive));
    put(waiting, double(x.waiting));
    put(handled, double(x.handled));
    put(time, double(x.handling_ns) / 1e9);
    put(dropped, double(x.dropped));
    put(wait, double(x.longest_wait_ns) / 1e9);
    put(busy, double(x.busy_ns) / 1e9);
  }
  return {count, waiting, handled, time, dropped, wait, busy};
}

families trace_now() {
  return {one("expbuild_trace_events_total", "Messages that the trace recorded",
              MetricType::Counter, double(trace_log::written())),
          one("expbuild_trace_overwritten_total", "Recorded messages that newer ones replaced",
              MetricType::Counter, double(trace_log::overwritten())),
          one("expbuild_trace_capacity_events", "Messages that the trace can hold",
              MetricType::Gauge, double(trace_log::capacity()))};
}

families process_now(std::chrono::system_clock::time_point started_at) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  double pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  const auto page = double(::sysconf(_SC_PAGESIZE));
  return {
      one("process_cpu_seconds_total", "CPU time, without that of runners and actions",
          MetricType::Counter, cpu_seconds()),
      one("process_open_fds", "Open descriptors", MetricType::Gauge, open_descriptors()),
      one("process_max_fds", "Limit of open descriptors", MetricType::Gauge,
          double(limit.rlim_cur)),
      one("process_resident_memory_bytes", "Memory in use", MetricType::Gauge, resident * page),
      one("process_virtual_memory_bytes", "Address space in use", MetricType::Gauge, pages * page),
      one("process_start_time_seconds", "Start of the process, as Unix time", MetricType::Gauge,
          seconds(started_at.time_since_epoch()))};
}

families host_now() {
  auto pressure = family("expbuild_host_pressure_ratio",
                         "Share of the last 10 s in which something waited for this resource",
                         MetricType::Gauge);
  for (const auto* resource : {"cpu", "memory", "io"})
    if (const auto x = pressure_of(resource); x >= 0)
      pressure.metric.push_back(metric_of(x, "resource", resource));
  if (pressure.metric.empty())
    return {};
  return {pressure};
}

} // namespace expbuild
