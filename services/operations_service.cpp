#include "services/operation_filter.hpp"
#include "services/operation_message.hpp"
#include "services/operation_wait.hpp"
#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"

#include "google/longrunning/operations.grpc.pb.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/strip.h>

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

namespace longrunning = google::longrunning;

constexpr std::size_t default_page_size = 100;
constexpr std::size_t max_page_size = 1000;

/// Of a collection that is listed: the instance, "operations" or "INSTANCE/operations".
std::string instance_of(const std::string& name) {
  if (name == "operations")
    return {};
  return std::string(absl::StripSuffix(name, "/operations"));
}

absl::StatusOr<list_operations> read_question(const longrunning::ListOperationsRequest& request) {
  list_operations question;
  const auto filter = parse_operation_filter(request.filter());
  if (!filter.ok())
    return filter.status();
  question.filter = *filter;
  if (request.page_size() < 0)
    return absl::InvalidArgumentError("page_size: " + std::to_string(request.page_size())
                                      + " is negative; 0 leaves it to the server");
  if (request.page_size() > 0)
    question.limit = std::min(max_page_size, static_cast<std::size_t>(request.page_size()));
  else
    question.limit = default_page_size;
  const auto& token = request.page_token();
  if (!token.empty() && !absl::SimpleAtoi(token, &question.after))
    return absl::InvalidArgumentError("page_token: '" + token.substr(0, 100)
                                      + "' was not made by this server");
  return question;
}

/// As many as fit into a message; the token leads to the rest.
void fill(longrunning::ListOperationsResponse& response, const operation_page& page) {
  auto next = page.next;
  std::int64_t bytes = 0;
  std::uint64_t last = 0;
  for (const auto& x : page.operations) {
    auto operation = to_operation(x.state);
    bytes += static_cast<std::int64_t>(operation.ByteSizeLong()) + 16;
    if (last != 0 && bytes > max_outbound_bytes) {
      next = last;
      break;
    }
    *response.add_operations() = std::move(operation);
    last = x.number;
  }
  if (next != 0)
    response.set_next_page_token(std::to_string(next));
}

class operations_service final : public longrunning::Operations::CallbackService {
public:
  explicit operations_service(context_ptr context)
      : context_(std::move(context)), get_(meter("GetOperation")),
        cancel_(meter("CancelOperation")), list_(meter("ListOperations")),
        delete_(meter("DeleteOperation")), wait_(meter("WaitOperation")) {}

  grpc::ServerUnaryReactor* GetOperation(grpc::CallbackServerContext* call,
                                         const longrunning::GetOperationRequest* request,
                                         longrunning::Operation* response) override {
    return serve(*context_, *call, get_, [&](const unary_call& answer) {
      caf::anon_send(
          context_->dispatcher, get_operation{.trace = {}, .operation = request->name()},
          reply<operation_state>([response, answer](const absl::StatusOr<operation_state>& state) {
            if (state.ok())
              *response = to_operation(*state);
            answer.finish(state.status());
          }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* CancelOperation(grpc::CallbackServerContext* call,
                                            const longrunning::CancelOperationRequest* request,
                                            google::protobuf::Empty*) override {
    return serve(*context_, *call, cancel_, [&](const unary_call& answer) {
      caf::anon_send(
          context_->dispatcher, cancel{.trace = {}, .operation = request->name()},
          reply<unit>([answer](const absl::StatusOr<unit>& x) { answer.finish(x.status()); }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListOperations(grpc::CallbackServerContext* call,
                                           const longrunning::ListOperationsRequest* request,
                                           longrunning::ListOperationsResponse* response) override {
    return serve(*context_, *call, list_, [&](const unary_call& answer) {
      if (auto status = check_instance(*context_, instance_of(request->name())); !status.ok())
        return status;
      auto question = read_question(*request);
      if (!question.ok())
        return question.status();
      caf::anon_send(
          context_->dispatcher, *std::move(question),
          reply<operation_page>([response, answer](const absl::StatusOr<operation_page>& page) {
            if (page.ok())
              fill(*response, *page);
            answer.finish(page.status());
          }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* DeleteOperation(grpc::CallbackServerContext* call,
                                            const longrunning::DeleteOperationRequest* request,
                                            google::protobuf::Empty*) override {
    return serve(*context_, *call, delete_, [&](const unary_call& answer) {
      caf::anon_send(
          context_->dispatcher, delete_operation{.trace = {}, .operation = request->name()},
          reply<unit>([answer](const absl::StatusOr<unit>& x) { answer.finish(x.status()); }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* WaitOperation(grpc::CallbackServerContext* call,
                                          const longrunning::WaitOperationRequest* request,
                                          longrunning::Operation* response) override {
    return wait_for_operation(context_, wait_, *call, *request, *response);
  }

private:
  rpc_meter& meter(const char* method) const {
    return context_->meters->rpc(longrunning::Operations::service_full_name(), method);
  }

  context_ptr context_;
  rpc_meter& get_;
  rpc_meter& cancel_;
  rpc_meter& list_;
  rpc_meter& delete_;
  rpc_meter& wait_;
};

} // namespace

std::unique_ptr<grpc::Service> make_operations_service(context_ptr context) {
  return std::make_unique<operations_service>(std::move(context));
}

} // namespace expbuild
