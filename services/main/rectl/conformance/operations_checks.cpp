#include "services/main/rectl/conformance/action_run.hpp"

#include <set>

/// google.longrunning.Operations.

namespace expbuild::conformance {

namespace {

namespace longrunning = google::longrunning;

answer<Operation> get(subject& s, const std::string& name) {
  longrunning::GetOperationRequest request;
  request.set_name(name);
  answer<Operation> came;
  came.status =
      s.server().operations->GetOperation(s.server().new_call().get(), request, &came.message);
  stop_if_unimplemented("GetOperation", came.status);
  return came;
}

grpc::Status cancel(subject& s, const std::string& name) {
  longrunning::CancelOperationRequest request;
  request.set_name(name);
  google::protobuf::Empty nothing;
  const auto status =
      s.server().operations->CancelOperation(s.server().new_call().get(), request, &nothing);
  stop_if_unimplemented("CancelOperation", status);
  return status;
}

grpc::Status forget(subject& s, const std::string& name) {
  longrunning::DeleteOperationRequest request;
  request.set_name(name);
  google::protobuf::Empty nothing;
  const auto status =
      s.server().operations->DeleteOperation(s.server().new_call().get(), request, &nothing);
  stop_if_unimplemented("DeleteOperation", status);
  return status;
}

answer<Operation> wait(subject& s, const std::string& name, std::int64_t seconds) {
  longrunning::WaitOperationRequest request;
  request.set_name(name);
  request.mutable_timeout()->set_seconds(seconds);
  answer<Operation> came;
  came.status =
      s.server().operations->WaitOperation(s.server().new_call().get(), request, &came.message);
  stop_if_unimplemented("WaitOperation", came.status);
  return came;
}

/// All names, page by page; a server that never ends its pages is cut off.
std::multiset<std::string> list(subject& s, std::int32_t page_size) {
  std::multiset<std::string> names;
  longrunning::ListOperationsRequest request;
  request.set_name(s.instance());
  request.set_page_size(page_size);
  for (int page = 0; page < 1000; ++page) {
    longrunning::ListOperationsResponse response;
    const auto status =
        s.server().operations->ListOperations(s.server().new_call().get(), request, &response);
    stop_if_unimplemented("ListOperations", status);
    expect_ok("ListOperations", status);
    expect(page_size == 0 || response.operations_size() <= page_size,
           "at most " + std::to_string(page_size) + " operations a page",
           show(response.operations_size()));
    for (const auto& each : response.operations())
      names.insert(each.name());
    request.set_page_token(response.next_page_token());
    if (response.next_page_token().empty())
      break;
  }
  return names;
}

void get_tells_what_runs(subject& s) {
  execution x(s, store_action(s, shell("sleep 2")));
  const auto name = x.until_executing().name();
  const auto came = get(s, name);
  expect_ok("GetOperation", came.status);
  expect_equal("name", came.message.name(), name);
  expect_equal("done", came.message.done(), false);
  metadata_of(came.message);
}

void get_tells_the_result(subject& s) {
  const auto ended = execute(s, store_action(s, shell("echo ended")));
  ended.response();
  const auto came = get(s, ended.operations.back().name());
  expect_ok("GetOperation", came.status);
  expect_equal("done", came.message.done(), true);
  reapi::ExecuteResponse response;
  expect(came.message.response().UnpackTo(&response), "an ExecuteResponse",
         came.message.response().type_url());
  expect_equal("stdout", stdout_of(s, response.result()), "ended\n");
}

void unknown_name_is_not_found_by_get(subject& s) {
  s.need_execution();
  expect_code("GetOperation of an unknown name", get(s, "no-such-operation").status,
              grpc::StatusCode::NOT_FOUND);
}

void unknown_name_is_not_found_by_cancel(subject& s) {
  s.need_execution();
  expect_code("CancelOperation of an unknown name", cancel(s, "no-such-operation"),
              grpc::StatusCode::NOT_FOUND);
}

void cancelled_operation_ends_its_stream(subject& s) {
  execution x(s, store_action(s, shell("sleep 25")));
  expect_ok("CancelOperation", cancel(s, x.until_executing().name()));
  expect_code("a cancelled operation", x.finish().response().status(), grpc::StatusCode::CANCELLED);
}

void cancelled_result_is_not_cached(subject& s) {
  const auto action = store_action(s, shell("trap 'exit 0' TERM; sleep 25 & wait"));
  execution x(s, action);
  expect_ok("CancelOperation", cancel(s, x.until_executing().name()));
  x.finish();
  expect_code("GetActionResult of a cancelled action", s.get_result(action.to_proto()).status,
              grpc::StatusCode::NOT_FOUND);
}

void cancelling_what_has_ended_changes_nothing(subject& s) {
  const auto ended = execute(s, store_action(s, shell("echo ended")));
  ended.response();
  const auto name = ended.operations.back().name();
  expect_ok("CancelOperation of what has ended", cancel(s, name));
  const auto again = execution(s, name).finish().response();
  expect_ok("its status", again.status());
  expect_equal("stdout", stdout_of(s, again.result()), "ended\n");
}

void list_holds_what_runs(subject& s) {
  execution x(s, store_action(s, shell("sleep 2")));
  const auto name = x.until_executing().name();
  expect_equal("entries of that name", list(s, 0).count(name), std::size_t{1});
}

void list_comes_in_pages(subject& s) {
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    const auto ended = execute(s, store_action(s, shell("true")));
    ended.response();
    names.push_back(ended.operations.back().name());
  }
  const auto all = list(s, 2);
  for (const auto& name : names)
    expect_equal("entries of that name in pages of 2", all.count(name), std::size_t{1});
}

void delete_does_not_cancel(subject& s) {
  execution x(s, store_action(s, shell("sleep 1; echo survived")));
  expect_ok("DeleteOperation", forget(s, x.until_executing().name()));
  const auto response = x.finish().response();
  expect_ok("a deleted operation", response.status());
  expect_equal("stdout", stdout_of(s, response.result()), "survived\n");
}

void deleted_result_is_forgotten(subject& s) {
  const auto ended = execute(s, store_action(s, shell("true")));
  ended.response();
  const auto name = ended.operations.back().name();
  expect_ok("DeleteOperation", forget(s, name));
  expect_code("GetOperation of what was deleted", get(s, name).status, grpc::StatusCode::NOT_FOUND);
}

void wait_ends_with_its_timeout(subject& s) {
  execution x(s, store_action(s, shell("sleep 25")));
  const auto name = x.until_executing().name();
  const auto came = wait(s, name, 1);
  expect_ok("WaitOperation for a second", came.status);
  expect_equal("done", came.message.done(), false);
  expect_equal("name", came.message.name(), name);
  static_cast<void>(cancel(s, name));
}

void wait_ends_with_the_operation(subject& s) {
  execution x(s, store_action(s, shell("sleep 1")));
  const auto came = wait(s, x.next().name(), 25);
  expect_ok("WaitOperation", came.status);
  expect_equal("done", came.message.done(), true);
}

} // namespace

