#define CAF_SUITE actors.operation_names
#include "test/actors/operation_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

CAF_TEST(operation names are listed in the order of their making page by page) {
  operation_names names;
  for (const auto* name : {"c", "a", "b", "d"})
    names.add(name, 1);
  names.retire("a");
  names.retire("nobody");
  CAF_CHECK(names.find("a") == operation_names::retired);
  CAF_CHECK(!names.find("nobody"));
  const auto first = names.list(0, 2, std::nullopt);
  CAF_REQUIRE_EQUAL(first.entries.size(), 2u);
  CAF_CHECK_EQUAL(first.entries[0].name, "c");
  CAF_CHECK_EQUAL(first.entries[1].name, "a");
  names.erase("a"); // what a token stands on may go
  const auto second = names.list(first.next, 2, std::nullopt);
  CAF_REQUIRE_EQUAL(second.entries.size(), 2u);
  CAF_CHECK_EQUAL(second.entries[0].name, "b");
  CAF_CHECK_EQUAL(second.next, 0u);
}

CAF_TEST(operation names are listed by whether they are done within a bound) {
  operation_names names;
  for (int i = 0; i < 100; ++i)
    names.add("x" + std::to_string(i), 1);
  names.retire("x99");
  CAF_CHECK_EQUAL(names.list(0, 100, false).entries.size(), 99u);
  CAF_CHECK_EQUAL(names.list(0, 100, true).entries.size(), 1u);
  const auto bounded = names.list(0, 100, true, 10);
  CAF_CHECK(bounded.entries.empty());
  CAF_CHECK_EQUAL(bounded.next, 10u);
}

CAF_TEST_FIXTURE_SCOPE(operation_names_tests, operation_fixture)

CAF_TEST(a cancelled operation shows its end while the action runs on for another) {
  const auto action = some_action();
  const auto first = run(action);
  const auto second = run(action);
  cancel_name(first.name());
  CAF_CHECK(state_of(first.name()).value().stage == execution_stage::completed);
  CAF_CHECK(state_of(second.name()).value().stage == execution_stage::queued);
  CAF_CHECK(wait_for(first.name()).stream->completed());
}

CAF_TEST(a cancellation and a question that cross are both answered) {
  const auto action = some_action();
  const auto first = run(action);
  run(action);
  answer_box<operation_state> state;
  const auto watcher = make_stream();
  caf::anon_send(sut, cancel{.trace = {}, .operation = first.name()}, answer_box<unit>().make());
  caf::anon_send(sut, get_operation{.trace = {}, .operation = first.name()}, state.make());
  caf::anon_send(sut, watch{.trace = {}, .operation = first.name(), .listener = 99},
                 operation_sink(watcher));
  consume_messages();
  CAF_CHECK(state.value().stage == execution_stage::completed);
  CAF_CHECK(watcher->completed());
}

CAF_TEST(deleting a running operation does not cancel it and its result is not kept) {
  const auto x = run(some_action());
  CAF_CHECK(delete_name(x.name()).status().ok());
  CAF_CHECK(!x.stream->completed());
  CAF_CHECK(state_of(x.name()).status().ok());
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_REQUIRE(x.stream->completed());
  CAF_CHECK_EQUAL(x.stream->code(), 0);
  CAF_CHECK(absl::IsNotFound(state_of(x.name()).status()));
}

CAF_TEST(a finished operation that is deleted is forgotten) {
  const auto x = run(some_action());
  CAF_CHECK(absl::IsNotFound(delete_name("nobody").status()));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(delete_name(x.name()).status().ok());
  CAF_CHECK(absl::IsNotFound(state_of(x.name()).status()));
  CAF_CHECK(absl::IsNotFound(delete_name(x.name()).status()));
}

CAF_TEST(an operation that ended a moment ago can be deleted at once) {
  const auto x = run(some_action());
  answer_box<unit> deleted;
  caf::anon_send(w->waiting.begin()->second, job_done{.trace = {},
                                                      .execution = w->jobs[0]->execution,
                                                      .attempt = 1,
                                                      .status = absl::UnavailableError("lost"),
                                                      .result = nullptr});
  // The dispatcher has not heard of the end when it is asked.
  caf::anon_send(sut, delete_operation{.trace = {}, .operation = x.name()}, deleted.make());
  consume_messages();
  CAF_CHECK(deleted.answered());
  CAF_CHECK(deleted.status().ok());
}

CAF_TEST(live and finished operations are listed oldest first) {
  const auto done = run(some_action("a"));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(3));
  const auto live = run(some_action("b"));
  const auto all = list();
  CAF_REQUIRE_EQUAL(all.operations.size(), 2u);
  CAF_CHECK_EQUAL(all.operations[0].state.name, done.name());
  CAF_CHECK_EQUAL(all.operations[0].state.response->result().exit_code(), 3);
  CAF_CHECK_EQUAL(all.operations[1].state.name, live.name());
  CAF_CHECK_EQUAL(all.next, 0u);
  const auto first = list({}, 1);
  CAF_REQUIRE_EQUAL(first.operations.size(), 1u);
  const auto second = list({}, 1, first.next);
  CAF_REQUIRE_EQUAL(second.operations.size(), 1u);
  CAF_CHECK_EQUAL(second.operations[0].state.name, live.name());
}

CAF_TEST(a list keeps to its filter) {
  const auto done = run(some_action("a"));
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(3));
  const auto live = run(some_action("b"));
  const auto name_of = [](const operation_page& page) {
    return page.operations.size() == 1 ? page.operations[0].state.name : std::string();
  };
  CAF_CHECK_EQUAL(name_of(list({.done = true, .stage = {}})), done.name());
  CAF_CHECK_EQUAL(name_of(list({.done = false, .stage = {}})), live.name());
  CAF_CHECK_EQUAL(name_of(list({.done = {}, .stage = execution_stage::queued})), live.name());
  CAF_CHECK_EQUAL(name_of(list({.done = {}, .stage = execution_stage::completed})), done.name());
  CAF_CHECK(list({.done = {}, .stage = execution_stage::executing}).operations.empty());
  CAF_CHECK(list({.done = true, .stage = execution_stage::queued}).operations.empty());
}

CAF_TEST(what an execute wanted inlined stays with its name) {
  const auto action = some_action();
  execute request;
  request.action = action;
  request.listener = ++last_listener;
  request.inlined.stdout_raw = true;
  const auto stream = make_stream();
  caf::anon_send(sut, request, operation_sink(stream));
  consume_messages();
  const auto other = run(action);
  const auto back = wait_for(stream->updates.at(0).name);
  CAF_CHECK(back.stream->updates.at(0).inlined.stdout_raw);
  CAF_CHECK(!other.stream->updates.at(0).inlined.stdout_raw);
  end(w->jobs[0], absl::OkStatus(), result_with_exit_code(0));
  CAF_CHECK(wait_for(back.name()).stream->updates.at(0).inlined.stdout_raw);
}

CAF_TEST_FIXTURE_SCOPE_END()
