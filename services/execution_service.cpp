#include "services/operation_stream.hpp"
#include "services/request_checks.hpp"
#include "services/services.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

using google::longrunning::Operation;

inline_request what_to_inline(const reapi::ExecuteRequest& request) {
  return {
      .stdout_raw = request.inline_stdout(),
      .stderr_raw = request.inline_stderr(),
      .output_files = {request.inline_output_files().begin(), request.inline_output_files().end()}};
}

class execution_service final : public reapi::Execution::CallbackService {
public:
  explicit execution_service(context_ptr context)
      : context_(std::move(context)),
        execute_(context_->meters->rpc(reapi::Execution::service_full_name(), "Execute")),
        wait_(context_->meters->rpc(reapi::Execution::service_full_name(), "WaitExecution")) {}

  grpc::ServerWriteReactor<Operation>* Execute(grpc::CallbackServerContext* call,
                                               const reapi::ExecuteRequest* request) override {
    const trace_scope scope(new_trace_id());
    auto stream = operation_stream::make(context_, execute_, *call);
    auto* reactor = stream.get();
    const auto action = admit(*request);
    if (!stream->admission().ok())
      stream->finish(stream->admission());
    else if (action.ok())
      start(*action, *request, asker_of(*call), std::move(stream));
    else
      stream->finish(action.status());
    return reactor;
  }

  grpc::ServerWriteReactor<Operation>*
  WaitExecution(grpc::CallbackServerContext* call,
                const reapi::WaitExecutionRequest* request) override {
    const trace_scope scope(new_trace_id());
    auto stream = operation_stream::make(context_, wait_, *call);
    auto* reactor = stream.get();
    if (!stream->admission().ok()) {
      stream->finish(stream->admission());
      return reactor;
    }
    watch message{.trace = {}, .operation = request->name(), .listener = stream->listener()};
    caf::anon_send(context_->dispatcher, std::move(message), operation_sink(std::move(stream)));
    return reactor;
  }

private:
  absl::StatusOr<digest> admit(const reapi::ExecuteRequest& request) const {
    auto action = read_digest(*context_, request.instance_name(), request.digest_function(),
                              request.action_digest(), "action_digest");
    if (action.ok() && !context_->exec_enabled)
      return absl::FailedPreconditionError(
          "this server is a cache only: it executes no actions (exec_enabled)");
    return action;
  }

  void start(const digest& action, const reapi::ExecuteRequest& request, request_metadata asker,
             std::shared_ptr<operation_stream> stream) const {
    execute order{.trace = {},
                  .action = action,
                  .skip_cache_lookup = request.skip_cache_lookup(),
                  .priority = request.execution_policy().priority(),
                  .listener = stream->listener(),
                  .asker = std::move(asker),
                  .inlined = what_to_inline(request)};
    caf::anon_send(context_->dispatcher, std::move(order), operation_sink(std::move(stream)));
  }

  context_ptr context_;
  rpc_meter& execute_;
  rpc_meter& wait_;
};

} // namespace

std::unique_ptr<grpc::Service> make_execution_service(context_ptr context) {
  return std::make_unique<execution_service>(std::move(context));
}

} // namespace expbuild
