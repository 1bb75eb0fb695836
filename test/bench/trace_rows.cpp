#include "test/bench/bench_run.hpp"

#include "actors/actor_counters.hpp"
#include "actors/interfaces.hpp"
#include "actors/traced_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <cstdio>
#include <future>
#include <map>

/// What the message trace costs. Its records, counters and time stamps are measured by themselves;
/// what they do to a server is seen by two servers side by side, one of which records nothing, in
/// rounds that alternate: a machine whose pace changes changes it for both.

namespace expbuild::bench {

namespace {

constexpr int rounds = 7;

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

/// Nanoseconds of each of so many, the median of some rounds.
template <class Work>
double nanoseconds_each(std::size_t count, Work work) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i)
      work();
    times.push_back(
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count()
        / static_cast<double>(count));
  }
  return median(std::move(times));
}

// ---- one message
// ---------------------------------------------------------------------------------

using counting_actor = caf::typed_actor<caf::reacts_to<tick>>;

struct counting_state {
  counting_state() {} // NOLINT: CAF must not take it for an aggregate
  static inline const char* name = "counting";
  std::size_t left = 0;
  std::shared_ptr<std::promise<void>> done;
};

/// Sends itself so many messages, then ends.
template <class Self>
counting_actor::behavior_type counting(Self self, std::size_t count,
                                       std::shared_ptr<std::promise<void>> done) {
  self->state.left = count;
  self->state.done = std::move(done);
  return {[self](const tick&) {
    if (--self->state.left > 0)
      return self->send(self, tick{});
    self->state.done->set_value();
    self->quit();
  }};
}

counting_actor::behavior_type plain(counting_actor::stateful_pointer<counting_state> self,
                                    std::size_t count, std::shared_ptr<std::promise<void>> done) {
  return counting(self, count, std::move(done));
}

counting_actor::behavior_type recorded(traced_pointer<counting_actor, counting_state> self,
                                       std::size_t count,
                                       std::shared_ptr<std::promise<void>> done) {
  return traced_behavior(self, "counting", counting(self, count, std::move(done)));
}

template <class Spawn>
double message_ns(std::size_t count, Spawn spawn) {
  return nanoseconds_each(1,
                          [&] {
                            auto done = std::make_shared<std::promise<void>>();
                            auto over = done->get_future();
                            caf::anon_send(spawn(count, std::move(done)), tick{});
                            over.wait();
                          })
         / static_cast<double>(count);
}

void measure_messages(table& rows) {
  constexpr std::size_t count = 1'000'000;
  const trace_scope scope(new_trace_id());
  trace_record record;
  record.trace = current_trace().trace;
  const auto write = nanoseconds_each(count, [&] {
    ++record.span;
    trace_log::write(record);
  });
  detail::mailbox_meter meter;
  meter.begin(intern_name("measured"));
  const auto counters = nanoseconds_each(count, [&] {
    meter.arrived();
    meter.taken(1, 1);
    meter.handled(1);
  });
  const auto clock = nanoseconds_each(count, [] { (void)trace_context::now_ns(); });
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{2});
  config.set("scheduler.max-throughput", std::size_t{50});
  caf::actor_system system(config);
  const auto without =
      message_ns(count, [&](auto n, auto done) { return system.spawn(plain, n, std::move(done)); });
  const auto with = message_ns(
      count, [&](auto n, auto done) { return system.spawn(recorded, n, std::move(done)); });
  char text[400];
  std::snprintf(
      text, sizeof text,
      "A message of an actor costs %.0f ns more with the trace than without (%.0f, %.0f): "
      "of that a record takes %.0f ns, the mailbox counters %.0f, a look at the clock "
      "%.0f.",
      with - without, with, without, write, counters, clock);
  rows.remark(text);
}

// ---- a server with it and one without it
// ---------------------------------------------------------

struct side {
  side(const std::filesystem::path& re_server, const std::string& memory)
      : server(re_server,
               "[trace]\nmemory = " + memory + "\n" + host_workers("isolation = \"none\"")),
        on(connect(server.address())) {}
  server_process server;
  client on;
  std::vector<sample> taken;

  std::vector<double> all(double sample::*value) const {
    std::vector<double> found;
    for (const auto& x : taken)
      found.push_back(x.*value);
    return found;
  }
  /// Of the round with the median rate.
  sample middle(std::string what) const {
    auto sorted = taken;
    std::sort(sorted.begin(), sorted.end(),
              [](const sample& a, const sample& b) { return a.per_second < b.per_second; });
    auto x = sorted[sorted.size() / 2];
    x.what = std::move(what);
    return x;
  }
};

/// What `on` loses against `off`, in percent, round by round; the median and the extremes.
std::string loss(const std::vector<double>& on, const std::vector<double>& off) {
  std::vector<double> each;
  for (std::size_t i = 0; i < on.size(); ++i)
    each.push_back((1 - on[i] / off[i]) * 100);
  std::sort(each.begin(), each.end());
  char text[100];
  std::snprintf(text, sizeof text, "%.1f %% (%.1f to %.1f)", each[each.size() / 2], each.front(),
                each.back());
  return text;
}

/// `work(side, i)` is done `count` times a round on each side.
template <class Work>
void compare(table& rows, const std::string& what, side& with, side& without, std::size_t count,
             std::size_t in_flight, Work work) {
  for (int round = 0; round < 2 * rounds + 2; ++round) {
    const bool first = (round / 2 + round) % 2 == 0; // with, without, without, with, ...
    auto& x = first ? with : without;
    auto row = measure(
        what, count, in_flight, [&](std::size_t i) { work(x, i); },
        [&] { return x.server.process().cpu_seconds(); });
    if (round >= 2) // else to warm up
      x.taken.push_back(std::move(row));
  }
  const auto limit = rows.add(without.middle(what + ", without a trace"), 0, "a limit").per_second;
  rows.add(with.middle(what + ", with it"), limit, "it");
  rows.remark(what + ": the trace takes "
              + loss(with.all(&sample::per_second), without.all(&sample::per_second))
              + " of the rate and " + loss(without.all(&sample::cpu_us), with.all(&sample::cpu_us))
              + " of the CPU; the median of " + std::to_string(rounds)
              + " rounds, the best and the worst.");
  with.taken.clear();
  without.taken.clear();
}

} // namespace

void measure_trace(table& rows, const std::filesystem::path& re_server) {
  measure_messages(rows);
  side with(re_server, "16777216");
  side without(re_server, "0");
  std::map<side*, std::vector<digest>> actions;
  constexpr std::size_t count = 1000;
  for (auto* x : {&with, &without})
    for (std::size_t i = 0; i < count; ++i)
      actions[x].push_back(new_true_action(x->on, true));
  compare(rows, "/bin/true as an action, isolation none, 16 in flight", with, without, count, 16,
          [&](side& x, std::size_t i) { execute(x.on, actions[&x][i]); });
  std::map<side*, digest> cached;
  for (auto* x : {&with, &without}) {
    cached[x] = new_true_action(x->on, false);
    execute(x->on, cached[x]);
  }
  compare(rows, "Execute answered from the cache, 8 in flight", with, without, 8000, 8,
          [&](side& x, std::size_t) { execute(x.on, cached[&x]); });
}

} // namespace expbuild::bench
