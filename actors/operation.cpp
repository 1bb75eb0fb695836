#include "actors/operation.hpp"

#include "actors/action_report.hpp"
#include "actors/execution_times.hpp"
#include "actors/log.hpp"
#include "actors/responses.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("operation");
  return instance;
}

bool is_cacheable(const loaded_action& action, const job_done& event) {
  return event.status.ok() && event.result && event.result->exit_code() == 0
         && !action.do_not_cache;
}

} // namespace

// ---- the story -------------------------------------------------------------------------------

/// With the first stream, whose trace the whole story belongs to.
void operation_actor_state::start() {
  begun = true;
  trace = current_trace().trace;
  began = std::chrono::system_clock::now();
  if (!action.ok()) {
    options.meters->execute_requested(execute_outcome::rejected);
    return finish(action.status(), nullptr, false);
  }
  if (skip_cache_lookup)
    return queue("the client asked for it to be run whatever is cached (skip_cache_lookup)");
  if ((*action)->do_not_cache)
    return queue("the Action says that its result must not be cached (do_not_cache)");
  check_cache();
}

void operation_actor_state::check_cache() {
  stage = execution_stage::cache_check;
  // Not told: the answer comes at once, and a second message costs as much as the rest.
  caf::anon_send(
      options.cache, get_result{.trace = {}, .action = action_id, .inlined = {}},
      reply<cached_result>([me = operation_actor{self}](absl::StatusOr<cached_result> x) {
        caf::anon_send(me, result_checked{.trace = {}, .result = std::move(x)});
      }));
}

void operation_actor_state::cache_answered(result_checked& answer) {
  if (completed() || abandoned)
    return;
  if (answer.result.ok()) {
    options.meters->execute_requested(execute_outcome::cache_hit);
    return finish(absl::OkStatus(), *answer.result, true);
  }
  if (!absl::IsNotFound(answer.result.status())) { // a broken cache costs time, not the build
    const auto about = this_action();
    logger().warn("{}: looking up the result failed, running it instead: {}", about.action(),
                  answer.result.status().ToString());
  }
  queue(std::string(answer.result.status().message()));
}

void operation_actor_state::queue(std::string why_not_cached) {
  options.meters->execute_requested(execute_outcome::queued);
  stage = execution_stage::queued;
  queued = true;
  auto work = std::make_shared<job>();
  work->execution = execution;
  work->action = *action;
  work->priority = priority;
  work->queued_at = std::chrono::system_clock::now();
  set_time(*metadata.mutable_queued_timestamp(), work->queued_at);
  if (logger().should_log(spdlog::level::debug)) {
    const auto about = this_action();
    logger().debug("action {} is queued: {}", about.action(), why_not_cached);
  }
  caf::anon_send(options.recorder, action_moved{.trace = {},
                                                .execution = execution,
                                                .stage = stage,
                                                .worker = {},
                                                .lost = std::nullopt,
                                                .why_not_cached = std::move(why_not_cached)});
  caf::anon_send(options.scheduler, submit{.trace = {}, .work = std::move(work)},
                 operation_actor{self});
  listeners.tell(state_now());
}

void operation_actor_state::moved(const stage_reached& event) {
  if (completed())
    return;
  stage = event.stage;
  metadata.set_worker(event.worker);
  if (logger().should_log(spdlog::level::debug)) {
    const auto about = this_action();
    logger().debug("action {} is {}", about.action(),
                   event.worker.empty() ? "queued again" : "executed by " + event.worker);
  }
  caf::anon_send(options.recorder, action_moved{.trace = {},
                                                .execution = execution,
                                                .stage = stage,
                                                .worker = event.worker,
                                                .lost = event.lost});
  listeners.tell(state_now());
}

