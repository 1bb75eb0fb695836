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

/// With another of the same action.
bool may_join(const action_loaded& event) {
  return event.action.ok() && !event.request.skip_cache_lookup && !(*event.action)->do_not_cache;
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
  if (operations.size() + loading >= options.max_live)
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
  const auto running = operations.to_join(event.request.action);
  attach_to(running && may_join(event) ? *running : spawn_operation(event), event, sink);
}

std::uint64_t dispatcher_state::spawn_operation(action_loaded& event) {
  const auto execution = operations.begin(event.request.action, event.trace.trace, may_join(event));
  auto& actor = actors[execution];
  actor = self->spawn<caf::monitored>(operation, options.operations, event.request, event.action,
                                      execution);
  operations.runs_in(execution, actor.id());
  keep_beating();
  return execution;
}

/// The first makes the story begin.
void dispatcher_state::attach_to(std::uint64_t execution, const action_loaded& event,
                                 operation_sink& sink) {
  const auto& request = event.request;
  auto operation_name = new_operation_name();
  names.add(operation_name, execution);
  if (operations.at(execution).names.empty()) {
    caf::anon_send(options.operations.recorder,
                   action_began{.trace = {},
                                .execution = execution,
                                .operation = operation_name,
                                .action = request.action,
                                .asker = request.asker,
                                .loaded = event.action.value_or(nullptr)});
  } else {
    options.operations.meters->execute_requested(execute_outcome::merged);
    caf::anon_send(options.operations.recorder,
                   action_joined{.trace = {}, .execution = execution, .operation = operation_name});
  }
  operations.add_name(execution, operation_name);
  operations.add_listener(execution, request.listener, operation_name);
  caf::anon_send(actors.at(execution),
                 attach{.trace = {},
                        .operation = std::move(operation_name),
                        .listener = request.listener,
                        .priority = request.priority,
                        .is_new = true,
                        .inlined = request.inlined},
                 sink);
  count_waiters();
}

void dispatcher_state::count_waiters() const {
  options.operations.meters->execute_waiters(operations.listeners());
}

// ---- by name ---------------------------------------------------------------------------------

/// Null for a name that is retired or unknown.
const operation_actor* dispatcher_state::find_live(const std::string& operation) const {
  const auto found = actors.find(names.find(operation).value_or(operation_names::retired));
  return found == actors.end() ? nullptr : &found->second;
}

void dispatcher_state::watch_operation(const watch& request, const operation_sink& sink) {
  if (const auto* target = find_live(request.operation)) {
    operations.add_listener(*names.find(request.operation), request.listener, request.operation);
    count_waiters();
    return caf::anon_send(*target,
                          attach{.trace = {},
                                 .operation = request.operation,
                                 .listener = request.listener,
                                 .priority = std::numeric_limits<std::int32_t>::max()},
                          sink);
  }
  if (!names.find(request.operation))
    return sink.finish(unknown(request.operation));
  caf::anon_send(options.operations.reaper, request, sink);
}

void dispatcher_state::listener_left(const detach& event) {
  const auto execution = operations.leave(event.listener);
  if (!execution)
    return;
  caf::anon_send(actors.at(*execution), event);
  count_waiters();
}

void dispatcher_state::cancel_operation(const cancel& request, const reply<unit>& answer) {
  if (const auto* target = find_live(request.operation))
    return caf::anon_send(*target, request, answer);
  if (!names.find(request.operation))
    return answer(unknown(request.operation));
  answer(unit{}); // it has ended already
}

void dispatcher_state::tell_state(const get_operation& request,
                                  const reply<operation_state>& answer) {
  if (const auto* target = find_live(request.operation))
    return caf::anon_send(*target, request, answer);
  if (!names.find(request.operation))
    return answer(unknown(request.operation));
  caf::anon_send(options.operations.reaper, request, answer);
}

