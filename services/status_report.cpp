#include "services/status_report.hpp"

#include "services/action_messages.hpp"
#include "services/problems.hpp"
#include "services/times.hpp"

#include <caf/send.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace expbuild {

namespace {

using admin::v1::Status;
using admin::v1::Worker;

constexpr std::size_t most_waiting_told = 500;

/// Shared by all questions; the last answer (or the loss of it) completes the report.
struct open_report {
  context_ptr context;
  std::function<void(Status)> done;
  house_state house;

  ~open_report() { done(compose()); }
  Status compose() const;
};

/// What the supervisor knows of a slot, and what the scheduler knows if it is alive.
worker_status merged(const worker_status& slot, const std::vector<worker_status>& alive) {
  auto both = slot;
  for (const auto& live : alive)
    if (live.name == slot.name) {
      both.condition = live.condition;
      both.action = live.action;
      both.pid = live.pid;
      both.since = live.since;
      both.platform = live.platform;
    }
  return both;
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
  const auto& work = house.scheduling;
  status.set_queued_actions(static_cast<std::int64_t>(work.queued));
  status.set_running_actions(static_cast<std::int64_t>(work.running));
  status.set_completed_actions(static_cast<std::int64_t>(work.completed));
  status.set_failed_actions(static_cast<std::int64_t>(work.failed));
  status.set_cached_actions(
      static_cast<std::int64_t>(context->meters->actions(action_outcome::cache_hit)));
  status.set_stored_blobs(static_cast<std::int64_t>(house.stored.blobs));
  describe(house.stored, context->meters->blobs_evicted(), *status.mutable_cas());
  for (const auto& slot : house.slots)
    *status.add_workers() = describe(merged(slot, work.workers));
  for (auto& problem : problems_of(house, std::chrono::system_clock::now()))
    *status.add_problems() = std::move(problem);
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
  const auto keep = [report](auto& to) {
    return [report, &to](auto x) {
      if (x.ok())
        to = *std::move(x);
    };
  };
  caf::anon_send(context->scheduler, get_scheduler_stats{},
                 reply<scheduler_stats>(keep(report->house.scheduling)));
  caf::anon_send(context->supervisor, get_workers{},
                 reply<std::vector<worker_status>>(keep(report->house.slots)));
  caf::anon_send(context->cas, get_cas_stats{}, reply<cas_stats>(keep(report->house.stored)));
  if (context->sentinel)
    caf::anon_send(context->sentinel, get_stalls{},
                   reply<std::vector<stall>>(keep(report->house.stalls)));
  caf::anon_send(context->recorder,
                 list_actions{.trace = {},
                              .filter = *action_filter::parse("state=live"),
                              .limit = most_waiting_told},
                 reply<action_page>([report](absl::StatusOr<action_page> x) {
                   if (x.ok())
                     report->house.waiting = std::move(x->actions);
                 }));
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
