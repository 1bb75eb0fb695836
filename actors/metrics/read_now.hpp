#pragma once
#include <prometheus/metric_family.h>

#include <chrono>
#include <vector>

namespace expbuild {

/// What nobody tells the metrics, and what is read when somebody wants to see it instead: actors
/// and their mailboxes, the trace, the process, the machine.

std::vector<prometheus::MetricFamily> actors_now();
std::vector<prometheus::MetricFamily> trace_now();
/// `started_at` is that of the process.
std::vector<prometheus::MetricFamily> process_now(std::chrono::system_clock::time_point started_at);
/// Empty where the kernel measures no pressure.
std::vector<prometheus::MetricFamily> host_now();

} // namespace expbuild
