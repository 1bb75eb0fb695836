#include "actors/scheduler.hpp"

#include "actors/exit_reason.hpp"
#include "actors/full_queue.hpp"
#include "actors/log.hpp"
#include "actors/platform.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("scheduler");
  return instance;
}

/// A down message is urgent and may overtake the offer that the worker had sent before it died.
bool is_dead(const worker_actor& worker) {
  return caf::actor_cast<caf::abstract_actor*>(worker)->getf(
      caf::abstract_actor::is_terminated_flag);
}

} // namespace

// ---- jobs ------------------------------------------------------------------------------------

void scheduler_state::enqueue(const submit& request, const operation_actor& operation) {
  const auto execution = request.work->execution;
  auto& x = entries[execution];
  x.work = request.work;
  x.operation = operation;
  x.priority = request.work->priority;
  x.where = current_trace();
  arm();
  if (const auto status = catalogue.check(request.work->action->platform); !status.ok()) {
    options.meters->action_refused(queue_refusal::no_worker);
    return end(execution, {.trace = {}, .status = status, .result = nullptr});
  }
  if (const auto free = slots.find_free(request.work->action->platform))
    return start(*free, request.work);
  if (waiting.size() < options.max_queue_size)
    return waiting.push(request.work, x.priority);
  options.meters->action_refused(queue_refusal::full);
  end(execution, {.trace = {},
                  .status = full_queue(waiting.size(), ends.per_job(self->clock().now())),
                  .result = nullptr});
}

void scheduler_state::take_back(const withdraw& request) {
  const auto found = entries.find(request.execution);
  if (found == entries.end())
    return;
  if (waiting.remove(request.execution))
    return end(request.execution, {.trace = {}, .status = request.why, .result = nullptr});
  found->second.withdrawn = request.why;
  if (const auto on = workers.find(found->second.worker); on != workers.end())
    caf::anon_send(on->second,
                   stop_job{.trace = {}, .attempt = found->second.attempt, .why = request.why});
}

void scheduler_state::raise(const raise_priority& request) {
  const auto found = entries.find(request.execution);
  if (found == entries.end() || found->second.priority <= request.priority)
    return;
  found->second.priority = request.priority;
  waiting.raise(request.execution, request.priority);
}

void scheduler_state::finish(job_done& event) {
  const auto found = entries.find(event.execution);
  if (found == entries.end() || found->second.attempt != event.attempt)
    return; // an attempt that was given up; its answer came late
  slots.ended(found->second.worker);
  ends.job_ended(self->clock().now());
  const auto execution = event.execution;
  end(execution, std::move(event));
}

/// `event` says how; whose and which attempt is filled in.
void scheduler_state::end(std::uint64_t execution, job_done event) {
  const auto found = entries.find(execution);
  ++(event.status.ok() ? completed : failed);
  event.trace = {};
  event.execution = execution;
  event.attempt = found->second.attempt;
  caf::anon_send(found->second.operation, std::move(event));
  entries.erase(found);
}

// ---- workers ---------------------------------------------------------------------------------

void scheduler_state::offer(const worker_ready& event, const worker_actor& worker) {
  if (is_dead(worker))
    return;
  const auto id = worker.id();
  const bool is_new = !slots.contains(id);
  if (is_new) {
    self->monitor(worker);
    workers[id] = worker;
    slots.add(id, {.status = {.name = event.name,
                              .type = event.type,
                              .last_failure = {},
                              .action = {},
                              .pid = event.pid,
                              .platform = event.platform},
                   .pulse = event.pulse});
    catalogue.came(event.name, event.platform);
    logger().info("Registered worker: {} ({})", event.name, to_string(event.platform));
    arm();
  }
  slots.offers(id, std::chrono::system_clock::now());
  match(id);
  if (is_new)
    count_workers();
}

/// Whatever was sent to it before this answer reaches it before this answer.
void scheduler_state::let_go(const worker_actor& worker) {
  slots.leaves(worker.id());
}

/// Jobs that only such workers could run end with the reason.
void scheduler_state::give_up_on(const worker_unusable& event) {
  catalogue.can_not_come(event.name, event.platform, event.why);
  std::vector<std::uint64_t> hopeless;
  for (const auto& [execution, x] : entries)
    if (!x.worker && !catalogue.check(x.work->action->platform).ok())
      hopeless.push_back(execution);
  for (const auto execution : hopeless) {
    const auto work = waiting.remove(execution);
    if (!work)
      continue;
    options.meters->action_refused(queue_refusal::no_worker);
    end(execution,
        {.trace = {}, .status = catalogue.check(work->action->platform), .result = nullptr});
  }
}

void scheduler_state::match(worker_slots::worker_id worker) {
  if (!slots.is_free(worker))
    return;
  if (auto work = waiting.pop(slots.at(worker).status.platform))
    start(worker, *std::move(work));
}

void scheduler_state::start(worker_slots::worker_id worker, job_ptr work) {
  auto& x = entries.at(work->execution);
  const trace_scope scope(x.where); // not of whatever made the worker free
  x.worker = worker;
  x.attempt = ++last_attempt;
  ++x.attempts;
  slots.starts(worker, *work, std::chrono::system_clock::now());
  caf::anon_send(x.operation, stage_reached{.trace = {},
                                            .stage = execution_stage::executing,
                                            .worker = slots.at(worker).status.name});
  caf::anon_send(workers.at(worker),
                 run_job{.trace = {}, .work = std::move(work), .attempt = x.attempt});
}

