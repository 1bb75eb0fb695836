#include "actors/recorder.hpp"

namespace expbuild {

namespace {

std::chrono::system_clock::time_point when(const trace_context& x) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(x.sent_ns)));
}

} // namespace

// ---- the story of an action --------------------------------------------------------------------

void recorder_state::begin(action_began& event) {
  action_record x;
  x.execution = event.execution;
  x.trace = event.trace.trace;
  x.action = event.action;
  x.operations.push_back(std::move(event.operation));
  x.asker = std::move(event.asker);
  x.began = when(event.trace);
  x.loaded = std::move(event.loaded);
  history.began(std::move(x));
  if (const auto waits = std::exchange(waits_for_live, std::nullopt))
    (*waits)(history.live());
  tell(event.execution);
}

void recorder_state::join(action_joined& event) {
  history.joined(event.execution, std::move(event.operation));
}

void recorder_state::move(action_moved& event) {
  history.change(event.execution, [&event](action_record& x) {
    x.stage = event.stage;
    ++x.moves;
    x.worker = std::move(event.worker);
    if (event.stage == execution_stage::executing)
      ++x.attempts;
    if (event.lost)
      x.lost.push_back(*std::move(event.lost));
    if (!event.why_not_cached.empty())
      x.why_not_cached = std::move(event.why_not_cached);
  });
  tell(event.execution);
}

void recorder_state::end(action_ended& event) {
  history.ended(event.execution, [&event](action_record& x) {
    x.outcome = event.outcome;
    x.ended = when(event.trace);
    x.status = std::move(event.status);
    x.metadata = std::move(event.metadata);
    if (!x.metadata.worker().empty())
      x.worker = x.metadata.worker();
    x.result = std::move(event.result);
    x.exit_code = x.result ? x.result->exit_code() : 0;
  });
  if (event.keep_trace)
    traces.keep(event.trace.trace, trace_log::of_trace(event.trace.trace));
  tell(event.execution);
}

// ---- who asks ----------------------------------------------------------------------------------

absl::StatusOr<recorded_trace> recorder_state::find_trace(const trace_of& request) const {
  auto action = history.find(request.query);
  if (!action.ok())
    return action.status();
  auto records = trace_log::of_trace((*action)->trace);
  const auto* kept = traces.find((*action)->trace);
  if (kept != nullptr && kept->size() > records.size())
    records = *kept;
  if (records.empty())
    return absl::NotFoundError("the trace of operation " + (*action)->operations.front()
                               + " is no longer kept (trace.memory)");
  return recorded_trace{*std::move(action), std::move(records)};
}

action_page recorder_state::list(const list_actions& request) const {
  return history.list(request.filter, request.before, request.limit,
                      std::chrono::system_clock::now());
}

void recorder_state::watch(const watch_actions& request, const action_sink& sink) {
  if (watchers.size() >= options.max_watchers)
    return sink.finish(absl::ResourceExhaustedError("already " + std::to_string(watchers.size())
                                                    + " are watching the actions of this server"));
  watchers.emplace(request.listener, sink);
}

void recorder_state::tell_live(const get_live_actions& request, const reply<live_actions>& answer) {
  auto live = history.live();
  if (live.empty() && request.wait)
    waits_for_live = answer;
  else
    answer(std::move(live));
}

void recorder_state::tell(std::uint64_t execution) const {
  if (watchers.empty())
    return;
  const auto action = history.of(execution);
  for (const auto& [listener, sink] : watchers)
    if (action)
      sink.update(action);
}

recorder_actor::behavior_type recorder(recorder_state::pointer self, recorder_options options) {
  auto& state = self->state;
  state.options = options;
  state.history = action_history(options.history);
  state.traces = kept_traces(options.traces);
  return traced_behavior(
      self, recorder_state::name,
      recorder_actor::behavior_type{
          [&state](action_began& x) { state.begin(x); },
          [&state](action_joined& x) { state.join(x); },
          [&state](action_moved& x) { state.move(x); }, [&state](action_ended& x) { state.end(x); },
          [&state](const trace_of& x, const reply<recorded_trace>& answer) {
            answer(state.find_trace(x));
          },
          [&state](const find_action& x, const reply<action_snapshot>& answer) {
            answer(state.history.find(x.query));
          },
          [&state](const list_actions& x, const reply<action_page>& answer) {
            answer(state.list(x));
          },
          [&state](const watch_actions& x, const action_sink& sink) { state.watch(x, sink); },
          [&state](const unwatch_actions& x) { state.watchers.erase(x.listener); },
          [&state](const get_live_actions& x, const reply<live_actions>& answer) {
            state.tell_live(x, answer);
          },
          [](const ping&, const reply<unit>& answer) { answer(unit{}); }});
}

} // namespace expbuild
