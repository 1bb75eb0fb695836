#include "actors/scheduler.hpp"

#include "actors/exit_reason.hpp"
#include "actors/log.hpp"
#include "actors/platform.hpp"
#include "actors/retry.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <array>

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

constexpr auto first_guess = std::chrono::seconds(1);
constexpr auto longest_guess = std::chrono::seconds(60);

/// RetryInfo counts in seconds: at least one, and never so many that nobody would come back.
std::chrono::seconds retry_delay(std::chrono::nanoseconds estimate) {
  return std::clamp(std::chrono::ceil<std::chrono::seconds>(estimate), first_guess, longest_guess);
}

} // namespace

// ---- jobs ------------------------------------------------------------------------------------

absl::Status scheduler_state::queue_is_full() const {
  auto text = "all workers are busy and " + std::to_string(waiting.size())
              + " actions wait already (execution.pool.max_queue_size)";
  const auto pace = ends.per_job(self->clock().now());
  if (pace)
    text += "; a place becomes free about every "
            + std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*pace).count()) + " ms";
  return retry_later(absl::ResourceExhaustedError(text),
                     retry_delay(pace.value_or(std::chrono::seconds(0))));
}

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
  if (auto* free = find_idle(request.work->action->platform))
    return start(*free, request.work);
  if (waiting.size() < options.max_queue_size)
    return waiting.push(request.work, x.priority);
  options.meters->action_refused(queue_refusal::full);
  end(execution, {.trace = {}, .status = queue_is_full(), .result = nullptr});
}