void dispatcher_state::delete_finished(const delete_operation& request, const reply<unit>& answer) {
  if (const auto* target = find_live(request.operation)) // it may have ended without our knowledge
    return caf::anon_send(*target, request, answer);
  if (!names.find(request.operation))
    return answer(unknown(request.operation));
  names.erase(request.operation);
  caf::anon_send(options.operations.reaper, forget{.trace = {}, .operation = request.operation});
  answer(unit{});
}

void dispatcher_state::list(const list_operations& request, reply<operation_page> answer) {
  if (is_impossible(request.filter))
    return answer(operation_page{});
  const auto found = names.list(request.after, request.limit, wants_done(request.filter));
  const auto open = std::make_shared<open_page>(found, request.filter, std::move(answer));
  for (std::size_t i = 0; i < found.entries.size(); ++i)
    tell_state(get_operation{.trace = {}, .operation = found.entries[i].name},
               open_page::place(open, i));
}

// ---- time ------------------------------------------------------------------------------------

/// One timer for all: one for each operation would hold it for that long after its end.
void dispatcher_state::keep_beating() {
  if (beating || operations.empty())
    return;
  beating = true;
  const trace_scope scope(std::uint64_t{0}); // of no action, whichever has come first
  self->delayed_send(self, options.operations.heartbeat,
                     tick{.trace = trace_context::later(options.operations.heartbeat)});
}

void dispatcher_state::beat() {
  beating = false;
  for (const auto& [execution, actor] : actors)
    caf::anon_send(actor, tick{});
  keep_beating();
}

// ---- ends ------------------------------------------------------------------------------------

void dispatcher_state::forget_live(std::uint64_t execution) {
  operations.remove(execution);
  actors.erase(execution);
  count_waiters();
  if (draining)
    finish_drain();
}

void dispatcher_state::finished(std::uint64_t execution) {
  const auto found = actors.find(execution);
  if (found == actors.end())
    return;
  for (const auto& operation : operations.at(execution).names)
    names.retire(operation); // the reaper knows it now
  caf::anon_send(found->second, release{});
  forget_live(execution);
}

/// The action may go on under other names.
void dispatcher_state::streams_ended(const std::string& operation) {
  if (const auto execution = names.find(operation))
    operations.end_name(*execution, operation);
  count_waiters();
}

void dispatcher_state::died(const caf::actor_addr& who) {
  const auto execution = operations.of_actor(who.id());
  if (!execution)
    return; // released, as it should be
  const auto& lost = operations.at(*execution);
  const log_about about(lost.action.to_string(), {}, lost.trace);
  logger().error("the actor of action {} died before its end; its clients are told to try again",
                 about.action());
  for (const auto& operation : lost.names)
    if (names.find(operation) == *execution)
      names.erase(operation);
  forget_live(*execution);
}

void dispatcher_state::drain_then(reply<unit> answer) {
  draining = true;
  drained.push_back(std::move(answer));
  finish_drain();
}

void dispatcher_state::finish_drain() {
  if (!operations.empty() || loading > 0)
    return;
  for (const auto& answer : drained)
    answer(unit{});
  drained.clear();
}

void dispatcher_state::abort_everything(const abort_all& order) {
  draining = true;
  aborted = order.why;
  for (const auto& [execution, actor] : actors)
    caf::anon_send(actor, order);
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
          [&state](const name_ended& x) {
            state.streams_ended(x.operation);
            state.names.retire(x.operation);
          },
          [&state](const operation_finished& x) { state.finished(x.execution); },
          [&state](const forget& x) {
            state.streams_ended(x.operation);
            state.names.erase(x.operation);
          },
          [&state](const drain&, const reply<unit>& answer) { state.drain_then(answer); },
          [&state](const abort_all& x) { state.abort_everything(x); },
          [](const ping&, const reply<unit>& answer) { answer(unit{}); },
          [&state](const tick&) { state.beat(); }});
}

} // namespace expbuild
