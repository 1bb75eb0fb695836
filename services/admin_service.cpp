#include "services/purge_request.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"
#include "services/status_report.hpp"
#include "services/times.hpp"

#include "expbuild/admin/v1/admin.grpc.pb.h"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

std::string outcome_name(message_outcome x) {
  switch (x) {
  case message_outcome::handled:
    return "handled";
  case message_outcome::dropped:
    return "dropped";
  case message_outcome::threw:
    return "threw";
  case message_outcome::event:
    return "event";
  }
  return "unknown";
}

void describe(const trace_record& record, admin::v1::Event& to) {
  to.set_span(record.span);
  to.set_parent_span(record.parent_span);
  set_timestamp(*to.mutable_sent_at(), record.sent_ns);
  set_duration(*to.mutable_queued_for(), record.queued_ns);
  set_duration(*to.mutable_handled_in(), record.handled_ns);
  to.set_from(interned_name(record.from));
  to.set_to(interned_name(record.to));
  to.set_message(interned_name(record.message));
  to.set_outcome(outcome_name(record.outcome));
}

void describe(const request_metadata& asker, admin::v1::Trace& to) {
  to.set_tool_name(asker.tool_name);
  to.set_tool_version(asker.tool_version);
  to.set_action_id(asker.action_id);
  to.set_invocation_id(asker.invocation_id);
  to.set_correlated_invocations_id(asker.correlated_invocations_id);
  to.set_target_id(asker.target_id);
  to.set_action_mnemonic(asker.action_mnemonic);
  to.set_configuration_id(asker.configuration_id);
}

class admin_service final : public admin::v1::Admin::CallbackService {
public:
  explicit admin_service(context_ptr context)
      : context_(std::move(context)),
        status_(context_->meters->rpc(admin::v1::Admin::service_full_name(), "GetStatus")),
        trace_(context_->meters->rpc(admin::v1::Admin::service_full_name(), "GetTrace")),
        purge_(context_->meters->rpc(admin::v1::Admin::service_full_name(), "PurgeActionResults")) {
  }

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call,
                                      const admin::v1::GetStatusRequest*,
                                      admin::v1::Status* response) override {
    return serve(*context_, *call, status_, [&](const unary_call& answer) {
      report_status(context_, [response, answer](admin::v1::Status status) {
        *response = std::move(status);
        answer.finish(absl::OkStatus());
      });
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetTrace(grpc::CallbackServerContext* call,
                                     const admin::v1::GetTraceRequest* request,
                                     admin::v1::Trace* response) override {
    return serve(*context_, *call, trace_, [&](const unary_call& answer) {
      caf::anon_send(
          context_->recorder, trace_of{.trace = {}, .query = request->query()},
          reply<recorded_trace>([response, answer](const absl::StatusOr<recorded_trace>& found) {
            if (found.ok()) {
              response->set_operation_name(found->operation);
              response->set_action_digest(found->action.to_string());
              describe(found->asker, *response);
              for (const auto& record : found->records)
                describe(record, *response->add_events());
            }
            answer.finish(found.status());
          }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor*
  PurgeActionResults(grpc::CallbackServerContext* call,
                     const admin::v1::PurgeActionResultsRequest* request,
                     admin::v1::PurgeActionResultsResponse* response) override {
    return serve(*context_, *call, purge_, [&](const unary_call& answer) {
      auto filter = read_filter(*context_, *request);
      if (!filter.ok())
        return filter.status();
      caf::anon_send(
          context_->action_cache,
          purge_results{.trace = {},
                        .filter = *std::move(filter),
                        .dry_run = request->dry_run(),
                        .given_up = answer.given_up()},
          reply<purge_report>([response, answer](const absl::StatusOr<purge_report>& report) {
            if (report.ok())
              describe(*report, *response);
            answer.finish(report.status());
          }));
      return absl::OkStatus();
    });
  }

private:
  context_ptr context_;
  rpc_meter& status_;
  rpc_meter& trace_;
  rpc_meter& purge_;
};

} // namespace

std::unique_ptr<grpc::Service> make_admin_service(context_ptr context) {
  return std::make_unique<admin_service>(std::move(context));
}

} // namespace expbuild
