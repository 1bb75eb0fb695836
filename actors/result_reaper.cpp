#include "actors/result_reaper.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace expbuild {

void result_reaper_state::keep(retire& event, const dispatcher_actor& keeper) {
  dispatcher = keeper;
  retired.add(std::move(event.state), self->clock().now());
  reap(); // a limit may have been passed
}

void result_reaper_state::tell(const watch& request, const operation_sink& sink) const {
  const auto* found = retired.find(request.operation);
  if (found == nullptr)
    return sink.finish(absl::NotFoundError("operation '" + request.operation
                                           + "' ended too long ago; execute the action again"));
  sink.conclude(*found);
}

void result_reaper_state::answer(const get_operation& request,
                                 const reply<operation_state>& to) const {
  const auto* found = retired.find(request.operation);
  if (found == nullptr)
    return to(absl::NotFoundError("operation '" + request.operation + "' ended too long ago"));
  to(*found);
}

void result_reaper_state::reap() {
  for (auto& operation : retired.expire(self->clock().now()))
    caf::anon_send(dispatcher, forget{.trace = {}, .operation = std::move(operation)});
  arm();
}

void result_reaper_state::arm() {
  const auto next = retired.next_expiry();
  if (armed || !next)
    return;
  armed = true;
  const auto pause = std::max(*next - self->clock().now(), caf::actor_clock::duration_type{0});
  self->delayed_send(self,
                     std::chrono::duration_cast<std::chrono::milliseconds>(pause)
                         + std::chrono::milliseconds(1),
                     tick{});
}

result_reaper_actor::behavior_type result_reaper(result_reaper_state::pointer self,
                                                 retirement_options retirement) {
  auto& state = self->state;
  state.retired = retired_operations(retirement);
  return traced_behavior(
      self, result_reaper_state::name,
      result_reaper_actor::behavior_type{
          [&state](retire& x, const dispatcher_actor& keeper) { state.keep(x, keeper); },
          [&state](const watch& x, const operation_sink& sink) { state.tell(x, sink); },
          [&state](const get_operation& x, const reply<operation_state>& answer) {
            state.answer(x, answer);
          },
          [&state](const forget& x) { state.drop(x); },
          [&state](const tick&) {
            state.armed = false;
            state.reap();
          }});
}

} // namespace expbuild
