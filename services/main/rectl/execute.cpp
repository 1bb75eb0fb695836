#include "services/main/rectl/execute.hpp"

namespace expbuild {

namespace {

/// Reads the stream to its end; keeps the last operation.
grpc::Status follow(grpc::ClientReader<google::longrunning::Operation>& stream,
                    const execute_options& options, google::longrunning::Operation& last) {
  while (stream.Read(&last)) {
    reapi::ExecuteOperationMetadata metadata;
    last.metadata().UnpackTo(&metadata);
    if (options.progress)
      options.progress(last.name(), metadata.stage());
  }
  return stream.Finish();
}

} // namespace

absl::StatusOr<reapi::ExecuteResponse> execute_remote(client& on, const digest& action,
                                                      const execute_options& options) {
  reapi::ExecuteRequest request;
  request.set_instance_name(on.options().instance);
  request.set_skip_cache_lookup(options.skip_cache_lookup);
  // Small outputs come with the answer: one call less, also while a server is stopping.
  request.set_inline_stdout(true);
  request.set_inline_stderr(true);
  *request.mutable_action_digest() = action.to_proto();
  google::longrunning::Operation last;
  const auto end = options.patience ? std::chrono::system_clock::now() + *options.patience
                                    : std::chrono::system_clock::time_point::max();
  auto context = on.new_long_call();
  context->set_deadline(end);
  auto status = follow(*on.execution->Execute(context.get(), request), options, last);
  for (int again = 0; !last.done() && !last.name().empty() && again < 5
                      && status.error_code() == grpc::StatusCode::UNAVAILABLE;
       ++again) {
    reapi::WaitExecutionRequest wait;
    wait.set_name(last.name());
    context = on.new_long_call();
    context->set_deadline(end);
    context->set_wait_for_ready(true);
    status = follow(*on.execution->WaitExecution(context.get(), wait), options, last);
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && !last.name().empty())
    cancel_remote(on, last.name()).IgnoreError(); // the server ends it by itself, only later
  if (!status.ok())
    return from_grpc(status, "executing");
  reapi::ExecuteResponse response;
  if (!last.done() || !last.response().UnpackTo(&response))
    return absl::DataLossError("the server ended the stream without a result");
  return response;
}

absl::Status cancel_remote(client& on, const std::string& operation) {
  google::longrunning::CancelOperationRequest request;
  request.set_name(operation);
  google::protobuf::Empty response;
  return from_grpc(on.operations->CancelOperation(on.new_call().get(), request, &response),
                   "cancelling");
}

} // namespace expbuild
