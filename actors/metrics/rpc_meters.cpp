#include "actors/metrics/rpc_meters.hpp"

#include "actors/metrics/families.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace expbuild {

namespace {

/// As stock dashboards for grpc_server_* spell them.
constexpr label_values<17> code_names{
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};
constexpr std::size_t unknown = 2;

} // namespace

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
    : method_(std::move(method)), impl_(std::move(x)) {
  impl_->ended_with(0);
}

rpc_meter::~rpc_meter() = default;

void rpc_meter::started() {
  impl_->begun.Increment();
}

void rpc_meter::handled(int code, std::chrono::nanoseconds took) {
  const auto i = static_cast<std::size_t>(code); // a negative one becomes huge
  impl_->ended_with(i < code_names.size() ? i : unknown).Increment();
  impl_->times.Observe(seconds(took));
}

struct rpc_meters::families {
  explicit families(prometheus::Registry& all)
      : begun(counters(all, "grpc_server_started_total", "Calls that began")),
        handled(counters(all, "grpc_server_handled_total", "Calls that ended, by status code")),
        times(histograms(all, "grpc_server_handling_seconds",
                         "Time from a call's begin to its end")) {}

  prometheus::Family<Counter>& begun;
  prometheus::Family<Counter>& handled;
  prometheus::Family<Histogram>& times;
  std::mutex guard; // of the map; meters are made at start
  std::map<std::string, std::unique_ptr<rpc_meter>> meters;
};

rpc_meters::rpc_meters(prometheus::Registry& all) : families_(std::make_unique<families>(all)) {}
rpc_meters::~rpc_meters() = default;

rpc_meter& rpc_meters::of(const std::string& service, const std::string& method) {
  auto& x = *families_;
  const std::lock_guard lock(x.guard);
  const auto name = service + '/' + method;
  auto& meter = x.meters[name];
  if (meter)
    return *meter;
  const prometheus::Labels labels{{"grpc_service", service}, {"grpc_method", method}};
  std::unique_ptr<rpc_meter::impl> made(new rpc_meter::impl{
      x.begun.Add(labels), x.times.Add(labels, rpc_buckets), x.handled, labels, {}});
  meter = std::make_unique<rpc_meter>(name, std::move(made));
  return *meter;
}

} // namespace expbuild
