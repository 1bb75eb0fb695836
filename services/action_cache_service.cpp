#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

inline_request what_to_inline(const reapi::GetActionResultRequest& request) {
  return {
      .stdout_raw = request.inline_stdout(),
      .stderr_raw = request.inline_stderr(),
      .output_files = {request.inline_output_files().begin(), request.inline_output_files().end()}};
}

/// A client that sent more than it could receive gets its result without the inlined bytes.
void shrink_to_fit(reapi::ActionResult& result) {
  if (static_cast<std::int64_t>(result.ByteSizeLong()) <= max_outbound_bytes)
    return;
  result.clear_stdout_raw();
  result.clear_stderr_raw();
  for (auto& file : *result.mutable_output_files())
    file.clear_contents();
}

class action_cache_service final : public reapi::ActionCache::CallbackService {
public:
  explicit action_cache_service(context_ptr context)
      : context_(std::move(context)),
        get_(context_->meters->rpc(reapi::ActionCache::service_full_name(), "GetActionResult")),
        update_(
            context_->meters->rpc(reapi::ActionCache::service_full_name(), "UpdateActionResult")) {}

  grpc::ServerUnaryReactor* GetActionResult(grpc::CallbackServerContext* call,
                                            const reapi::GetActionResultRequest* request,
                                            reapi::ActionResult* response) override {
    return serve(*context_, *call, get_, [&](const unary_call& answer) {
      const auto action =
          read_digest(*context_, request->instance_name(), request->digest_function(),
                      request->action_digest(), "action_digest");
      if (action.ok())
        look_up(*action, *request, response, answer);
      return action.status();
    });
  }

  grpc::ServerUnaryReactor* UpdateActionResult(grpc::CallbackServerContext* call,
                                               const reapi::UpdateActionResultRequest* request,
                                               reapi::ActionResult* response) override {
    return serve(*context_, *call, update_, [&](const unary_call& answer) {
      const auto action =
          read_digest(*context_, request->instance_name(), request->digest_function(),
                      request->action_digest(), "action_digest");
      if (!action.ok())
        return action.status();
      if (!context_->action_cache_update_enabled)
        return absl::PermissionDeniedError(
            "clients may not write the action cache of this server (action_cache_update_enabled)");
      store(*action, *request, asker_of(*call), response, answer);
      return absl::OkStatus();
    });
  }

private:
  void look_up(const digest& action, const reapi::GetActionResultRequest& request,
               reapi::ActionResult* response, const unary_call& answer) const {
    caf::anon_send(
        context_->action_cache,
        get_result{.trace = {}, .action = action, .inlined = what_to_inline(request)},
        reply<cached_result>([response, answer](const absl::StatusOr<cached_result>& found) {
          if (found.ok())
            *response = **found;
          answer.finish(found.status());
        }));
  }

  void store(const digest& action, const reapi::UpdateActionResultRequest& request,
             request_metadata asker, reapi::ActionResult* response,
             const unary_call& answer) const {
    auto result = std::make_shared<const reapi::ActionResult>(request.action_result());
    caf::anon_send(
        context_->action_cache,
        put_result{.trace = {}, .action = action, .result = result, .asker = std::move(asker)},
        reply<unit>([response, answer, result](const absl::StatusOr<unit>& stored) {
          if (stored.ok()) {
            *response = *result;
            shrink_to_fit(*response);
          }
          answer.finish(stored.status());
        }));
  }

  context_ptr context_;
  rpc_meter& get_;
  rpc_meter& update_;
};

} // namespace

std::unique_ptr<grpc::Service> make_action_cache_service(context_ptr context) {
  return std::make_unique<action_cache_service>(std::move(context));
}

} // namespace expbuild
