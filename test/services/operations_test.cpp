#define CAF_SUITE services.operations
#include "test/services/dispatcher_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : dispatcher_fixture {
  std::pair<grpc::Status, longrunning::ListOperationsResponse>
  list(const std::function<void(longrunning::ListOperationsRequest&)>& change = {}) {
    client_context call;
    longrunning::ListOperationsRequest request;
    if (change)
      change(request);
    longrunning::ListOperationsResponse found;
    auto status = stub<longrunning::Operations>()->ListOperations(&call, request, &found);
    return {status, found};
  }
};

/// One WaitOperation that is under way.
struct waiter {
  client_context call;
  std::unique_ptr<longrunning::Operations::Stub> stub;
  longrunning::Operation operation;
  std::future<grpc::Status> ended;

  explicit waiter(fixture& from, std::optional<std::chrono::milliseconds> timeout = {},
                  std::chrono::seconds deadline = std::chrono::seconds(20))
      : stub(from.stub<longrunning::Operations>()) {
    call.set_deadline(std::chrono::system_clock::now() + deadline);
    longrunning::WaitOperationRequest request;
    request.set_name("operation-1");
    if (timeout) {
      request.mutable_timeout()->set_seconds(timeout->count() / 1000);
      request.mutable_timeout()->set_nanos(static_cast<int>(timeout->count() % 1000) * 1'000'000);
    }
    ended = std::async(std::launch::async,
                       [this, request] { return stub->WaitOperation(&call, request, &operation); });
  }
  grpc::Status end() { return ended.get(); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(operations_tests, fixture)

CAF_TEST(an operation can be cancelled and asked for by name) {
  const auto operations = stub<longrunning::Operations>();
  longrunning::CancelOperationRequest order;
  google::protobuf::Empty nothing;
  client_context calls[4];
  CAF_CHECK(operations->CancelOperation(&calls[0], order, &nothing).error_code()
            == grpc::StatusCode::NOT_FOUND);
  order.set_name("known");
  CAF_CHECK(operations->CancelOperation(&calls[1], order, &nothing).ok());
  longrunning::GetOperationRequest question;
  longrunning::Operation operation;
  CAF_CHECK(operations->GetOperation(&calls[2], question, &operation).error_code()
            == grpc::StatusCode::NOT_FOUND);
  question.set_name("known");
  CAF_CHECK(operations->GetOperation(&calls[3], question, &operation).ok());
  CAF_CHECK_EQUAL(operation.name(), "known");
  CAF_CHECK(metadata_of(operation).stage() == reapi::ExecutionStage::EXECUTING);
}

CAF_TEST(an operation can be deleted by name) {
  const auto operations = stub<longrunning::Operations>();
  longrunning::DeleteOperationRequest order;
  google::protobuf::Empty nothing;
  client_context calls[2];
  CAF_CHECK(operations->DeleteOperation(&calls[0], order, &nothing).error_code()
            == grpc::StatusCode::NOT_FOUND);
  order.set_name("known");
  CAF_CHECK(operations->DeleteOperation(&calls[1], order, &nothing).ok());
}

// ---- List ------------------------------------------------------------------------------------

CAF_TEST(a list says what it was asked for and where the next page begins) {
  heard->page.operations = {{.number = 7, .state = state_of(execution_stage::queued)},
                            {.number = 9, .state = state_of(execution_stage::executing)}};
  heard->page.next = 9;
  const auto [status, found] = list([](auto& request) {
    request.set_filter("done=false AND stage=EXECUTING");
    request.set_page_size(2);
    request.set_page_token("5");
  });
  CAF_REQUIRE(status.ok());
  CAF_REQUIRE_EQUAL(found.operations_size(), 2);
  CAF_CHECK(metadata_of(found.operations(1)).stage() == reapi::ExecutionStage::EXECUTING);
  CAF_CHECK_EQUAL(found.next_page_token(), "9");
  const auto asked = heard->lists.take();
  CAF_CHECK_EQUAL(asked.after, 5u);
  CAF_CHECK_EQUAL(asked.limit, 2u);
  CAF_CHECK(asked.filter.done == false);
  CAF_CHECK(asked.filter.stage == execution_stage::executing);
}

CAF_TEST(a page has a size of its own when none is asked for and never more than a thousand) {
  CAF_CHECK_EQUAL(list().second.next_page_token(), "");
  CAF_CHECK_EQUAL(heard->lists.take().limit, 100u);
  list([](auto& request) { request.set_page_size(1'000'000); });
  CAF_CHECK_EQUAL(heard->lists.take().limit, 1000u);
}

CAF_TEST(a page stays below what clients receive and the token leads to the rest) {
  reapi::ExecuteResponse large;
  large.set_message(std::string(1 << 20, 'x'));
  for (std::uint64_t i = 1; i <= 6; ++i)
    heard->page.operations.push_back({.number = i, .state = completed(large)});
  const auto [status, found] = list();
  CAF_REQUIRE(status.ok());
  CAF_CHECK_EQUAL(found.operations_size(), 3);
  CAF_CHECK_EQUAL(found.next_page_token(), "3");
}

CAF_TEST(what can not be listed is refused in words) {
  using request_type = longrunning::ListOperationsRequest;
  const std::vector<std::pair<std::function<void(request_type&)>, std::string>> table{
      {[](auto& x) { x.set_name("other"); }, "unknown instance 'other'"},
      {[](auto& x) { x.set_name("other/operations"); }, "unknown instance 'other'"},
      {[](auto& x) { x.set_filter("worker=7"); }, "'worker=7' is not understood"},
      {[](auto& x) { x.set_filter("done=true AND stage=UNKNOWN"); }, "'stage=UNKNOWN'"},
      {[](auto& x) { x.set_page_size(-1); }, "page_size: -1"},
      {[](auto& x) { x.set_page_token("next"); }, "page_token: 'next'"}};
  for (const auto& [change, text] : table) {
    const auto [status, found] = list(change);
    CAF_CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CAF_CHECK(contains(status.error_message(), text));
  }
  for (const auto* name : {"", "main", "operations", "main/operations"})
    CAF_CHECK(list([name](auto& x) { x.set_name(name); }).first.ok());
}

// ---- Wait ------------------------------------------------------------------------------------

CAF_TEST(waiting is answered when the operation is done) {
  waiter client(*this);
  const auto [order, sink] = heard->watches.take();
  CAF_CHECK_EQUAL(order.operation, "operation-1");
  sink.update(state_of(execution_stage::executing));
  reapi::ExecuteResponse response;
  response.set_message("the end");
  sink.update(completed(response));
  sink.finish(absl::OkStatus());
  CAF_CHECK(client.end().ok());
  CAF_CHECK(client.operation.done());
  CAF_CHECK_EQUAL(heard->detaches.take().listener, order.listener);
}

CAF_TEST(waiting is answered with the latest state when its time is over) {
  waiter client(*this, std::chrono::milliseconds(50));
  const auto sink = heard->watches.take().second;
  sink.update(state_of(execution_stage::executing));
  CAF_CHECK(client.end().ok());
  CAF_CHECK(!client.operation.done());
  CAF_CHECK(metadata_of(client.operation).stage() == reapi::ExecutionStage::EXECUTING);
  heard->detaches.take();
}

CAF_TEST(waiting for no time asks for the state as it is) {
  waiter client(*this, std::chrono::milliseconds(0));
  const auto sink = heard->watches.take().second;
  sink.update(state_of(execution_stage::queued));
  CAF_CHECK(client.end().ok());
  CAF_CHECK(metadata_of(client.operation).stage() == reapi::ExecutionStage::QUEUED);
}

CAF_TEST(waiting is answered before the deadline of the call) {
  waiter client(*this, std::nullopt, std::chrono::seconds(5)); // of which the answer has a tenth
  const auto sink = heard->watches.take().second;
  sink.update(state_of(execution_stage::executing));
  CAF_CHECK(client.end().ok());
}

CAF_TEST(waiting for an unknown operation is NOT_FOUND and for a negative time refused) {
  waiter client(*this);
  heard->watches.take().second.finish(absl::NotFoundError("no operation"));
  CAF_CHECK(client.end().error_code() == grpc::StatusCode::NOT_FOUND);
  waiter hasty(*this, std::chrono::milliseconds(-5000));
  CAF_CHECK(hasty.end().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

CAF_TEST(a client that waits no longer is detached) {
  waiter client(*this);
  const auto [order, sink] = heard->watches.take();
  client.call.TryCancel();
  CAF_CHECK(client.end().error_code() == grpc::StatusCode::CANCELLED);
  CAF_CHECK_EQUAL(heard->detaches.take().listener, order.listener);
}

CAF_TEST_FIXTURE_SCOPE_END()
