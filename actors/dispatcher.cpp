#include "actors/dispatcher.hpp"

#include "actors/background.hpp"
#include "actors/log.hpp"
#include "actors/open_page.hpp"
#include "actors/retry.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("dispatcher");
  return instance;
}

absl::Status unknown(const std::string& operation) {
  return absl::NotFoundError("no operation '" + operation.substr(0, 200)
                             + "' is running or was finished lately; execute the action again");
}

} // namespace

// ---- execute ---------------------------------------------------------------------------------

void dispatcher_state::reject(operation_sink& sink, const absl::Status& why) {
  options.operations.meters->execute_requested(execute_outcome::rejected);
  sink.finish(why);
}

void dispatcher_state::load(execute& request, operation_sink& sink) {
  if (draining)
    return reject(sink, absl::UnavailableError("the server is shutting down; try again"));
  if (executions.size() + loading >= options.max_live)
    return reject(sink,
                  retry_later(absl::ResourceExhaustedError(
                                  "the server already holds " + std::to_string(options.max_live)
                                  + " live actions; try again when some are finished"),
                              std::chrono::seconds(1)));
  ++loading;
  if (auto known = load_action_from_memory(*options.store, request.action, options.loading)) {
    action_loaded event{.trace = {}, .request = std::move(request), .action = *std::move(known)};
    return start_or_join(event, sink);
  }
  auto work = [me = dispatcher_actor{self}, store = options.store, how = options.loading, request,
               sink]() mutable {
    auto action = load_action(*store, request.action, how);
    caf::anon_send(
        me, action_loaded{.trace = {}, .request = std::move(request), .action = std::move(action)},
        std::move(sink));
  };
  if (in_background(*options.io, io_pool::lane::short_work, std::move(work)))
    return;
  --loading;
  reject(sink, pool_is_full());
}

void dispatcher_state::start_or_join(action_loaded& event, operation_sink& sink) {
  --loading;
  if (!aborted.ok()) {
    reject(sink, aborted);
    return finish_drain();
  }
  const auto running = by_action.find(event.request.action);
  const bool may_join = event.action.ok() && !event.request.skip_cache_lookup
                        && !(*event.action)->do_not_cache && running != by_action.end();
  auto& target = may_join ? executions.at(running->second) : spawn_operation(event);
  attach_to(target, event, sink);
}

dispatcher_state::live& dispatcher_state::spawn_operation(action_loaded& event) {
  const auto execution = ++last_execution;
  auto actor = self->spawn<caf::monitored>(operation, options.operations, event.request,
                                           event.action, execution);
  auto& entry = executions[execution];
  entry.execution = execution;
  entry.actor = std::move(actor);
  by_actor[entry.actor.id()] = execution;
  entry.action = event.request.action;
  entry.trace = event.trace.trace;
  entry.joinable =
      event.action.ok() && !event.request.skip_cache_lookup && !(*event.action)->do_not_cache;
  if (entry.joinable)
    by_action[entry.action] = execution;
  keep_beating();
  return entry;
}

/// The first makes the story begin.
void dispatcher_state::attach_to(live& target, const action_loaded& event, operation_sink& sink) {
  const auto& request = event.request;
  auto operation_name = new_operation_name();
  names.add(operation_name, target.execution);
  by_listener[request.listener] = target.execution;
  if (target.names.empty())
    caf::anon_send(options.operations.recorder,
                   action_began{.trace = {},
                                .execution = target.execution,
                                .operation = operation_name,
                                .action = request.action,
                                .asker = request.asker,
                                .loaded = event.action.value_or(nullptr)});
  else
    joined(target, operation_name);
  target.names.push_back(operation_name);
  target.listeners.push_back(request.listener);
  caf::anon_send(target.actor,
                 attach{.trace = {},
                        .operation = std::move(operation_name),
                        .listener = request.listener,
                        .priority = request.priority,
                        .is_new = true,
                        .inlined = request.inlined},
                 sink);
  count_waiters();
}

