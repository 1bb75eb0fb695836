#define CAF_SUITE services.execution
#include "test/services/dispatcher_fixture.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

reapi::ExecuteResponse response_of(const longrunning::Operation& x) {
  reapi::ExecuteResponse response;
  CAF_REQUIRE(x.response().UnpackTo(&response));
  return response;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(execution_tests, dispatcher_fixture)

CAF_TEST(the dispatcher hears what the client asked for) {
  execution client(*this, [](auto& request) {
    request.set_skip_cache_lookup(true);
    request.mutable_execution_policy()->set_priority(-7);
  });
  const auto [order, sink] = heard->executes.take();
  CAF_CHECK(order.action == action);
  CAF_CHECK(order.skip_cache_lookup);
  CAF_CHECK_EQUAL(order.priority, -7);
  CAF_CHECK(order.listener != 0);
  CAF_CHECK(order.trace.trace != 0);
  CAF_CHECK_EQUAL(order.asker.tool_name, "bazel");
  CAF_CHECK_EQUAL(order.asker.invocation_id, "invocation-1");
  CAF_CHECK_EQUAL(order.asker.target_id, "//some:target");
  CAF_CHECK_EQUAL(order.asker.action_mnemonic, "CppCompile");
}

CAF_TEST(one stream more than the budget is refused in words) {
  context->calls = std::make_shared<call_budget>(1, 100);
  execution first(*this);
  const auto sink = heard->executes.take().second;
  execution second(*this);
  const auto refused = second.end();
  CAF_CHECK(refused.error_code() == grpc::RESOURCE_EXHAUSTED);
  CAF_CHECK(contains(refused.error_message(), "server.max_streams"));
  sink.finish(absl::OkStatus());
  CAF_CHECK(first.end().ok());
  server->shutdown(std::chrono::seconds(1)); // every call is gone after that
  CAF_CHECK_EQUAL(context->calls->streams(), 0u);
}

CAF_TEST(every operation carries metadata and a stable name and only the last is done) {
  execution client(*this);
  const auto sink = heard->executes.take().second;
  for (const auto stage :
       {execution_stage::cache_check, execution_stage::queued, execution_stage::executing}) {
    sink.update(state_of(stage));
    const auto operation = client.next();
    CAF_CHECK_EQUAL(operation.name(), "operation-1");
    CAF_CHECK(!operation.done());
    CAF_CHECK(!operation.has_response());
    const auto metadata = metadata_of(operation);
    CAF_CHECK_EQUAL(static_cast<int>(metadata.stage()), static_cast<int>(stage));
    CAF_CHECK_EQUAL(metadata.action_digest().hash(), action.hash());
    CAF_CHECK(metadata.digest_function() == reapi::DigestFunction::SHA256);
    CAF_CHECK_EQUAL(metadata.partial_execution_metadata().worker(), "host-worker-1");
  }
  reapi::ExecuteResponse response;
  response.mutable_result()->set_exit_code(3);
  response.set_cached_result(true);
  sink.update(completed(response));
  sink.finish(absl::OkStatus());
  const auto last = client.next();
  CAF_CHECK(last.done());
  CAF_CHECK_EQUAL(last.name(), "operation-1");
  CAF_CHECK(metadata_of(last).stage() == reapi::ExecutionStage::COMPLETED);
  CAF_CHECK_EQUAL(response_of(last).result().exit_code(), 3);
  CAF_CHECK(response_of(last).cached_result());
  CAF_CHECK(client.end().ok());
}

CAF_TEST(an error of the action stands in the response and never in the operation) {
  execution client(*this);
  const auto sink = heard->executes.take().second;
  reapi::ExecuteResponse response;
  response.mutable_status()->set_code(9);
  response.mutable_status()->set_message("3 blobs are missing");
  sink.update(completed(response));
  sink.finish(absl::OkStatus());
  const auto last = client.next();
  CAF_CHECK(last.done());
  CAF_CHECK(!last.has_error());
  CAF_CHECK_EQUAL(response_of(last).status().code(), 9);
  CAF_CHECK(client.end().ok());
}

CAF_TEST(an error before there is an operation is the status of the call) {
  execution client(*this);
  heard->executes.take().second.finish(absl::ResourceExhaustedError("the queue is full"));
  const auto status = client.end();
  CAF_CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CAF_CHECK_EQUAL(status.error_message(), "the queue is full");
}

CAF_TEST(a stream that the server drops ends with UNAVAILABLE) {
  execution client(*this);
  heard->executes.take();
  CAF_CHECK(client.end().error_code() == grpc::StatusCode::UNAVAILABLE);
}

CAF_TEST(outputs are inlined when they are asked for and stay named by digest) {
  const auto text = put("the text");
  reapi::ExecuteResponse response;
  *response.mutable_result()->mutable_stdout_digest() = text.to_proto();
  *response.mutable_result()->mutable_stderr_digest() = text.to_proto();
  auto& file = *response.mutable_result()->add_output_files();
  file.set_path("out");
  *file.mutable_digest() = text.to_proto();
  execution curious(*this, [](auto& request) {
    request.set_inline_stdout(true);
    request.add_inline_output_files("out");
  });
  const auto [order, first] = heard->executes.take();
  auto told = completed(response);
  told.inlined = order.inlined; // kept with the operation, for those who wait for it, too
  first.update(told);
  first.finish(absl::OkStatus());
  const auto inlined = response_of(curious.next()).result();
  CAF_CHECK_EQUAL(inlined.stdout_raw(), "the text");
  CAF_CHECK_EQUAL(inlined.stdout_digest().hash(), text.hash());
  CAF_CHECK_EQUAL(inlined.stderr_raw(), "");
  CAF_CHECK_EQUAL(inlined.output_files(0).contents(), "the text");
  execution modest(*this);
  const auto second = heard->executes.take().second;
  second.update(completed(response));
  second.finish(absl::OkStatus());
  const auto plain = response_of(modest.next()).result();
  CAF_CHECK_EQUAL(plain.stdout_raw(), "");
  CAF_CHECK_EQUAL(plain.output_files(0).contents(), "");
  CAF_CHECK_EQUAL(plain.output_files(0).digest().hash(), text.hash());
}

CAF_TEST(who waits for an operation gets inlined what its execute asked for) {
  reapi::ExecuteResponse response;
  *response.mutable_result()->mutable_stdout_digest() = put("the text").to_proto();
  client_context call;
  auto stream = stub<reapi::Execution>()->WaitExecution(&call, {});
  auto told = completed(response);
  told.inlined.stdout_raw = true;
  const auto sink = heard->watches.take().second;
  sink.update(told);
  sink.finish(absl::OkStatus());
  longrunning::Operation operation;
  CAF_REQUIRE(stream->Read(&operation));
  const auto result = response_of(operation).result();
  CAF_CHECK_EQUAL(result.stdout_raw(), "the text");
  CAF_CHECK(stream->Finish().ok());
}

CAF_TEST(a slow client gets the latest state and not the history) {
  execution client(*this);
  const auto sink = heard->executes.take().second;
  for (int i = 0; i < 5000; ++i) {
    auto x = state_of(execution_stage::executing);
    x.metadata.set_worker(std::to_string(i) + std::string(1000, 'x'));
    sink.update(std::move(x));
  }
  sink.update(completed({}));
  sink.finish(absl::OkStatus());
  int messages = 0;
  longrunning::Operation last;
  while (client.stream->Read(&last))
    ++messages;
  CAF_CHECK(last.done());
  CAF_CHECK(messages < 5001);
  CAF_CHECK(client.stream->Finish().ok());
}

CAF_TEST(the dispatcher is told when a client goes) {
  execution client(*this);
  const auto [order, sink] = heard->executes.take();
  sink.update(state_of(execution_stage::queued));
  client.next();
  client.call.TryCancel();
  CAF_CHECK(client.end().error_code() == grpc::StatusCode::CANCELLED);
  CAF_CHECK_EQUAL(heard->detaches.take().listener, order.listener);
}

CAF_TEST(a listener that became known after its client had gone is detached again) {
  execution client(*this);
  const auto [order, sink] = heard->executes.take();
  client.call.TryCancel();
  client.end();
  heard->detaches.take();
  sink.update(state_of(execution_stage::queued));
  CAF_CHECK_EQUAL(heard->detaches.take().listener, order.listener);
}

CAF_TEST(listeners have different numbers) {
  execution first(*this);
  execution second(*this);
  CAF_CHECK(heard->executes.take().first.listener != heard->executes.take().first.listener);
}

CAF_TEST(a malformed action digest is INVALID_ARGUMENT) {
  execution client(*this, [](auto& request) { request.mutable_action_digest()->set_hash("x"); });
  CAF_CHECK(client.end().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CAF_CHECK(heard->executes.empty());
}

CAF_TEST(a cache only server executes nothing and says why) {
  context->exec_enabled = false;
  execution client(*this);
  const auto status = client.end();
  CAF_CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CAF_CHECK(contains(status.error_message(), "exec_enabled"));
  CAF_CHECK(heard->executes.empty());
}

CAF_TEST(waiting watches the operation by its name) {
  client_context call;
  reapi::WaitExecutionRequest request;
  request.set_name("operation-1");
  auto stream = stub<reapi::Execution>()->WaitExecution(&call, request);
  const auto [order, sink] = heard->watches.take();
  CAF_CHECK_EQUAL(order.operation, "operation-1");
  sink.update(state_of(execution_stage::executing));
  longrunning::Operation operation;
  CAF_REQUIRE(stream->Read(&operation));
  CAF_CHECK(metadata_of(operation).stage() == reapi::ExecutionStage::EXECUTING);
  sink.update(completed({}));
  sink.finish(absl::OkStatus());
  CAF_REQUIRE(stream->Read(&operation));
  CAF_CHECK(operation.done());
  CAF_CHECK(stream->Finish().ok());
}

CAF_TEST(waiting for an unknown operation is NOT_FOUND) {
  client_context call;
  auto stream = stub<reapi::Execution>()->WaitExecution(&call, {});
  heard->watches.take().second.finish(absl::NotFoundError("no such operation"));
  CAF_CHECK(stream->Finish().error_code() == grpc::StatusCode::NOT_FOUND);
}

CAF_TEST_FIXTURE_SCOPE_END()
