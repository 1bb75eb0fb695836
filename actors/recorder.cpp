#include "actors/recorder.hpp"

namespace expbuild {

void recorder_state::add(name_trace& event) {
  index.add({.trace = event.trace.trace,
             .operation = std::move(event.operation),
             .action = event.action,
             .asker = std::move(event.asker)});
}

void recorder_state::keep(const keep_trace& event) {
  index.keep(event.trace.trace, trace_log::of_trace(event.trace.trace));
}

absl::StatusOr<recorded_trace> recorder_state::find(const trace_of& request) const {
  const auto entry = index.find(request.query);
  if (!entry.ok())
    return entry.status();
  auto records = trace_log::of_trace(entry->trace);
  const auto* kept = index.kept(entry->trace);
  if (kept != nullptr && kept->size() > records.size())
    records = *kept;
  if (records.empty())
    return absl::NotFoundError("the trace of operation " + entry->operation
                               + " is no longer kept (trace.memory)");
  return recorded_trace{entry->operation, entry->action, entry->asker, std::move(records)};
}

recorder_actor::behavior_type recorder(recorder_state::pointer self, trace_index_options options) {
  auto& state = self->state;
  state.index = trace_index(options);
  return traced_behavior(self, recorder_state::name,
                         recorder_actor::behavior_type{
                             [&state](name_trace& x) { state.add(x); },
                             [&state](const keep_trace& x) { state.keep(x); },
                             [&state](const trace_of& x, const reply<recorded_trace>& answer) {
                               answer(state.find(x));
                             }});
}

} // namespace expbuild
