#define CAF_SUITE actors.stall_finder
#include "actors/stall_finder.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

using std::chrono::seconds;

const platform_properties plain{{"OSFamily", "Linux"}};

std::shared_ptr<action_record> action(std::uint64_t execution, execution_stage stage,
                                      const std::string& worker = {}) {
  auto loaded = std::make_shared<loaded_action>();
  loaded->platform = plain;
  loaded->timeout = seconds(100);
  auto x = std::make_shared<action_record>();
  x->execution = execution;
  x->trace = 1000 + execution;
  x->action = digest::of(std::to_string(execution));
  x->stage = stage;
  x->worker = worker;
  x->loaded = std::move(loaded);
  return x;
}

worker_status worker(const std::string& name) {
  worker_status x;
  x.name = name;
  x.type = "host";
  x.condition = worker_condition::idle;
  x.platform = plain;
  return x;
}

worker_status busy(const std::string& name, const action_record& with, attempt_step step) {
  auto x = worker(name);
  x.condition = worker_condition::busy;
  x.action = with.action.hash();
  x.step = step;
  return x;
}

/// Looks every five seconds, as the sentinel does.
struct fixture {
  stall_finder finder{stall_limits{}};
  stall_finder::time_point now{};
  std::vector<stall> begun;
  std::vector<stall> over;