void dispatcher_state::joined(const live& target, const std::string& operation) {
  options.operations.meters->execute_requested(execute_outcome::merged);
  caf::anon_send(options.operations.recorder,
                 action_joined{.trace = {}, .execution = target.execution, .operation = operation});
}

void dispatcher_state::count_waiters() const {
  options.operations.meters->execute_waiters(by_listener.size());
}

// ---- by name ---------------------------------------------------------------------------------

/// Null for a name that is retired or unknown.
dispatcher_state::live* dispatcher_state::find_live(const std::string& operation) {
  const auto execution = names.find(operation).value_or(operation_names::retired);
  const auto entry = executions.find(execution);
  return entry == executions.end() ? nullptr : &entry->second;
}

void dispatcher_state::watch_operation(const watch& request, const operation_sink& sink) {
  if (auto* target = find_live(request.operation)) {
    by_listener[request.listener] = target->execution;
    target->listeners.push_back(request.listener);
    count_waiters();
    caf::anon_send(target->actor,
                   attach{.trace = {},
                          .operation = request.operation,
                          .listener = request.listener,
                          .priority = std::numeric_limits<std::int32_t>::max()},
                   sink);
    return;
  }
  if (!names.find(request.operation))
    return sink.finish(unknown(request.operation));
  caf::anon_send(options.operations.reaper, request, sink);
}

void dispatcher_state::listener_left(const detach& event) {
  const auto found = by_listener.find(event.listener);
  if (found == by_listener.end())
    return;
  if (const auto entry = executions.find(found->second); entry != executions.end()) {
    std::erase(entry->second.listeners, event.listener);
    caf::anon_send(entry->second.actor, event);
  }
  by_listener.erase(found);
  count_waiters();
}

void dispatcher_state::cancel_operation(const cancel& request, const reply<unit>& answer) {
  if (auto* target = find_live(request.operation))
    return caf::anon_send(target->actor, request, answer);
  if (!names.find(request.operation))
    return answer(unknown(request.operation));
  answer(unit{}); // it has ended already
}

void dispatcher_state::tell_state(const get_operation& request,
                                  const reply<operation_state>& answer) {
  if (const auto* target = find_live(request.operation))
    return caf::anon_send(target->actor, request, answer);
  if (!names.find(request.operation))
    return answer(unknown(request.operation));
  caf::anon_send(options.operations.reaper, request, answer);
}

void dispatcher_state::delete_finished(const delete_operation& request, const reply<unit>& answer) {
  if (auto* target = find_live(request.operation)) // it may have ended without our knowledge
    return caf::anon_send(target->actor, request, answer);
  if (!names.find(request.operation))
    return answer(unknown(request.operation));
  names.erase(request.operation);
  caf::anon_send(options.operations.reaper, forget{.trace = {}, .operation = request.operation});
  answer(unit{});
}

void dispatcher_state::list(const list_operations& request, reply<operation_page> answer) {
  auto done = request.filter.done;
  if (request.filter.stage)
    done = *request.filter.stage == execution_stage::completed;
  if (request.filter.done && done != request.filter.done)
    return answer(operation_page{}); // it asks for what can not be
  const auto found = names.list(request.after, request.limit, done);
  auto open = std::make_shared<open_page>();
  open->filter = request.filter;
  open->answer = std::move(answer);
  open->page.next = found.next;
  open->page.operations.resize(found.entries.size());
  for (std::size_t i = 0; i < found.entries.size(); ++i) {
    open->page.operations[i].number = found.entries[i].number;
    tell_state(get_operation{.trace = {}, .operation = found.entries[i].name},
               reply<operation_state>([open, i](absl::StatusOr<operation_state> x) {
                 if (x.ok())
                   open->page.operations[i].state = *std::move(x);
               }));
  }
}

// ---- time ------------------------------------------------------------------------------------

