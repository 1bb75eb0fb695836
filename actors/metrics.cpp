#include "actors/metrics.hpp"

#include "actors/metrics/action_metrics.hpp"
#include "actors/metrics/door_metrics.hpp"
#include "actors/metrics/pool_meters.hpp"
#include "actors/metrics/read_now.hpp"
#include "actors/metrics/rpc_meters.hpp"
#include "actors/metrics/store_metrics.hpp"

#include <prometheus/text_serializer.h>

#include <iterator>

namespace expbuild {

struct metrics::impl {
  prometheus::Registry all;
  const std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();
  action_metrics actions{all};
  pool_meters pools{all};
  blob_metrics blobs{all};
  result_metrics results{all};
  disk_metrics disks{all};
  rpc_meters rpcs{all};
  door_metrics doors{all};
};

metrics::metrics(const std::string& version, const std::map<std::string, std::string>& parts)
    : impl_(std::make_unique<impl>()) {
  auto labels = parts;
  labels["version"] = version;
  gauges(impl_->all, "expbuild_build_info", "Always 1; the labels say what runs")
      .Add(labels)
      .Set(1);
}

metrics::~metrics() = default;

// ---- actions ---------------------------------------------------------------------------------

void metrics::execute_requested(execute_outcome what) {
  impl_->actions.requests[index(what)].Increment();
}
void metrics::execute_waiters(std::size_t streams) {
  impl_->actions.waiters.Set(double(streams));
}
void metrics::action_ended(action_outcome how) {
  impl_->actions.ended[index(how)].Increment();
}
void metrics::action_retried() {
  impl_->actions.retries.Increment();
}
void metrics::action_refused(queue_refusal why) {
  impl_->actions.refused[index(why)].Increment();
}
void metrics::stall_found(stall_kind what) {
  impl_->actions.stalls[index(what)].Increment();
}
void metrics::queue_length(std::size_t actions) {
  impl_->actions.queued.Set(double(actions));
}
void metrics::oldest_waits_since(std::optional<std::chrono::system_clock::time_point> when) {
  const auto since = when.value_or(std::chrono::system_clock::time_point{}).time_since_epoch();
  impl_->actions.oldest_since_ns.store(std::chrono::nanoseconds(since).count(),
                                       std::memory_order_relaxed);
}
void metrics::unschedulable(std::size_t actions) {
  impl_->actions.unschedulable.Set(double(actions));
}
pool_meter& metrics::pool(const std::string& type) {
  return impl_->pools.of(type);
}

// ---- stores ----------------------------------------------------------------------------------

void metrics::result_looked_up(result_lookup what) {
  impl_->results.lookups[index(what)].Increment();
}
void metrics::result_written() {
  impl_->results.written.Increment();
}
void metrics::results_removed(std::size_t count) {
  impl_->results.removed.Increment(double(count));
}

void metrics::blobs(std::size_t count, std::int64_t bytes) {
  impl_->blobs.count.Set(double(count));
  impl_->blobs.bytes.Set(double(bytes));
}
void metrics::store_space(std::int64_t used, std::int64_t limit, std::int64_t promised) {
  impl_->blobs.disk_bytes.Set(double(used));
  impl_->blobs.max_bytes.Set(double(limit));
  impl_->blobs.promised_bytes.Set(double(promised));
}
void metrics::blobs_evicted(std::size_t count, std::int64_t bytes,
                            std::optional<std::chrono::seconds> youngest) {
  impl_->blobs.evicted.Increment(double(count));
  impl_->blobs.evicted_bytes.Increment(double(bytes));
  if (youngest)
    impl_->blobs.last_eviction_age.Set(seconds(*youngest));
}
void metrics::blob_stored(std::int64_t bytes) {
  impl_->blobs.sizes.observe(bytes);
}
void metrics::blob_lost() {
  impl_->blobs.lost.Increment();
}
void metrics::open_writes(std::size_t count) {
  impl_->blobs.open_writes.Set(double(count));
}
void metrics::writes_refused(std::size_t count) {
  impl_->blobs.refused.Increment(double(count));
}
void metrics::store_trouble() {
  impl_->blobs.troubles.Increment();
}
void metrics::blob_found_or_missing(std::size_t found, std::size_t missing) {
  impl_->blobs.found.Increment(double(found));
  impl_->blobs.missing.Increment(double(missing));
}
void metrics::blob_read(bool found) {
  (found ? impl_->blobs.read_hits : impl_->blobs.read_misses).Increment();
}
void metrics::blob_written(bool ok) {
  (ok ? impl_->blobs.writes_ok : impl_->blobs.write_errors).Increment();
}
void metrics::bytes_in(std::size_t bytes) {
  impl_->blobs.traffic[0].Increment(double(bytes));
}
void metrics::bytes_out(std::size_t bytes) {
  impl_->blobs.traffic[1].Increment(double(bytes));
}
void metrics::disk(store_kind of, std::int64_t total, std::int64_t free) {
  impl_->disks.total[index(of)].Set(double(total));
  impl_->disks.free[index(of)].Set(double(free));
}

// ---- doors -----------------------------------------------------------------------------------

rpc_meter& metrics::rpc(const std::string& service, const std::string& method) {
  return impl_->rpcs.of(service, method);
}
void metrics::calls_under_way(std::size_t streams, std::size_t others) {
  impl_->doors.calls[0].Set(double(streams));
  impl_->doors.calls[1].Set(double(others));
}
void metrics::held_for_clients(std::size_t pieces, std::size_t buffers) {
  impl_->doors.held[0].Set(double(pieces));
  impl_->doors.held[1].Set(double(buffers));
}
void metrics::http_answered(http_route where, int status) {
  impl_->doors.answered(index(where), status).Increment();
}
void metrics::http_took(http_route where, std::chrono::nanoseconds time) {
  impl_->doors.took[index(where)].Observe(seconds(time));
}

// ---- reading ---------------------------------------------------------------------------------

std::uint64_t metrics::actions(action_outcome how) const {
  return static_cast<std::uint64_t>(impl_->actions.ended[index(how)].Value());
}

std::uint64_t metrics::blobs_evicted() const {
  return static_cast<std::uint64_t>(impl_->blobs.evicted.Value());
}

std::string metrics::expose() const {
  impl_->actions.settle();
  impl_->pools.settle();
  auto families = impl_->all.Collect();
  families.push_back({"expbuild_cas_blob_size_bytes",
                      "Sizes of the blobs that were stored",
                      prometheus::MetricType::Histogram,
                      {impl_->blobs.sizes.collect()}});
  for (auto more : {actors_now(), trace_now(), process_now(impl_->started_at), host_now()})
    families.insert(families.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  return prometheus::TextSerializer().Serialize(families);
}

} // namespace expbuild
