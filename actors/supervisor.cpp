#include "actors/supervisor.hpp"

#include "actors/exit_reason.hpp"
#include "actors/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("supervisor");
  return instance;
}

constexpr std::size_t most_restarts_told = 10;

} // namespace

void supervisor_state::set_condition(slot& x, worker_condition condition) {
  if (x.status.condition == condition && x.status.since.time_since_epoch().count() != 0)
    return;
  x.status.condition = condition;
  x.status.since = std::chrono::system_clock::now();
}

void supervisor_state::start_all() {
  for (const auto& [vital_name, address] : options.vital)
    self->monitor(caf::actor_cast<caf::strong_actor_ptr>(address));
  for (std::size_t i = 0; i < options.workers.size(); ++i) {
    slots.emplace_back(options.restarts);
    slots[i].status.name = options.workers[i].name;
    slots[i].status.type = options.workers[i].type;
    slots[i].status.image = options.workers[i].image;
    slots[i].status.platform = options.workers[i].platform;
    if (const auto& needed = options.workers[i].dependency; !needed.empty())
      dependencies.emplace(needed, absl::UnavailableError("waiting for the " + needed));
    if (may_start(i))
      start(i);
    else
      wait_for_dependency(i);
  }
  report();
}

/// Where the dependency is gone the slot says so, and waits for it, however long that takes.
bool supervisor_state::may_start(std::size_t index) const {
  const auto& needed = options.workers[index].dependency;
  return needed.empty() || dependencies.at(needed).ok();
}

void supervisor_state::start(std::size_t index) {
  auto& x = slots[index];
  set_condition(x, worker_condition::starting);
  x.worker = options.workers[index].spawn(self->system());
  self->monitor(x.worker);
  report();
}

void supervisor_state::someone_died(const caf::down_msg& message) {
  const auto why = exit_reason(self->system(), message.reason);
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (slots[i].worker && slots[i].worker.address() == message.source)
      return worker_died(slots[i], i, why);
  for (const auto& [vital_name, address] : options.vital)
    if (address == message.source && !stopping)
      return options.fatal(vital_name + " died: " + why);
}

void supervisor_state::worker_died(slot& x, std::size_t index, const std::string& why) {
  x.worker = nullptr;
  if (stopping)
    return stop_all({});
  ++x.status.restarts;
  x.status.last_failure = why;
  x.status.history.insert(x.status.history.begin(), {std::chrono::system_clock::now(), why});
  if (x.status.history.size() > most_restarts_told)
    x.status.history.pop_back();
  const bool asked_to = std::exchange(x.asked_to, false);
  options.meters->pool(x.status.type).worker_restarted(reason_of(index, asked_to));
  if (asked_to && may_start(index)) {
    logger().info("{} is restarted, as an operator asked for", x.status.name);
    return start(index);
  }
  if (may_start(index))
    return schedule_restart(x, index, why);
  logger().warn("{} is down until its dependency is back: {}", x.status.name, why);
  set_condition(x, worker_condition::backoff);
  report();
}

void supervisor_state::schedule_restart(slot& x, std::size_t index, const std::string& why) {
  const auto chosen =
      x.policy.after_failure(self->clock().now(), std::uniform_real_distribution<>(0, 1)(chance));
  set_condition(x, chosen.quarantined ? worker_condition::quarantined : worker_condition::backoff);
  trace_log::note(chosen.quarantined ? "quarantined" : "restarting",
                  intern_name("worker " + x.status.name));
  if (chosen.quarantined)
    options.meters->pool(x.status.type).worker_quarantined();
  if (chosen.quarantined)
    logger().error("{} failed too often and is quarantined for {} ms: {}", x.status.name,
                   chosen.pause.count(), why);
  else
    logger().warn("{} died, restart {} in {} ms: {}", x.status.name, x.status.restarts,
                  chosen.pause.count(), why);
  self->delayed_send(self, chosen.pause,
                     restart_worker{.trace = trace_context::later(chosen.pause),
                                    .slot = index,
                                    .generation = ++x.generation});
  report();
}

void supervisor_state::restart(const restart_worker& event) {
  auto& x = slots[event.slot];
  if (stopping || x.worker || x.generation != event.generation || !may_start(event.slot))
    return;
  logger().info("restarting {}", x.status.name);
  start(event.slot);
}