/// One timer for all: one for each operation would hold it for that long after its end.
void dispatcher_state::keep_beating() {
  if (beating || executions.empty())
    return;
  beating = true;
  const trace_scope scope(std::uint64_t{0}); // of no action, whichever has come first
  self->delayed_send(self, options.operations.heartbeat,
                     tick{.trace = trace_context::later(options.operations.heartbeat)});
}

void dispatcher_state::beat() {
  beating = false;
  for (const auto& [execution, entry] : executions)
    caf::anon_send(entry.actor, tick{});
  keep_beating();
}

// ---- ends ------------------------------------------------------------------------------------

void dispatcher_state::forget_live(std::uint64_t execution) {
  const auto found = executions.find(execution);
  if (found == executions.end())
    return;
  for (const auto listener : found->second.listeners)
    by_listener.erase(listener);
  count_waiters();
  by_actor.erase(found->second.actor.id());
  const auto joinable = by_action.find(found->second.action);
  if (joinable != by_action.end() && joinable->second == execution)
    by_action.erase(joinable);
  executions.erase(found);
  if (draining)
    finish_drain();
}

void dispatcher_state::finished(std::uint64_t execution) {
  const auto found = executions.find(execution);
  if (found == executions.end())
    return;
  for (const auto& operation : found->second.names)
    names.retire(operation); // the reaper knows it now
  caf::anon_send(found->second.actor, release{});
  forget_live(execution);
}

void dispatcher_state::died(const caf::actor_addr& who) {
  const auto found = by_actor.find(who.id());
  if (found == by_actor.end())
    return; // released, as it should be
  const auto execution = found->second;
  const auto& lost = executions.at(execution);
  const log_about about(lost.action.to_string(), {}, lost.trace);
  logger().error("the actor of action {} died before its end; its clients are told to try again",
                 about.action());
  for (const auto& operation : lost.names)
    if (names.find(operation) == execution)
      names.erase(operation);
  forget_live(execution);
}

void dispatcher_state::drain_then(reply<unit> answer) {
  draining = true;
  drained.push_back(std::move(answer));
  finish_drain();
}

void dispatcher_state::finish_drain() {
  if (!executions.empty() || loading > 0)
    return;
  for (const auto& answer : drained)
    answer(unit{});
  drained.clear();
}

void dispatcher_state::abort_everything(const abort_all& order) {
  draining = true;
  aborted = order.why;
  for (auto& [execution, entry] : executions)
    caf::anon_send(entry.actor, order);
}

dispatcher_actor::behavior_type dispatcher(dispatcher_state::pointer self,
                                           dispatcher_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.options.operations.dispatcher = dispatcher_actor{self};
  self->set_down_handler([&state](const caf::down_msg& message) { state.died(message.source); });
  return traced_behavior(
      self, dispatcher_state::name,
      dispatcher_actor::behavior_type{
          [&state](execute& x, operation_sink& sink) { state.load(x, sink); },
          [&state](action_loaded& x, operation_sink& sink) { state.start_or_join(x, sink); },
          [&state](const watch& x, const operation_sink& sink) { state.watch_operation(x, sink); },
          [&state](const detach& x) { state.listener_left(x); },
          [&state](const cancel& x, const reply<unit>& answer) {
            state.cancel_operation(x, answer);
          },
          [&state](const get_operation& x, const reply<operation_state>& answer) {
            state.tell_state(x, answer);
          },
          [&state](const list_operations& x, const reply<operation_page>& answer) {
            state.list(x, answer);
          },
          [&state](const delete_operation& x, const reply<unit>& answer) {
            state.delete_finished(x, answer);
          },
          [&state](const name_ended& x) { state.names.retire(x.operation); },
          [&state](const operation_finished& x) { state.finished(x.execution); },
          [&state](const forget& x) { state.names.erase(x.operation); },
          [&state](const drain&, const reply<unit>& answer) { state.drain_then(answer); },
          [&state](const abort_all& x) { state.abort_everything(x); },
          [](const ping&, const reply<unit>& answer) { answer(unit{}); },
          [&state](const tick&) { state.beat(); }});
}

} // namespace expbuild
