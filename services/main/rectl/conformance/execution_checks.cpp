#include "services/main/rectl/conformance/action_run.hpp"

#include <limits>

namespace expbuild::conformance {

namespace {

using stage = reapi::ExecutionStage;

void runs_a_command(subject& s) {
  const auto result = run(s, shell("echo out; echo err >&2"));
  expect_equal("stdout", stdout_of(s, result), "out\n");
  expect_equal("stderr", stderr_of(s, result), "err\n");
}

void operation_has_a_stable_name(subject& s) {
  const auto came = execute(s, store_action(s, shell("true")));
  expect_ok("Execute", came.status);
  expect(!came.operations.empty(), "an Operation", "none");
  const auto& name = came.operations.front().name();
  expect(!name.empty(), "an Operation with a name", "an empty one");
  for (const auto& each : came.operations)
    expect_equal("name", each.name(), name);
}

void every_operation_has_metadata(subject& s) {
  const auto action = store_action(s, shell("true"));
  const auto came = execute(s, action);
  expect_ok("Execute", came.status);
  for (const auto& each : came.operations)
    expect_equal("action_digest in the metadata", metadata_of(each).action_digest().hash(),
                 action.hash());
}

void completed_if_and_only_if_done(subject& s) {
  const auto came = execute(s, store_action(s, shell("true")));
  came.response();
  for (const auto& each : came.operations)
    expect((metadata_of(each).stage() == stage::COMPLETED) == each.done(),
           "COMPLETED if and only if done",
           stage::Value_Name(metadata_of(each).stage()) + ", done " + show(each.done()));
}

void stream_ends_with_the_first_done(subject& s) {
  const auto came = execute(s, store_action(s, shell("true")));
  came.response();
  for (std::size_t i = 0; i + 1 < came.operations.size(); ++i)
    expect(!came.operations[i].done(), "nothing after a done Operation", "another Operation");
}

void stages_are_told_in_order(subject& s) {
  const auto came = execute(s, store_action(s, shell("sleep 0.3")));
  came.response();
  bool executing = false;
  for (const auto& each : came.operations) {
    const auto now = metadata_of(each).stage();
    expect(now == stage::CACHE_CHECK || now == stage::QUEUED || now == stage::EXECUTING
               || now == stage::COMPLETED,
           "a known stage", stage::Value_Name(now));
    expect(now != stage::CACHE_CHECK || !executing, "CACHE_CHECK before EXECUTING", "after it");
    executing = executing || now == stage::EXECUTING;
  }
  expect(executing, "EXECUTING to be told", "it was not");
}

void first_operation_comes_before_the_end(subject& s) {
  execution x(s, store_action(s, shell("sleep 1")));
  expect(!x.next().done(), "an Operation while the command still runs", "only the done one");
  x.finish().response();
}

void trouble_is_never_in_operation_error(subject& s) {
  for (const auto& action : {store_action(s, shell("exit 3")), absent_digest(s)}) {
    const auto came = execute(s, action);
    for (const auto& each : came.operations)
      expect(!each.has_error(), "no Operation.error", show(each.error().message()));
  }
}

void failed_command_is_no_error(subject& s) {
  const auto response = execute(s, store_action(s, shell("echo why >&2; exit 7"))).response();
  expect_ok("a command that returns 7", response.status());
  expect_equal("exit_code", response.result().exit_code(), 7);
  expect_equal("stderr", stderr_of(s, response.result()), "why\n");
}

void killed_command_has_an_exit_code(subject& s) {
  const auto response = execute(s, store_action(s, shell("kill -9 $$"))).response();
  expect_ok("a command that dies by a signal", response.status());
  expect(response.result().exit_code() != 0, "an exit_code other than 0", "0");
}

reapi::ActionResult timed_out(subject& s, const std::string& script, digest& action) {
  action = store_action(s, shell(script), {},
                        [](reapi::Action& x) { x.mutable_timeout()->set_seconds(1); });
  const auto response = execute(s, action).response();
  expect_code("a command that exceeds Action.timeout", response.status(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  return response.result();
}

void timeout_keeps_the_output_so_far(subject& s) {
  digest action;
  const auto result = timed_out(s, "echo so far; echo error >&2; sleep 25", action);
  expect_equal("stdout", stdout_of(s, result), "so far\n");
  expect_equal("stderr", stderr_of(s, result), "error\n");
}

void timed_out_result_is_never_cached(subject& s) {
  digest action;
  timed_out(s, "trap 'exit 0' TERM; sleep 25 & wait", action);
  expect_code("GetActionResult of an action that timed out", s.get_result(action.to_proto()).status,
              grpc::StatusCode::NOT_FOUND);
}

void timeout_above_the_maximum_is_refused(subject& s) {
  const auto action = store_action(s, shell("true"), {}, [](reapi::Action& x) {
    x.mutable_timeout()->set_seconds(std::int64_t{100} * 365 * 86'400);
  });
  const auto came = execute(s, action);
  if (came.trouble().ok())
    throw not_offered("the server has no maximum, or one above a hundred years");
  expect_code("a timeout of a hundred years", came.trouble(), grpc::StatusCode::INVALID_ARGUMENT);
}

void child_in_the_background_does_not_delay_the_end(subject& s) {
  // The call's own deadline is what fails here when the server waits for the child.
  const auto seconds = std::to_string(4 * s.server().options().timeout.count());
  expect_equal("stdout", output_of(s, shell("sleep " + seconds + " & echo ended")), "ended\n");
}

void large_stdout_comes_whole(subject& s) {
  const auto result = run(s, shell("head -c 5000000 /dev/zero"));
  expect_equal("bytes of stdout", stdout_of(s, result).size(), std::size_t{5'000'000});
}

void every_priority_is_accepted(subject& s) {
  for (const auto priority :
       {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()})
    run(s, store_action(s, shell("true")), [priority](reapi::ExecuteRequest& request) {
      request.mutable_execution_policy()->set_priority(priority);
    });
}

void unknown_operation_is_not_found(subject& s) {
  s.need_execution();
  expect_code("WaitExecution on an unknown name",
              execution(s, std::string("no-such-operation")).finish().status,
              grpc::StatusCode::NOT_FOUND);
}

void wait_joins_what_runs(subject& s) {
  execution first(s, store_action(s, shell("sleep 1; " + std::string(print_uuid))));
  const auto name = first.next().name();
  execution other(s, name);
  expect(!other.next().done(), "the first message of WaitExecution while the command still runs",
         "only the done one");
  const auto came = other.finish().response();
  expect_equal("stdout of the stream of Execute", stdout_of(s, first.finish().response().result()),
               stdout_of(s, came.result()));
}

void wait_after_the_end_gives_the_result(subject& s) {
  const auto came = execute(s, store_action(s, shell("echo ended")));
  came.response();
  const auto again = execution(s, came.operations.back().name()).finish();
  expect_equal("stdout", stdout_of(s, again.response().result()), "ended\n");
}

void lost_stream_does_not_kill_the_action(subject& s) {
  execution first(s, store_action(s, shell("sleep 1; echo survived")));
  const auto name = first.until_executing().name();
  first.abandon();
  const auto response = execution(s, name).finish().response();
  expect_ok("an action whose stream was dropped", response.status());
  expect_equal("stdout", stdout_of(s, response.result()), "survived\n");
}

} // namespace

check_list execution_checks() {
  return {
      {"execution.runs_a_command", "Execute runs a command and brings what it printed.",
       runs_a_command},
      {"execution.operation_has_a_stable_name",
       "Every Operation of a stream has the same name, which is not empty.",
       operation_has_a_stable_name},
      {"execution.every_operation_has_metadata",
       "Every Operation carries ExecuteOperationMetadata: Buck2 decodes it unconditionally.",
       every_operation_has_metadata},
      {"execution.completed_if_and_only_if_done", "The stage is COMPLETED if and only if done.",
       completed_if_and_only_if_done},
      {"execution.stream_ends_with_the_first_done", "The stream ends with the done Operation.",
       stream_ends_with_the_first_done},
      {"execution.stages_are_told_in_order",
       "CACHE_CHECK, QUEUED, EXECUTING, COMPLETED; back to QUEUED is legal.",
       stages_are_told_in_order},
      {"execution.first_operation_comes_before_the_end",
       "The first Operation is sent promptly: until then clients can not come back.",
       first_operation_comes_before_the_end},
      {"execution.trouble_is_never_in_operation_error",
       "Errors stand in the call's status or in ExecuteResponse.status, never in Operation.error.",
       trouble_is_never_in_operation_error},
      {"execution.failed_command_is_no_error",
       "An action's own failure is no error: its exit code stands in the result.",
       failed_command_is_no_error},
      {"execution.killed_command_has_an_exit_code",
       "A command that dies by a signal has failed, and its result says so.",
       killed_command_has_an_exit_code},
      {"execution.timeout_keeps_the_output_so_far",
       "DEADLINE_EXCEEDED comes with the result so far: stdout and stderr are kept.",
       timeout_keeps_the_output_so_far},
      {"execution.timed_out_result_is_never_cached",
       "A status other than OK is never cached, whatever the exit code says.",
       timed_out_result_is_never_cached},
      {"execution.timeout_above_the_maximum_is_refused",
       "A timeout above the server's maximum is refused.", timeout_above_the_maximum_is_refused},
      {"execution.child_in_the_background_does_not_delay_the_end",
       "An action ends with its command, whatever it left running.",
       child_in_the_background_does_not_delay_the_end},
      {"execution.large_stdout_comes_whole", "5 MB of stdout come back whole.",
       large_stdout_comes_whole},
      {"execution.every_priority_is_accepted", "The priorities that are announced are accepted.",
       every_priority_is_accepted},
      {"execution.unknown_operation_is_not_found",
       "WaitExecution on an unknown name is NOT_FOUND: clients then execute again.",
       unknown_operation_is_not_found},
      {"execution.wait_joins_what_runs",
       "WaitExecution takes up a running operation; its first message comes at once.",
       wait_joins_what_runs},
      {"execution.wait_after_the_end_gives_the_result",
       "WaitExecution on an operation that has just ended gives its result.",
       wait_after_the_end_gives_the_result},
      {"execution.lost_stream_does_not_kill_the_action",
       "A stream that the client drops does not kill the action at once.",
       lost_stream_does_not_kill_the_action},
  };
}

} // namespace expbuild::conformance