void supervisor_state::change(const dependency_changed& event) {
  auto& known = dependencies[event.dependency];
  if ((known.ok() && event.status.ok()) || stopping)
    return;
  known = event.status;
  trace_log::note(known.ok() ? "dependency is back" : "dependency is gone",
                  intern_name(event.dependency));
  if (known.ok())
    logger().info("the {} answers", event.dependency);
  else
    logger().warn("the {} is gone, its workers wait for it: {}", event.dependency,
                  std::string(known.message()));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    auto& x = slots[i];
    if (options.workers[i].dependency != event.dependency)
      continue;
    if (!known.ok() && x.worker) {
      caf::anon_send(x.worker, step_down{.trace = {}, .why = known});
    } else if (!known.ok()) {
      wait_for_dependency(i);
    } else if (!x.worker) {
      if (x.status.restarts == 0)
        x.status.last_failure.clear();             // it has only waited
      x.policy = restart_policy(options.restarts); // what failed without it says nothing any more
      ++x.generation;
      start(i);
    }
  }
  report();
}

/// One that is down is started, whatever pause it is in.
std::vector<std::string> supervisor_state::restart_now(const restart_workers& request) {
  std::vector<std::string> done;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    auto& x = slots[i];
    if (stopping || !names_worker(request.names, x.status.name))
      continue;
    if (x.worker) {
      x.asked_to = true;
      self->send_exit(x.worker, caf::make_error(caf::sec::runtime_error,
                                                std::string("restarted by an operator")));
    } else if (may_start(i)) {
      x.policy = restart_policy(options.restarts);
      ++x.generation;
      start(i);
    } else {
      continue; // it waits for something that is not there
    }
    done.push_back(x.status.name);
  }
  return done;
}

void supervisor_state::wait_for_dependency(std::size_t index) {
  auto& x = slots[index];
  set_condition(x, worker_condition::backoff);
  x.status.last_failure = std::string(dependencies.at(options.workers[index].dependency).message());
}

std::vector<worker_status> supervisor_state::workers() const {
  std::vector<worker_status> result;
  for (const auto& x : slots)
    result.push_back(x.status);
  return result;
}

/// Called again whenever a worker has gone; answers when none is left.
void supervisor_state::stop_all(reply<unit> answer) {
  if (!stopping)
    for (const auto& x : slots)
      if (x.worker)
        self->send_exit(x.worker, caf::exit_reason::user_shutdown);
  stopping = true;
  stopped.push_back(std::move(answer));
  if (std::any_of(slots.begin(), slots.end(), [](const slot& x) { return bool(x.worker); }))
    return;
  for (const auto& each : stopped)
    each(unit{});
  stopped.clear();
}

restart_reason supervisor_state::reason_of(std::size_t index, bool asked_to) const {
  if (!may_start(index))
    return restart_reason::dependency;
  return asked_to ? restart_reason::by_operator : restart_reason::crash;
}

/// What live workers do, the scheduler tells.
void supervisor_state::report() const {
  struct counts {
    std::size_t alive = 0, backoff = 0, quarantined = 0;
  };
  std::map<std::string, counts> by_type;
  for (const auto& x : slots) {
    auto& sums = by_type[x.status.type];
    sums.alive += x.worker ? 1 : 0;
    sums.backoff += x.status.condition == worker_condition::backoff ? 1 : 0;
    sums.quarantined += x.status.condition == worker_condition::quarantined ? 1 : 0;
  }
  for (const auto& [type, sums] : by_type) {
    auto& pool = options.meters->pool(type);
    pool.alive(sums.alive);
    pool.workers(worker_condition::backoff, sums.backoff);
    pool.workers(worker_condition::quarantined, sums.quarantined);
  }
}

supervisor_actor::behavior_type supervisor(supervisor_state::pointer self,
                                           supervisor_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  self->set_down_handler([&state](const caf::down_msg& x) { state.someone_died(x); });
  state.start_all();
  return traced_behavior(
      self, supervisor_state::name,
      supervisor_actor::behavior_type{
          [&state](const get_workers&, const reply<std::vector<worker_status>>& answer) {
            answer(state.workers());
          },
          [&state](const shut_down&, const reply<unit>& answer) { state.stop_all(answer); },
          [&state](const dependency_changed& x) { state.change(x); },
          [&state](const restart_workers& x, const reply<std::vector<std::string>>& answer) {
            answer(state.restart_now(x));
          },
          [&state](const restart_worker& x) { state.restart(x); }});
}

} // namespace expbuild
