#define CAF_SUITE actors.operation_listeners
#include "test/actors/operation_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

CAF_TEST_FIXTURE_SCOPE(operation_listeners_tests, operation_fixture)

CAF_TEST(the same action joins what runs under a name of its own) {
  const auto action = some_action();
  const auto first = run(action);
  const auto second = run(action, false, -7);
  CAF_CHECK_EQUAL(w->jobs.size(), 1u);
  CAF_CHECK(first.name() != second.name());
  CAF_REQUIRE_EQUAL(w->raised.size(), 1u);
  CAF_CHECK_EQUAL(w->raised[0].priority, -7);
  CAF_CHECK(shows(*meters, "expbuild_execute_waiters 2"));
  CAF_CHECK(shows(*meters, "expbuild_execute_requests_total{outcome=\"queued\"} 1"));
  CAF_CHECK(shows(*meters, "expbuild_execute_requests_total{outcome=\"merged\"} 1"));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(first.stream->completed());
  CAF_CHECK(second.stream->completed());
  CAF_CHECK(shows(*meters, "expbuild_execute_waiters 0"));
}

CAF_TEST(an action that skips the lookup does not join) {
  const auto action = some_action();
  run(action);
  run(action, true);
  CAF_CHECK_EQUAL(w->jobs.size(), 2u);
}

CAF_TEST(cancelling one of two joined operations lets the action run on) {
  const auto action = some_action();
  const auto first = run(action);
  const auto second = run(action);
  CAF_CHECK(cancel_name(first.name()).status().ok());
  CAF_REQUIRE(first.stream->completed());
  CAF_CHECK_EQUAL(first.stream->code(), 1);
  CAF_CHECK(!second.stream->completed());
  CAF_CHECK(w->withdrawn.empty());
  CAF_CHECK(shows(*meters, "expbuild_execute_waiters 1"));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK_EQUAL(second.stream->code(), 0);
}

CAF_TEST(cancelling the only operation kills the action) {
  const auto x = run(some_action());
  cancel_name(x.name());
  CAF_CHECK_EQUAL(w->withdrawn.size(), 1u);
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 1);
  CAF_CHECK(x.stream->end->ok());
}

CAF_TEST(an unknown operation can be neither cancelled nor watched) {
  CAF_CHECK(absl::IsNotFound(cancel_name("nobody").status()));
  const auto x = wait_for("nobody");
  CAF_REQUIRE(x.stream->end.has_value());
  CAF_CHECK(absl::IsNotFound(*x.stream->end));
}

CAF_TEST(a client that lost its stream comes back by name and hears the end) {
  const auto x = run(some_action());
  leave(x);
  const auto back = wait_for(x.name());
  CAF_CHECK_EQUAL(back.name(), x.name());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(back.stream->completed());
}

CAF_TEST(nobody listening for a minute kills the action and no sooner) {
  const auto x = run(some_action());
  const auto wait_seconds = [this](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      advance_time(1s);
      consume_messages();
    }
  };
  wait_seconds(29); // just before a heartbeat
  leave(x);
  wait_seconds(60);
  CAF_CHECK(w->withdrawn.empty());
  wait_seconds(31);
  CAF_CHECK_EQUAL(w->withdrawn.size(), 1u);
}

CAF_TEST(an action whose other listener is cancelled after one has left is given up) {
  const auto action = some_action();
  const auto first = run(action);
  const auto second = run(action);
  leave(first);
  cancel_name(second.name());
  CAF_CHECK(w->withdrawn.empty()); // the first may come back
  for (int i = 0; i < 91; ++i) {
    advance_time(1s);
    consume_messages();
  }
  CAF_CHECK_EQUAL(w->withdrawn.size(), 1u);
}

CAF_TEST(the last state is repeated while an action runs) {
  const auto x = run(some_action());
  const auto before = x.stream->updates.size();
  advance_time(31s);
  consume_messages();
  CAF_CHECK_EQUAL(x.stream->updates.size(), before + 1);
}

CAF_TEST(a finished operation can be watched until the reaper has forgotten it) {
  const auto x = run(some_action());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(3));
  const auto later = wait_for(x.name());
  CAF_REQUIRE(later.stream->completed());
  CAF_CHECK_EQUAL(later.stream->updates.back().response->result().exit_code(), 3);
  advance_time(301s);
  consume_messages();
  CAF_CHECK(absl::IsNotFound(*wait_for(x.name()).stream->end));
}

CAF_TEST_FIXTURE_SCOPE_END()