void scheduler_state::take_back(const withdraw& request) {
  const auto found = entries.find(request.execution);
  if (found == entries.end())
    return;
  if (waiting.remove(request.execution))
    return end(request.execution, {.trace = {}, .status = request.why, .result = nullptr});
  if (const auto on = slots.find(found->second.worker); on != slots.end())
    caf::anon_send(on->second.worker,
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
  if (const auto on = slots.find(found->second.worker); on != slots.end())
    on->second.execution = 0;
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
  auto [at, is_new] = slots.try_emplace(worker.address());
  auto& x = at->second;
  if (is_new) {
    self->monitor(worker);
    x.worker = worker;
    x.status.name = event.name;
    x.status.type = event.type;
    x.pool = &options.meters->pool(event.type);
    x.status.pid = event.pid;
    x.platform = event.platform;
    x.pulse = event.pulse;
    catalogue.came(event.name, event.platform);
    logger().info("Registered worker: {} ({})", event.name, to_string(event.platform));
    arm();
  }
  x.idle = true;
  x.since = std::chrono::system_clock::now();
  match(x);
  if (is_new)
    count_workers();
}

/// Whatever was sent to it before this answer reaches it before this answer.
void scheduler_state::let_go(const worker_actor& worker) {
  if (const auto found = slots.find(worker.address()); found != slots.end())
    found->second.idle = false;
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

void scheduler_state::match(slot& free) {
  if (is_drained(free))
    return;
  if (auto work = waiting.pop(free.platform))
    start(free, *std::move(work));
}

scheduler_state::slot* scheduler_state::find_idle(const platform_properties& wanted) {
  for (auto& [address, x] : slots)
    if (x.idle && !is_drained(x) && !first_mismatch(wanted, x.platform))
      return &x;
  return nullptr;
}

void scheduler_state::start(slot& on, job_ptr work) {
  auto& x = entries.at(work->execution);
  const trace_scope scope(x.where); // not of whatever made the worker free
  x.worker = on.worker.address();
  x.attempt = ++last_attempt;
  ++x.attempts;
  on.idle = false;
  on.since = std::chrono::system_clock::now();
  on.execution = work->execution;
  caf::anon_send(
      x.operation,
      stage_reached{.trace = {}, .stage = execution_stage::executing, .worker = on.status.name});
  caf::anon_send(on.worker, run_job{.trace = {}, .work = std::move(work), .attempt = x.attempt});
}

void scheduler_state::worker_lost(const caf::down_msg& message) {
  const auto found = slots.find(message.source);
  if (found == slots.end())
    return;
  const auto execution = found->second.execution;
  const auto worker = found->second.status.name;
  slots.erase(found);
  count_workers();
  if (execution != 0)
    put_back(execution, worker, exit_reason(self->system(), message.reason));
}

/// The worker died, the job did not.
void scheduler_state::put_back(std::uint64_t execution, const std::string& worker,
                               const std::string& why) {
  auto& x = entries.at(execution);
  const trace_scope scope(x.where);
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
  x.worker = nullptr;
  x.attempt = 0;
  caf::anon_send(x.operation, stage_reached{.trace = {},
                                            .stage = execution_stage::queued,
                                            .worker = {},
                                            .lost = lost_attempt{std::chrono::system_clock::now(),
                                                                 worker, why}});
  if (auto* free = find_idle(x.work->action->platform))
    return start(*free, x.work);
  waiting.push_front(x.work, x.priority);
}

// ---- what operators see ----------------------------------------------------------------------

scheduler_stats scheduler_state::stats() const {
  scheduler_stats result{.queued = waiting.size(),
                         .running = entries.size() - waiting.size(),
                         .completed = completed,
                         .failed = failed,
                         .workers = {}};
  for (const auto& [address, x] : slots)
    result.workers.push_back(status_of(x));
  return result;
}

worker_condition scheduler_state::condition_of(const slot& x) const {
  if (is_drained(x))
    return x.idle ? worker_condition::drained : worker_condition::draining;
  return x.idle ? worker_condition::idle : worker_condition::busy;
}

worker_status scheduler_state::status_of(const slot& x) const {
  auto status = x.status;
  status.condition = condition_of(x);
  status.since = x.since;
  status.platform = x.platform;
  if (x.pulse)
    status.step = x.pulse->step.load(std::memory_order_relaxed);
  if (x.execution != 0)
    status.action = entries.at(x.execution).work->action->id.hash();
  return status;
}

/// What they do now they finish.
std::vector<std::string> scheduler_state::drain(const drain_workers& request) {
  std::vector<std::string> done;
  for (auto& [address, x] : slots) {
    if (!names_worker(request.names, x.status.name))
      continue;
    done.push_back(x.status.name);
    if (request.drain) {
      drained.insert(x.status.name);
    } else {
      drained.erase(x.status.name);
      if (x.idle)
        match(x);
    }
  }
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
  constexpr std::array told{worker_condition::idle, worker_condition::busy,
                            worker_condition::draining, worker_condition::drained};
  for (auto& [pool, by_condition] : counts)
    by_condition.clear();
  for (const auto& [address, x] : slots)
    ++counts[x.pool][condition_of(x)];
  for (auto& [pool, by_condition] : counts)
    for (const auto condition : told)
      pool->workers(condition, by_condition[condition]);
}

bool scheduler_state::is_offered(const platform_properties& wanted) const {
  return std::any_of(slots.begin(), slots.end(), [this, &wanted](const auto& x) {
    return !is_drained(x.second) && !first_mismatch(wanted, x.second.platform);
  });
}

void scheduler_state::report() {
  const auto idle =
      std::count_if(slots.begin(), slots.end(), [](const auto& x) { return x.second.idle; });
  options.meters->queue_length(waiting.size());
  options.meters->oldest_waits_since(waiting.oldest());
  options.meters->unschedulable(
      waiting.unserved([this](const auto& wanted) { return is_offered(wanted); }));
  count_workers();
  const auto now = self->clock().now();
  if (now - last_log < std::chrono::seconds(10))
    return;
  last_log = now;
  logger().info("queue length {}, idle workers {}, busy workers {}, completed {}, failed {}",
                waiting.size(), idle, slots.size() - static_cast<std::size_t>(idle), completed,
                failed);
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