check_list operations_checks() {
  return {
      {"operations.get_tells_what_runs", "GetOperation gives the latest state.",
       get_tells_what_runs},
      {"operations.get_tells_the_result", "GetOperation gives the result of what has just ended.",
       get_tells_the_result},
      {"operations.unknown_name_is_not_found_by_get", "An unknown name is NOT_FOUND.",
       unknown_name_is_not_found_by_get},
      {"operations.unknown_name_is_not_found_by_cancel", "An unknown name is NOT_FOUND.",
       unknown_name_is_not_found_by_cancel},
      {"operations.cancelled_operation_ends_its_stream",
       "A cancelled operation ends with CANCELLED in ExecuteResponse.status.",
       cancelled_operation_ends_its_stream},
      {"operations.cancelled_result_is_not_cached",
       "A status other than OK is never cached, whatever the exit code says.",
       cancelled_result_is_not_cached},
      {"operations.cancelling_what_has_ended_changes_nothing",
       "A cancellation that comes too late is no error.",
       cancelling_what_has_ended_changes_nothing},
      {"operations.list_holds_what_runs", "ListOperations names what runs, once.",
       list_holds_what_runs},
      {"operations.list_comes_in_pages", "page_size bounds a page; page_token goes on.",
       list_comes_in_pages},
      {"operations.delete_does_not_cancel", "DeleteOperation does not cancel.",
       delete_does_not_cancel},
      {"operations.deleted_result_is_forgotten", "DeleteOperation forgets a result.",
       deleted_result_is_forgotten},
      {"operations.wait_ends_with_its_timeout",
       "WaitOperation gives the state when its timeout is over.", wait_ends_with_its_timeout},
      {"operations.wait_ends_with_the_operation", "WaitOperation gives the state once it is done.",
       wait_ends_with_the_operation},
  };
}

} // namespace expbuild::conformance
