#include "actors/log.hpp"
#include "services/action_details.hpp"
#include "services/action_list.hpp"
#include "services/action_messages.hpp"
#include "services/explanation.hpp"
#include "services/log_stream.hpp"
#include "services/purge_request.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"
#include "services/status_report.hpp"
#include "services/watch_stream.hpp"

#include "expbuild/admin/v1/admin.grpc.pb.h"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

using admin::v1::Admin;

/// Copies the answer into the response and ends the call.
template <class Message>
auto fill(Message* response, const unary_call& answer) {
  return [response, answer](absl::StatusOr<Message> x) {
    if (x.ok())
      *response = *std::move(x);
    answer.finish(x.status());
  };
}

absl::Status change_level(const admin::v1::SetLogLevelRequest& request) {
  if (auto status = set_log_level(request.module(), request.level()); !status.ok())
    return status;
  log_of("server").info("log level of {} is {} now",
                        request.module().empty() ? "all modules" : request.module(),
                        request.level());
  return absl::OkStatus();
}

class admin_service final : public admin::v1::Admin::CallbackService {
public:
  explicit admin_service(context_ptr context)
      : context_(std::move(context)), status_(meter("GetStatus")), trace_(meter("GetTrace")),
        list_(meter("ListActions")), action_(meter("GetAction")), explain_(meter("Explain")),
        actors_(meter("GetActors")), control_(meter("ControlWorkers")), watch_(meter("Watch")),
        log_(meter("GetLog")), log_level_(meter("SetLogLevel")),
        purge_(meter("PurgeActionResults")) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call,
                                      const admin::v1::GetStatusRequest*,
                                      admin::v1::Status* response) override {
    return serve(*context_, *call, status_, [&](const unary_call& answer) {
      report_status(context_, fill(response, answer));
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
            if (found.ok())
              *response = describe(*found);
            answer.finish(found.status());
          }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListActions(grpc::CallbackServerContext* call,
                                        const admin::v1::ListActionsRequest* request,
                                        admin::v1::ActionList* response) override {
    return serve(*context_, *call, list_, [&](const unary_call& answer) {
      list_all_actions(context_, *request, fill(response, answer));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetAction(grpc::CallbackServerContext* call,
                                      const admin::v1::GetActionRequest* request,
                                      admin::v1::ActionDetails* response) override {
    return serve(*context_, *call, action_, [&](const unary_call& answer) {
      detail_action(context_, request->query(), fill(response, answer));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* call,
                                    const admin::v1::ExplainRequest* request,
                                    admin::v1::Explanation* response) override {
    return serve(*context_, *call, explain_, [&](const unary_call& answer) {
      explain(context_, request->query(), fill(response, answer));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetActors(grpc::CallbackServerContext* call,
                                      const admin::v1::GetActorsRequest*,
                                      admin::v1::ActorList* response) override {
    return serve(*context_, *call, actors_, [&](const unary_call& answer) {
      list_actors(context_, fill(response, answer));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ControlWorkers(grpc::CallbackServerContext* call,
                                           const admin::v1::ControlWorkersRequest* request,
                                           admin::v1::ControlWorkersResponse* response) override {
    return serve(*context_, *call, control_, [&](const unary_call& answer) {
      control_workers(context_, *request, fill(response, answer));
      return absl::OkStatus();
    });
  }

  grpc::ServerWriteReactor<admin::v1::WatchEvent>*
  Watch(grpc::CallbackServerContext* call, const admin::v1::WatchRequest* request) override {
    const trace_scope scope(new_trace_id());
    return watch_all(context_, watch_, *call, *request);
  }

  grpc::ServerWriteReactor<admin::v1::LogLine>*
  GetLog(grpc::CallbackServerContext* call, const admin::v1::GetLogRequest* request) override {
    return stream_log(context_, log_, *call, *request);
  }

  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* call,
                                        const admin::v1::SetLogLevelRequest* request,
                                        admin::v1::LogLevels* response) override {
    return serve(*context_, *call, log_level_, [&](const unary_call& answer) {
      if (!request->level().empty())
        if (auto status = change_level(*request); !status.ok())
          return status;
      for (auto& [module, level] : log_levels())
        (*response->mutable_levels())[module] = level;
      answer.finish(absl::OkStatus());
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
  rpc_meter& meter(const char* method) const {
    return context_->meters->rpc(Admin::service_full_name(), method);
  }

  context_ptr context_;
  rpc_meter& status_;
  rpc_meter& trace_;
  rpc_meter& list_;
  rpc_meter& action_;
  rpc_meter& explain_;
  rpc_meter& actors_;
  rpc_meter& control_;
  rpc_meter& watch_;
  rpc_meter& log_;
  rpc_meter& log_level_;
  rpc_meter& purge_;
};

} // namespace

std::unique_ptr<grpc::Service> make_admin_service(context_ptr context) {
  return std::make_unique<admin_service>(std::move(context));
}

} // namespace expbuild
