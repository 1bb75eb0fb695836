#include "services/status_report.hpp"

#include "services/times.hpp"

#include <caf/send.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace expbuild {

namespace {

using admin::v1::Status;
using admin::v1::Worker;

/// Shared by the three questions; the last answer (or the loss of it) completes the report.
struct open_report {
  context_ptr context;
  std::function<void(Status)> done;
  absl::StatusOr<scheduler_stats> scheduling = scheduler_stats{};
  absl::StatusOr<std::vector<worker_status>> slots = std::vector<worker_status>{};
  absl::StatusOr<cas_stats> stored = cas_stats{};

  ~open_report() { done(compose()); }
  Status compose() const;
};

/// What the supervisor knows of a slot, and what the scheduler knows if it is alive.
Worker describe(const worker_status& slot, const scheduler_stats& scheduling) {
  auto merged = slot;
  for (const auto& live : scheduling.workers)
    if (live.name == slot.name) {
      merged.condition = live.condition;
      merged.action = live.action;
      merged.pid = live.pid;
    }
  Worker worker;
  worker.set_name(merged.name);
  worker.set_type(merged.type);
  worker.set_image(merged.image);
  worker.set_state(static_cast<Worker::State>(static_cast<int>(merged.condition)));
  worker.set_restarts(static_cast<std::int64_t>(merged.restarts));
  worker.set_last_failure(merged.last_failure);
  worker.set_action(merged.action);
  worker.set_pid(merged.pid);
  return worker;
}

void describe(const cas_stats& stats, std::uint64_t evicted, admin::v1::Store& to) {
  to.set_used_bytes(stats.used_bytes);
  to.set_max_bytes(stats.max_bytes);
  to.set_promised_bytes(stats.promised_bytes);
  to.set_blobs(static_cast<std::int64_t>(stats.blobs));
  to.set_blob_bytes(stats.bytes);
  to.set_evicted_blobs(static_cast<std::int64_t>(evicted));
  to.set_index_complete(stats.index_complete);
}

Status open_report::compose() const {
  Status status;
  status.set_version(context->version);
  status.set_instance_name(context->instance_name);
  set_timestamp(*status.mutable_started_at(), context->started_at);
  const auto work = scheduling.ok() ? *scheduling : scheduler_stats{};
  status.set_queued_actions(static_cast<std::int64_t>(work.queued));
  status.set_running_actions(static_cast<std::int64_t>(work.running));
  status.set_completed_actions(static_cast<std::int64_t>(work.completed));
  status.set_failed_actions(static_cast<std::int64_t>(work.failed));
  status.set_cached_actions(
      static_cast<std::int64_t>(context->meters->actions(action_outcome::cache_hit)));
  if (stored.ok()) {
    status.set_stored_blobs(static_cast<std::int64_t>(stored->blobs));
    describe(*stored, context->meters->blobs_evicted(), *status.mutable_cas());
  }
  if (slots.ok())
    for (const auto& slot : *slots)
      *status.add_workers() = describe(slot, work);
  return status;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

} // namespace

void report_status(const context_ptr& context, std::function<void(Status)> done) {
  auto report = std::make_shared<open_report>();
  report->context = context;
  report->done = std::move(done);
  caf::anon_send(context->scheduler, get_scheduler_stats{},
                 reply<scheduler_stats>([report](auto x) { report->scheduling = std::move(x); }));
  caf::anon_send(
      context->supervisor, get_workers{},
      reply<std::vector<worker_status>>([report](auto x) { report->slots = std::move(x); }));
  caf::anon_send(context->cas, get_cas_stats{},
                 reply<cas_stats>([report](auto x) { report->stored = std::move(x); }));
}

std::string status_json(const Status& status, bool serving) {
  auto workers = nlohmann::json::array();
  for (const auto& x : status.workers())
    workers.push_back({{"name", x.name()},
                       {"type", x.type()},
                       {"state", lower(Worker::State_Name(x.state()))},
                       {"restarts", x.restarts()},
                       {"last_failure", x.last_failure()},
                       {"action", x.action()},
                       {"pid", x.pid()}});
  const auto& cas = status.cas();
  const nlohmann::json store{
      {"used_bytes", cas.used_bytes()},         {"max_bytes", cas.max_bytes()},
      {"promised_bytes", cas.promised_bytes()}, {"blobs", cas.blobs()},
      {"blob_bytes", cas.blob_bytes()},         {"evicted_blobs", cas.evicted_blobs()},
      {"index_complete", cas.index_complete()}};
  const nlohmann::json all{{"version", status.version()},
                           {"instance_name", status.instance_name()},
                           {"serving", serving},
                           {"started_at", status.started_at().seconds()},
                           {"queued_actions", status.queued_actions()},
                           {"running_actions", status.running_actions()},
                           {"completed_actions", status.completed_actions()},
                           {"failed_actions", status.failed_actions()},
                           {"cached_actions", status.cached_actions()},
                           {"stored_blobs", status.stored_blobs()},
                           {"cas", store},
                           {"workers", workers}};
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace expbuild