  void take(stall_finder::news news) {
    begun.insert(begun.end(), news.begun.begin(), news.begun.end());
    over.insert(over.end(), news.over.begin(), news.over.end());
  }
  void look(const seen_house& house, seconds for_so_long) {
    for (const auto end = now + for_so_long; now < end; now += seconds(5))
      take(finder.look_at(house, now));
  }
  void look_at_actor(const seen_actor& x) {
    take(finder.look_at(std::vector<seen_actor>{x}, now));
    now += seconds(5);
  }
  bool is_only(stall_kind kind, const std::string& words) const {
    if (begun.size() == 1)
      CAF_MESSAGE(begun[0].what << ": " << begun[0].next_step);
    return begun.size() == 1 && begun[0].kind == kind
           && begun[0].what.find(words) != std::string::npos;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(stall_finder_tests, fixture)

CAF_TEST(a look up without an answer is an alarm once and over when it has moved on) {
  const auto x = action(1, execution_stage::cache_check);
  look({.live = {x}, .workers = {}, .childless = {}}, seconds(300));
  CAF_CHECK(begun.empty());
  look({.live = {x}, .workers = {}, .childless = {}}, seconds(60));
  CAF_CHECK(
      is_only(stall_kind::silent_action, "looked up in the action cache for more than 300 s"));
  CAF_CHECK_EQUAL(begun[0].trace, 1001u);
  CAF_CHECK_EQUAL(begun[0].action, x->action.hash());
  CAF_CHECK_EQUAL(finder.stalls().size(), 1u);
  CAF_CHECK(over.empty());
  const auto moved = action(1, execution_stage::queued);
  look({.live = {moved}, .workers = {}, .childless = {}}, seconds(5));
  CAF_CHECK_EQUAL(over.size(), 1u);
  CAF_CHECK(finder.stalls().empty());
}

CAF_TEST(a command may run for its timeout and is an alarm some minutes beyond it) {
  const auto x = action(1, execution_stage::executing, "w1");
  const seen_house house{
      .live = {x}, .workers = {busy("w1", *x, attempt_step::running)}, .childless = {}};
  look(house, seconds(400));
  CAF_CHECK(begun.empty());
  look(house, seconds(10));
  CAF_CHECK(is_only(stall_kind::silent_action, "runs on w1 beyond its timeout of 100 s"));
}

CAF_TEST(staging and collecting are an alarm when they do not end) {
  for (const auto& [step, words] :
       {std::pair(attempt_step::staging, "inputs staged on w1"),
        std::pair(attempt_step::collecting, "outputs collected on w1")}) {
    begun.clear();
    const auto x = action(1, execution_stage::executing, "w1");
    look({.live = {x}, .workers = {busy("w1", *x, step)}, .childless = {}}, seconds(310));
    CAF_CHECK(is_only(stall_kind::silent_action, words));
  }
}

CAF_TEST(what moves from step to step is no alarm however long it takes) {
  const auto x = action(1, execution_stage::executing, "w1");
  for (const auto step : {attempt_step::staging, attempt_step::running, attempt_step::collecting})
    look({.live = {x}, .workers = {busy("w1", *x, step)}, .childless = {}}, seconds(290));
  CAF_CHECK(begun.empty());
}

CAF_TEST(another attempt begins anew) {
  auto x = action(1, execution_stage::executing, "w1");
  for (unsigned attempt = 0; attempt < 3; ++attempt) {
    x->moves = attempt;
    look({.live = {x}, .workers = {busy("w1", *x, attempt_step::staging)}, .childless = {}},
         seconds(290));
  }
  CAF_CHECK(begun.empty());
}

CAF_TEST(an action that its worker no longer has is an alarm) {
  const auto x = action(1, execution_stage::executing, "w1");
  look({.live = {x}, .workers = {worker("w1")}, .childless = {}}, seconds(310));
  CAF_CHECK(is_only(stall_kind::silent_action, "is no longer on w1"));
}

CAF_TEST(a command without a process is an alarm soon) {
  const auto x = action(1, execution_stage::executing, "w1");
  const auto running = busy("w1", *x, attempt_step::running);
  look({.live = {x}, .workers = {running}, .childless = {}}, seconds(90));
  look({.live = {x}, .workers = {running}, .childless = {"w1"}}, seconds(60));
  CAF_CHECK(begun.empty());
  look({.live = {x}, .workers = {running}, .childless = {"w1"}}, seconds(10));
  CAF_CHECK(is_only(stall_kind::stuck_slot, "runs on w1 without any process"));
}

CAF_TEST(a slot that is busy with what nobody waits for is an alarm) {
  const auto gone = action(1, execution_stage::executing, "w1");
  look({.live = {}, .workers = {busy("w1", *gone, attempt_step::running)}, .childless = {}},
       seconds(310));
  CAF_CHECK(is_only(stall_kind::stuck_slot, "for which nobody waits"));
  CAF_CHECK_EQUAL(begun[0].action, gone->action.hash());
}

CAF_TEST(a slot that is busy with nothing is an alarm) {
  auto x = worker("w1");
  x.condition = worker_condition::busy;
  look({.live = {}, .workers = {x}, .childless = {}}, seconds(310));
  CAF_CHECK(is_only(stall_kind::stuck_slot, "busy with nothing"));
}

CAF_TEST(an action that waits beside an idle worker that fits is an alarm) {
  const auto x = action(1, execution_stage::queued);
  look({.live = {x}, .workers = {worker("w1")}, .childless = {}}, seconds(40));
  CAF_CHECK(is_only(stall_kind::idle_worker, "although w1 is idle and fits"));
}

CAF_TEST(an action may wait for ever for workers that are busy or drained or do not fit) {
  const auto x = action(1, execution_stage::queued);
  const auto other = action(2, execution_stage::executing, "w1");
  auto drained = worker("w2");
  drained.condition = worker_condition::drained;
  auto unfit = worker("w3");
  unfit.platform = {{"OSFamily", "Plan9"}};
  auto long_one = std::make_shared<loaded_action>(*other->loaded);
  long_one->timeout = std::chrono::hours(24);
  other->loaded = long_one;
  look({.live = {x, other},
        .workers = {busy("w1", *other, attempt_step::running), drained, unfit},
        .childless = {}},
       std::chrono::hours(20));
  CAF_CHECK(begun.empty());
}

CAF_TEST(a machine that slept is no alarm) {
  const auto x = action(1, execution_stage::cache_check);
  const seen_house house{.live = {x}, .workers = {}, .childless = {}};
  look(house, seconds(10));
  now += std::chrono::hours(8);
  look(house, seconds(10));
  CAF_CHECK(begun.empty());
}

CAF_TEST(one message that is handled for long is an alarm and many short ones are none) {
  for (int i = 1; i < 20; ++i)
    look_at_actor({.name = "cas", .waiting = 3, .busy_since_ns = i});
  CAF_CHECK(begun.empty());
  for (int i = 0; i < 3; ++i)
    look_at_actor({.name = "cas", .waiting = 3, .busy_since_ns = 77});
  CAF_CHECK(
      is_only(stall_kind::busy_actor, "actor cas has handled one message for more than 10 s"));
  CAF_CHECK_EQUAL(begun[0].actor, "cas");
  look_at_actor({.name = "cas", .waiting = 0, .busy_since_ns = 0});
  CAF_CHECK_EQUAL(over.size(), 1u);
}

CAF_TEST(a mailbox that only grows is an alarm and one that is worked off is none) {
  for (int i = 0; i < 100; ++i)
    look_at_actor({.name = "cas", .waiting = i % 10 == 0 ? 2000 : 2000 + i, .busy_since_ns = 0});
  CAF_CHECK(begun.empty());
  for (int i = 0; i < 20; ++i)
    look_at_actor({.name = "cas", .waiting = 3000 + i, .busy_since_ns = 0});
  CAF_CHECK(is_only(stall_kind::growing_mailbox, "messages wait for actor cas, ever more"));
}

CAF_TEST(short mailboxes may grow) {
  for (int i = 0; i < 100; ++i)
    look_at_actor({.name = "cas", .waiting = i, .busy_since_ns = 0});
  CAF_CHECK(begun.empty());
}

CAF_TEST(who has less patience has less of it everywhere) {
  const auto x = stall_limits::of(seconds(2));
  CAF_CHECK(x.idle == seconds(2));
  CAF_CHECK(x.handler == seconds(2));
  CAF_CHECK(stall_limits::of(seconds(1000)).handler == seconds(10));
}

CAF_TEST_FIXTURE_SCOPE_END()
