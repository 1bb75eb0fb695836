#include "actors/actor_counters.hpp"
#include "services/action_list.hpp"
#include "services/times.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::string_view worker_prefix = "worker ";

admin::v1::Actor describe(const named_counters& from, std::int64_t now_ns) {
  const auto& x = *from.counters;
  admin::v1::Actor to;
  to.set_name(from.name);
  if (from.name.starts_with(worker_prefix))
    to.set_parent("supervisor");
  else if (from.name == "operation")
    to.set_parent("dispatcher");
  to.set_mailbox(x.waiting.load(std::memory_order_relaxed));
  to.set_mailbox_peak(x.most_waiting.load(std::memory_order_relaxed));
  to.set_handled(static_cast<std::int64_t>(x.handled.load(std::memory_order_relaxed)));
  to.set_count(x.alive.load(std::memory_order_relaxed));
  set_duration(*to.mutable_longest_wait(), x.longest_wait_ns.load(std::memory_order_relaxed));
  set_duration(*to.mutable_handling(), x.handling_ns.load(std::memory_order_relaxed));
  if (const auto since = x.busy_since_ns.load(std::memory_order_relaxed); since != 0)
    set_duration(*to.mutable_busy_for(),
                 static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ns - since)));
  to.set_state(to.count() > 0 ? "running" : "gone");
  return to;
}

void add_supervised(const worker_status& slot, admin::v1::ActorList& to) {
  const auto name = std::string(worker_prefix) + slot.name;
  auto found = std::find_if(to.mutable_actors()->begin(), to.mutable_actors()->end(),
                            [&name](const auto& x) { return x.name() == name; });
  if (found == to.mutable_actors()->end()) {
    to.add_actors()->set_name(name);
    found = std::prev(to.mutable_actors()->end());
  }
  found->set_parent("supervisor");
  found->set_restarts(static_cast<std::int64_t>(slot.restarts));
  found->set_last_exit(slot.last_failure);
  if (slot.condition == worker_condition::backoff)
    found->set_state("backoff");
  else if (slot.condition == worker_condition::quarantined)
    found->set_state("quarantined");
}

} // namespace

void list_actors(const context_ptr& context, std::function<void(admin::v1::ActorList)> done) {
  auto tell = [done](const absl::StatusOr<std::vector<worker_status>>& slots) {
    admin::v1::ActorList list;
    const auto now = trace_context::now_ns();
    for (const auto& x : all_counters())
      *list.add_actors() = describe(x, now);
    if (slots.ok())
      for (const auto& slot : *slots)
        add_supervised(slot, list);
    done(std::move(list));
  };
  caf::anon_send(context->supervisor, get_workers{},
                 reply<std::vector<worker_status>>(std::move(tell)));
}

} // namespace expbuild
