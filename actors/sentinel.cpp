#include "actors/sentinel.hpp"

#include "actors/actor_counters.hpp"
#include "actors/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <fstream>

namespace expbuild {

namespace {

constexpr std::size_t most_told = 5;          ///< stalls of one look, in words
constexpr std::size_t most_messages_told = 8; ///< of one trace

spdlog::logger& logger() {
  static auto& instance = log_of("sentinel");
  return instance;
}

/// What it does itself belongs to no action, whoever has woken it.
class no_trace : trace_scope {
public:
  no_trace() : trace_scope(std::uint64_t{0}) {}
};

/// Shared by the questions of one look; the last answer (or the loss of it) completes it.
struct open_look {
  sentinel_actor asker;
  std::shared_ptr<const live_actions> live;
  std::shared_ptr<const scheduler_stats> scheduling;

  ~open_look() {
    const no_trace scope;
    caf::anon_send(asker, house_seen{.trace = {}, .live = live, .scheduling = scheduling});
  }
};

template <class T>
reply<T> keep_in(const std::shared_ptr<open_look>& look, std::shared_ptr<const T>& to) {
  return reply<T>([look, &to](absl::StatusOr<T> x) {
    if (x.ok())
      to = std::make_shared<const T>(*std::move(x));
  });
}

std::string ago(std::int64_t then_ns) {
  const auto ms = std::max<std::int64_t>(0, (trace_context::now_ns() - then_ns) / 1'000'000);
  return (ms < 10'000 ? std::to_string(ms) + " ms" : std::to_string(ms / 1000) + " s") + " ago";
}

/// Of the action's trace, or of the actor.
std::string last_messages(const stall& x) {
  if (x.trace == 0 && x.actor.empty())
    return {};
  const auto records = x.trace != 0
                           ? trace_log::of_trace(x.trace)
                           : trace_log::handled_by(intern_name(x.actor), most_messages_told);
  if (records.empty())
    return "; none of its messages is left in the trace (trace.memory)";
  std::string text = "; its last messages:";
  const auto first = records.size() - std::min(records.size(), most_messages_told);
  for (auto i = first; i < records.size(); ++i) {
    const auto& each = records[i];
    text += (i == first ? " " : ", ") + interned_name(each.from) + " -> " + interned_name(each.to)
            + " " + interned_name(each.message) + " " + ago(each.sent_ns);
  }
  return text;
}

std::optional<bool> has_child(std::int64_t pid) {
  const auto name = std::to_string(pid);
  std::ifstream file("/proc/" + name + "/task/" + name + "/children"); // in memory: never waits
  if (!file)
    return std::nullopt;
  std::int64_t child = 0;
  return static_cast<bool>(file >> child);
}

std::vector<seen_actor> all_actors() {
  std::vector<seen_actor> found;
  for (const auto& [name, counters] : all_counters())
    found.push_back({.name = name,
                     .waiting = counters->waiting.load(std::memory_order_relaxed),
                     .busy_since_ns = counters->busy_since_ns.load(std::memory_order_relaxed)});
  return found;
}

} // namespace

sentinel_options sentinel_of_this_process(std::chrono::seconds patience) {
  sentinel_options x;
  x.limits = stall_limits::of(patience);
  x.interval = std::min(x.interval, std::chrono::milliseconds(patience) / 2);
  x.has_child = has_child;
  x.actors = all_actors;
  return x;
}

// ---- when it looks -----------------------------------------------------------------------------

void sentinel_state::sleep() {
  const no_trace scope;
  asleep = true;
  caf::anon_send(options.recorder, get_live_actions{.trace = {}, .wait = true},
                 reply<live_actions>([me = sentinel_actor{self}](const auto& x) {
                   const no_trace inside;
                   if (x.ok()) // else the recorder is gone, and the process soon
                     caf::anon_send(me, actions_live{});
                 }));
}

void sentinel_state::wake() {
  if (std::exchange(asleep, false))
    arm();
}

void sentinel_state::arm() {
  const no_trace scope;
  self->delayed_send(self, options.interval, tick{.trace = trace_context::later(options.interval)});
}

/// Actors are looked at even when those who are asked do not answer: they may be what stalls.
void sentinel_state::look() {
  tell(finder->look_at(options.actors(), std::chrono::steady_clock::now()));
  if (quiet && finder->stalls().empty()) {
    quiet = false;
    return sleep();
  }
  if (!waiting)
    ask();
  arm();
}

void sentinel_state::ask() {
  const no_trace scope;
  waiting = true;
  const auto look = std::make_shared<open_look>();
  look->asker = sentinel_actor{self};
  caf::anon_send(options.recorder, get_live_actions{}, keep_in(look, look->live));
  caf::anon_send(options.scheduler, get_scheduler_stats{}, keep_in(look, look->scheduling));
}

void sentinel_state::seen(const house_seen& answer) {
  waiting = false;
  if (!answer.live || !answer.scheduling)
    return;
  seen_house house{.live = *answer.live, .workers = answer.scheduling->workers, .childless = {}};
  for (const auto& x : house.workers)
    if (x.type == "host" && x.step == attempt_step::running && options.has_child(x.pid) == false)
      house.childless.insert(x.name);
  tell(finder->look_at(house, std::chrono::steady_clock::now()));
  quiet = house.live.empty() && answer.scheduling->running == 0;
}

// ---- what it says ------------------------------------------------------------------------------

void sentinel_state::tell(const stall_finder::news& news) const {
  std::size_t told = 0;
  for (const auto& x : news.begun) {
    options.meters->stall_found(x.kind);
    if (++told <= most_told)
      logger().error("{}: {}{}", x.what, x.next_step, last_messages(x));
    const trace_scope scope(x.trace);
    trace_log::note("stalls", self->label);
  }
  if (told > most_told)
    logger().error("{} more stalls at the same time: see rectl status", told - most_told);
  for (const auto& x : news.over)
    logger().info("over: {}", x.what);
}

sentinel_actor::behavior_type sentinel(sentinel_state::pointer self, sentinel_options options) {
  auto& state = self->state;
  state.finder.emplace(options.limits);
  state.options = std::move(options);
  state.sleep();
  return traced_behavior(self, sentinel_state::name,
                         sentinel_actor::behavior_type{
                             [&state](const get_stalls&, const reply<std::vector<stall>>& answer) {
                               answer(state.stalls());
                             },
                             [&state](const actions_live&) { state.wake(); },
                             [&state](const tick&) { state.look(); },
                             [&state](const house_seen& x) { state.seen(x); }});
}

} // namespace expbuild
