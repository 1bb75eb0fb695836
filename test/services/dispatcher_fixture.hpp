#pragma once
#include "test/services/fixture.hpp"

#include "google/longrunning/operations.grpc.pb.h"

namespace expbuild::test {

namespace longrunning = google::longrunning;

/// What reached the dispatcher.
struct dispatched {
  mailbox<std::pair<execute, operation_sink>> executes;
  mailbox<std::pair<watch, operation_sink>> watches;
  mailbox<detach> detaches;
  mailbox<list_operations> lists;
  operation_page page; ///< what a list is answered with
};

/// With a dispatcher that shows what reached it; tests answer through the sinks.
struct dispatcher_fixture : service_fixture {
  std::shared_ptr<dispatched> heard = std::make_shared<dispatched>();
  const digest action = digest::of("an action");

  dispatcher_fixture() {
    context->dispatcher = fake<dispatcher_actor>(
        [to = heard](const execute& x, const operation_sink& sink) {
          to->executes.put({x, sink});
        },
        [to = heard](const watch& x, const operation_sink& sink) {
          to->watches.put({x, sink});
        },
        [to = heard](const detach& x) { to->detaches.put(x); },
        [to = heard](const list_operations& x, const reply<operation_page>& answer) {
          to->lists.put(x);
          answer(to->page);
        },
        [](const delete_operation& x, const reply<unit>& answer) {
          answer(x.operation == "known" ? absl::StatusOr<unit>(unit{})
                                        : absl::NotFoundError("no operation"));
        },
        [](const cancel& x, const reply<unit>& answer) {
          answer(x.operation == "known"
                     ? absl::StatusOr<unit>(unit{})
                     : absl::NotFoundError("no operation '" + x.operation + "'"));
        },
        [](const get_operation& x, const reply<operation_state>& answer) {
          operation_state state;
          state.name = x.operation;
          state.stage = execution_stage::executing;
          answer(x.operation == "known" ? absl::StatusOr<operation_state>(state)
                                        : absl::NotFoundError("no operation"));
        });
  }

  operation_state state_of(execution_stage stage) const {
    operation_state x;
    x.name = "operation-1";
    x.action = action;
    x.stage = stage;
    x.metadata.set_worker("host-worker-1");
    return x;
  }

  operation_state completed(const reapi::ExecuteResponse& response) const {
    auto x = state_of(execution_stage::completed);
    x.response = std::make_shared<const reapi::ExecuteResponse>(response);
    return x;
  }
};

/// One Execute stream of a client.
struct execution {
  client_context call;
  std::unique_ptr<reapi::Execution::Stub> stub;
  std::unique_ptr<grpc::ClientReader<longrunning::Operation>> stream;

  explicit execution(dispatcher_fixture& from,
                     const std::function<void(reapi::ExecuteRequest&)>& change = {})
      : stub(from.stub<reapi::Execution>()) {
    reapi::ExecuteRequest request;
    *request.mutable_action_digest() = from.action.to_proto();
    if (change)
      change(request);
    reapi::RequestMetadata metadata;
    metadata.mutable_tool_details()->set_tool_name("bazel");
    metadata.set_tool_invocation_id("invocation-1");
    metadata.set_target_id("//some:target");
    metadata.set_action_mnemonic("CppCompile");
    call.AddMetadata("build.bazel.remote.execution.v2.requestmetadata-bin",
                     metadata.SerializeAsString());
    stream = stub->Execute(&call, request);
  }

  longrunning::Operation next() {
    longrunning::Operation x;
    CAF_REQUIRE(stream->Read(&x));
    return x;
  }
  grpc::Status end() {
    longrunning::Operation x;
    while (stream->Read(&x)) {
    }
    return stream->Finish();
  }
};

inline reapi::ExecuteOperationMetadata metadata_of(const longrunning::Operation& x) {
  reapi::ExecuteOperationMetadata metadata;
  CAF_REQUIRE(x.metadata().UnpackTo(&metadata));
  return metadata;
}

} // namespace expbuild::test