void operation_actor_state::ended(job_done& event) {
  if (completed())
    return;
  queued = false;
  if (!event.metadata.worker().empty())
    metadata = std::move(event.metadata);
  if (!is_cacheable(**action, event))
    return finish(event.status, event.result, false);
  pending = std::move(event.result);
  caf::anon_send(options.cache,
                 put_result{.trace = {}, .action = action_id, .result = pending, .asker = asker},
                 reply<unit>([me = operation_actor{self}](const absl::StatusOr<unit>& x) {
                   caf::anon_send(me, result_stored{.trace = {}, .status = x.status()});
                 }));
}

void operation_actor_state::stored(const absl::Status& status) {
  if (completed())
    return;
  if (!status.ok()) { // the result is good all the same; only the next build pays
    const auto about = this_action();
    logger().warn("{}: the result could not be cached: {}", about.action(), status.ToString());
  }
  finish(absl::OkStatus(), std::exchange(pending, nullptr), false);
}

/// For the lines about it.
log_about operation_actor_state::this_action() const {
  return log_about(action_id.to_string(), listeners.any_name(), trace);
}

void operation_actor_state::finish(const absl::Status& status, const cached_result& result,
                                   bool from_cache) {
  const auto outcome = outcome_of(status, result.get(), from_cache);
  options.meters->action_ended(outcome);
  if (result)
    metadata = result->execution_metadata();
  complete_times(metadata, std::chrono::system_clock::now());
  if (result && metadata.worker().empty()) // a client stored it and did not say
    metadata.set_worker("unknown");
  auto made = make_execute_response(status, result.get(), metadata);
  made->set_cached_result(from_cache);
  const bool failed = !status.ok() || (result && result->exit_code() != 0);
  if (failed)
    made->set_message(failure_message(action_id, metadata, options.pages));
  const bool slow = std::chrono::system_clock::now() - began > options.slow;
  caf::anon_send(options.recorder, action_ended{.trace = {},
                                                .execution = execution,
                                                .outcome = outcome,
                                                .status = status,
                                                .metadata = metadata,
                                                .result = result,
                                                .keep_trace = failed || slow});
  const auto level = from_cache ? spdlog::level::debug : spdlog::level::info;
  if (logger().should_log(level)) {
    const auto about = this_action();
    logger().log(level, "{}", report_of(action_id, asker, status, *made, metadata));
  }
  response = std::move(made);
  complete();
}

void operation_actor_state::complete() {
  stage = execution_stage::completed;
  while (!listeners.empty())
    end_name(listeners.any_name(), absl::OkStatus());
  caf::anon_send(options.dispatcher, operation_finished{.trace = {}, .execution = execution});
}

// ---- who listens -----------------------------------------------------------------------------

void operation_actor_state::join(const attach& request, const operation_sink& sink) {
  if (abandoned && request.is_new) { // it was given up while this stream was on its way
    caf::anon_send(options.dispatcher, forget{.trace = {}, .operation = request.operation});
    return sink.finish(absl::UnavailableError(
        "the action was just cancelled by the client that had started it; execute it again"));
  }
  if (!request.is_new && !listeners.contains(request.operation)) // this name has ended meanwhile
    return caf::anon_send(
        options.reaper,
        watch{.trace = {}, .operation = request.operation, .listener = request.listener}, sink);
  if (request.is_new)
    listeners.add(request.operation, request.inlined);
  listeners.join(request.operation, request.listener, sink);
  if (!begun)
    return start();
  sink.update(listeners.seen_as(request.operation, state_now()));
  if (completed())
    return end_name(request.operation, absl::OkStatus());
  if (request.priority >= priority)
    return;
  priority = request.priority;
  caf::anon_send(options.scheduler,
                 raise_priority{.trace = {}, .execution = execution, .priority = priority});
}

void operation_actor_state::give_up(const cancel& request, const reply<unit>& answer) {
  const auto why = absl::CancelledError("the operation was cancelled");
  if (!completed() && listeners.contains(request.operation)) {
    if (listeners.size() == 1) {
      abandon(why);
    } else {
      end_name(request.operation, why);
      caf::anon_send(options.dispatcher, name_ended{.trace = {}, .operation = request.operation});
    }
  }
  answer(unit{});
}

