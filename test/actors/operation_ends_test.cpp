#define CAF_SUITE actors.operation_ends
#include "test/actors/operation_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(operation_ends_tests, operation_fixture)

CAF_TEST(a finished operation leaves no actor behind) {
  const auto x = run(some_action());
  const auto operation = w->waiting.begin()->second;
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(caf::actor_cast<caf::abstract_actor*>(operation)->getf(
      caf::abstract_actor::is_terminated_flag));
}

CAF_TEST(an operation actor that dies tells its streams to try again) {
  const auto x = run(some_action());
  caf::anon_send_exit(w->waiting.begin()->second, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE(x.stream->end.has_value());
  CAF_CHECK(absl::IsUnavailable(*x.stream->end));
  CAF_CHECK(absl::IsNotFound(*wait_for(x.name()).stream->end));
}

CAF_TEST(draining refuses new actions and is answered when the last one ends) {
  run(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make());
  consume_messages();
  CAF_CHECK(!drained.answered());
  CAF_CHECK(absl::IsUnavailable(*run(some_action("other")).stream->end));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(drained.answered());
}

CAF_TEST(an action that is in memory starts at once) {
  store->remembers = true;
  const auto x = send(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make());
  caf::anon_send(sut, abort_all{.trace = {}, .why = absl::UnavailableError("stopping")});
  consume_messages();
  CAF_CHECK(x.stream->completed()); // it was an operation before everything was aborted
  CAF_CHECK(drained.answered());
}

CAF_TEST(draining waits for an action that is still being read) {
  const auto x = send(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make()); // handled before the action has been read
  consume_messages();
  CAF_CHECK(!drained.answered());
  CAF_REQUIRE_EQUAL(w->jobs.size(), 1u);
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(x.stream->completed());
  CAF_CHECK(drained.answered());
}

CAF_TEST(aborting everything ends an action that is still being read) {
  const auto x = send(some_action());
  answer_box<unit> drained;
  caf::anon_send(sut, drain{}, drained.make());
  caf::anon_send(sut, abort_all{.trace = {}, .why = absl::UnavailableError("stopping")});
  consume_messages();
  CAF_CHECK(w->jobs.empty());
  CAF_REQUIRE(x.stream->end.has_value());
  CAF_CHECK(absl::IsUnavailable(*x.stream->end));
  CAF_CHECK(drained.answered());
}

CAF_TEST(aborting everything answers every stream) {
  const auto x = run(some_action());
  caf::anon_send(sut, abort_all{.trace = {}, .why = absl::UnavailableError("stopping")});
  consume_messages();
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 14);
}

CAF_TEST_FIXTURE_SCOPE_END()