void scheduler_state::worker_lost(const caf::down_msg& message) {
  const auto lost = slots.remove(message.source.id());
  if (!lost)
    return;
  workers.erase(message.source.id());
  count_workers();
  if (lost->execution != 0)
    put_back(lost->execution, lost->status.name, exit_reason(self->system(), message.reason));
}

/// The worker died, the job did not, unless it was to stop anyway.
void scheduler_state::put_back(std::uint64_t execution, const std::string& worker,
                               const std::string& why) {
  auto& x = entries.at(execution);
  const trace_scope scope(x.where);
  if (!x.withdrawn.ok())
    return end(execution, {.trace = {}, .status = x.withdrawn, .result = nullptr});
  const auto action = x.work->action->id.to_string();
  if (x.attempts >= options.max_attempts)
    return end(execution, {.trace = {},
                           .status = absl::UnavailableError(
                               "action " + action + " lost its worker " + std::to_string(x.attempts)
                               + " times, last " + worker + ": " + why),
                           .result = nullptr});
  const log_about about(action);
  logger().warn("{} died while it ran action {} (attempt {} of {}): queued again", worker, action,
                x.attempts, options.max_attempts);
  options.meters->action_retried();
  x.worker = 0;
  x.attempt = 0;
  caf::anon_send(x.operation, stage_reached{.trace = {},
                                            .stage = execution_stage::queued,
                                            .worker = {},
                                            .lost = lost_attempt{std::chrono::system_clock::now(),
                                                                 worker, why}});
  if (const auto free = slots.find_free(x.work->action->platform))
    return start(*free, x.work);
  waiting.push_front(x.work, x.priority);
}

// ---- what operators see ----------------------------------------------------------------------

scheduler_stats scheduler_state::stats() const {
  return {.queued = waiting.size(),
          .running = entries.size() - waiting.size(),
          .completed = completed,
          .failed = failed,
          .workers = slots.statuses()};
}

/// What they do now they finish. Those that are down just now come back so.
std::vector<std::string> scheduler_state::drain(const drain_workers& request) {
  auto done = catalogue.named(request.names);
  for (const auto worker : slots.set_drained(done, request.drain))
    match(worker);
  count_workers();
  if (!done.empty())
    logger().info("{} {} worker(s), first {}", request.drain ? "draining" : "undraining",
                  done.size(), done.front());
  return done;
}

/// Runs while there is work, and once more when it is done.
void scheduler_state::keep_house() {
  armed = false;
  if (!entries.empty())
    arm();
  report();
}

void scheduler_state::arm() {
  if (armed)
    return;
  armed = true;
  const trace_scope scope(std::uint64_t{0}); // of no action, whichever has come first
  self->delayed_send(self, options.housekeeping,
                     tick{.trace = trace_context::later(options.housekeeping)});
}

/// Also at once when a worker comes, goes or is drained: there may be no work to make us tick.
void scheduler_state::count_workers() {
  for (const auto& [type, by_condition] : slots.count()) {
    auto& pool = options.meters->pool(type);
    for (const auto& [condition, count] : by_condition)
      pool.workers(condition, count);
  }
}

void scheduler_state::report() {
  options.meters->queue_length(waiting.size());
  options.meters->oldest_waits_since(waiting.oldest());
  options.meters->unschedulable(
      waiting.unserved([this](const auto& wanted) { return slots.is_offered(wanted); }));
  count_workers();
  const auto now = self->clock().now();
  if (now - last_log < std::chrono::seconds(10))
    return;
  last_log = now;
  logger().info("queue length {}, idle workers {}, busy workers {}, completed {}, failed {}",
                waiting.size(), slots.idle(), slots.size() - slots.idle(), completed, failed);
}

scheduler_actor::behavior_type scheduler(scheduler_state::pointer self, scheduler_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.catalogue = worker_catalogue(state.options.declared);
  self->set_down_handler([&state](const caf::down_msg& x) { state.worker_lost(x); });
  return traced_behavior(
      self, scheduler_state::name,
      scheduler_actor::behavior_type{
          [&state](const submit& x, const operation_actor& operation) {
            state.enqueue(x, operation);
          },
          [&state](const withdraw& x) { state.take_back(x); },
          [&state](const raise_priority& x) { state.raise(x); },
          [&state](const worker_ready& x, const worker_actor& worker) { state.offer(x, worker); },
          [&state](const worker_leaving&, const worker_actor& worker, const reply<unit>& answer) {
            state.let_go(worker);
            answer(unit{});
          },
          [&state](const worker_unusable& x) { state.give_up_on(x); },
          [&state](job_done& x) { state.finish(x); },
          [&state](const get_scheduler_stats&, const reply<scheduler_stats>& answer) {
            answer(state.stats());
          },
          [&state](const drain_workers& x, const reply<std::vector<std::string>>& answer) {
            answer(state.drain(x));
          },
          [](const ping&, const reply<unit>& answer) { answer(unit{}); },
          [&state](const tick&) { state.keep_house(); }});
}

} // namespace expbuild
