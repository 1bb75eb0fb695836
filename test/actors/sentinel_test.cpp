#define CAF_SUITE actors.sentinel
#include "actors/sentinel.hpp"

#include "actors/recorder.hpp"
#include "test/support/actors.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

using std::chrono::seconds;

/// A recorder, a sentinel, and a scheduler that tells what the test wants it to. CAF's clock moves
/// the timer; the limits are 0, so that what is the case twice is too long.
struct fixture : actor_fixture {
  fixture() {
    sentinel_options options;
    options.recorder = log;
    options.scheduler = fake<scheduler_actor>(
        [this](const get_scheduler_stats&, const reply<scheduler_stats>& answer) {
          ++asked;
          if (answers)
            answer(stats);
          else
            unanswered.push_back(answer);
        });
    options.meters = meters;
    options.limits = stall_limits::of(seconds(0));
    options.interval = seconds(5);
    options.has_child = [this](std::int64_t) { return child; };
    options.actors = [this] { return actors; };
    watching = keep(sys.spawn(sentinel, std::move(options)));
    consume_messages();
  }

  void begin(std::uint64_t execution) {
    caf::anon_send(log, action_began{.trace = {},
                                     .execution = execution,
                                     .operation = "operation",
                                     .action = digest::of(std::to_string(execution)),
                                     .asker = {},
                                     .loaded = nullptr});
    consume_messages();
  }
  void end(std::uint64_t execution) {
    action_ended x;
    x.execution = execution;
    caf::anon_send(log, std::move(x));
    consume_messages();
  }
  void pass(int looks) {
    for (int i = 0; i < looks; ++i) {
      sched.advance_time(seconds(5));
      consume_messages();
    }
  }
  std::vector<stall> stalls() {
    answer_box<std::vector<stall>> box;
    caf::anon_send(watching, get_stalls{}, box.make());
    consume_messages();
    return box.value();
  }
  bool counted(const std::string& kind, int count) const {
    return meters->expose().find("expbuild_watchdog_alarms_total{kind=\"" + kind + "\"} "
                                 + std::to_string(count) + "\n")
           != std::string::npos;
  }

  recorder_actor log = keep(sys.spawn(recorder, recorder_options{}));
  sentinel_actor watching;
  scheduler_stats stats;
  std::vector<seen_actor> actors;
  std::optional<bool> child;
  bool answers = true;
  std::vector<reply<scheduler_stats>> unanswered;
  int asked = 0;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sentinel_tests, fixture)

CAF_TEST(it sleeps while nothing lives and again when nothing lives any more) {
  CAF_CHECK(!sched.has_pending_timeout());
  begin(1);
  CAF_CHECK(sched.has_pending_timeout());
  end(1);
  pass(3);
  CAF_CHECK(!sched.has_pending_timeout());
  CAF_CHECK(stalls().empty());
  begin(2);
  CAF_CHECK(sched.has_pending_timeout());
}

CAF_TEST(what stalls is counted once and told until it is over) {
  CAF_CHECK(counted("silent_action", 0));
  begin(1);
  pass(5);
  CAF_CHECK(counted("silent_action", 1));
  CAF_REQUIRE_EQUAL(stalls().size(), 1u);
  CAF_CHECK_EQUAL(std::string(stalls()[0].action), digest::of("1").hash());
  end(1);
  pass(3);
  CAF_CHECK(stalls().empty());
  CAF_CHECK(counted("silent_action", 1));
  CAF_CHECK(!sched.has_pending_timeout());
}

CAF_TEST(a runner without a process is found by its pid) {
  begin(1);
  caf::anon_send(
      log, action_moved{
               .trace = {}, .execution = 1, .stage = execution_stage::executing, .worker = "w1"});
  worker_status running;
  running.name = "w1";
  running.type = "host";
  running.condition = worker_condition::busy;
  running.action = digest::of("1").hash();
  running.step = attempt_step::running;
  stats.workers = {running};
  child = true;
  pass(5);
  CAF_CHECK(stalls().empty());
  child = false;
  pass(5);
  CAF_CHECK(counted("stuck_slot", 1));
}

CAF_TEST(actors are watched although nobody answers) {
  answers = false;
  begin(1);
  actors = {{.name = "scheduler", .waiting = 4, .busy_since_ns = 5}};
  pass(3);
  CAF_CHECK(counted("busy_actor", 1));
  CAF_CHECK_EQUAL(asked, 1);
}

CAF_TEST(its own messages belong to no action) {
  const auto trace = new_trace_id();
  {
    const trace_scope scope(trace);
    begin(1);
  }
  end(1); // else it is one more event of this trace that it stalls
  const auto before = trace_log::of_trace(trace).size();
  pass(1);
  CAF_CHECK_EQUAL(trace_log::of_trace(trace).size(), before);
}

CAF_TEST_FIXTURE_SCOPE_END()