void operation_actor_state::tell_state(const get_operation& request,
                                       const reply<operation_state>& answer) const {
  if (listeners.contains(request.operation))
    return answer(listeners.seen_as(request.operation, state_now()));
  caf::anon_send(options.reaper, request, answer); // it has ended, and is retired
}

/// Deleting does not cancel: it says that nobody will ask for the result.
void operation_actor_state::delete_later(const delete_operation& request,
                                         const reply<unit>& answer) {
  if (!listeners.contains(request.operation)) // the dispatcher hears first that it has ended
    return caf::anon_send(options.dispatcher, request, answer);
  listeners.unwant(request.operation);
  answer(unit{});
}

void operation_actor_state::abort(const absl::Status& why) {
  if (!completed())
    abandon(why);
}

void operation_actor_state::abandon(const absl::Status& why) {
  abandoned = true;
  if (queued)
    caf::anon_send(options.scheduler, withdraw{.trace = {}, .execution = execution, .why = why});
  finish(why, nullptr, false);
}

/// Tells one operation's streams the end and hands it to the reaper.
void operation_actor_state::end_name(const std::string& operation, const absl::Status& status) {
  auto last = listeners.seen_as(operation, state_now());
  if (!status.ok()) {
    last.stage = execution_stage::completed;
    complete_times(last.metadata, std::chrono::system_clock::now());
    last.response = make_execute_response(status, nullptr, last.metadata);
  }
  if (!listeners.conclude(last))
    return caf::anon_send(options.dispatcher, forget{.trace = {}, .operation = last.name});
  caf::anon_send(options.reaper, retire{.trace = {}, .state = std::move(last)}, options.dispatcher);
}

/// Without a name: each listener sees it under its own.
operation_state operation_actor_state::state_now() const {
  return {
      .name = {}, .action = action_id, .stage = stage, .metadata = metadata, .response = response};
}

// ---- time ------------------------------------------------------------------------------------

void operation_actor_state::look_after() {
  if (completed())
    return;
  const auto alone = listeners.beat();
  if (alone && *alone * options.heartbeat >= options.patience)
    return abandon(absl::CancelledError("nobody has waited for this operation for "
                                        + std::to_string(options.patience.count()) + " s"));
  listeners.tell(state_now());
}

operation_actor::behavior_type
operation(operation_actor_state::pointer self, operation_options options, execute request,
          absl::StatusOr<std::shared_ptr<const loaded_action>> loaded, std::uint64_t execution) {
  auto& state = self->state;
  state.options = std::move(options);
  state.execution = execution;
  state.action_id = request.action;
  state.asker = request.asker;
  state.priority = request.priority;
  state.skip_cache_lookup = request.skip_cache_lookup;
  state.action = std::move(loaded);
  return traced_behavior(
      self, operation_actor_state::name,
      operation_actor::behavior_type{
          [&state](const attach& x, const operation_sink& sink) { state.join(x, sink); },
          [&state](const detach& x) { state.leave(x.listener); },
          [&state](const cancel& x, const reply<unit>& answer) { state.give_up(x, answer); },
          [&state](const abort_all& x) { state.abort(x.why); },
          [&state](const get_operation& x, const reply<operation_state>& answer) {
            state.tell_state(x, answer);
          },
          [&state](const delete_operation& x, const reply<unit>& answer) {
            state.delete_later(x, answer);
          },
          [&state](result_checked& x) { state.cache_answered(x); },
          [&state](const stage_reached& x) { state.moved(x); },
          [&state](job_done& x) { state.ended(x); },
          [&state](const result_stored& x) { state.stored(x.status); },
          [self](const release&) { self->quit(); }, [&state](const tick&) { state.look_after(); }});
}

} // namespace expbuild
