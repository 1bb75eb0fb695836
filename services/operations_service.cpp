#include "services/operation_message.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"

#include "google/longrunning/operations.grpc.pb.h"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

namespace longrunning = google::longrunning;

absl::Status not_offered(const std::string& method, const std::string& instead) {
  return absl::UnimplementedError(method + " is not offered by this server; " + instead);
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
    return serve(*call, get_, [&](const unary_call& answer) {
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
    return serve(*call, cancel_, [&](const unary_call& answer) {
      caf::anon_send(
          context_->dispatcher, cancel{.trace = {}, .operation = request->name()},
          reply<unit>([answer](const absl::StatusOr<unit>& x) { answer.finish(x.status()); }));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListOperations(grpc::CallbackServerContext* call,
                                           const longrunning::ListOperationsRequest*,
                                           longrunning::ListOperationsResponse*) override {
    return refuse(*call, list_,
                  not_offered("ListOperations", "ask for the status of the server instead"));
  }

  grpc::ServerUnaryReactor* DeleteOperation(grpc::CallbackServerContext* call,
                                            const longrunning::DeleteOperationRequest*,
                                            google::protobuf::Empty*) override {
    return refuse(*call, delete_,
                  not_offered("DeleteOperation", "finished operations go away by themselves"));
  }

  grpc::ServerUnaryReactor* WaitOperation(grpc::CallbackServerContext* call,
                                          const longrunning::WaitOperationRequest*,
                                          longrunning::Operation*) override {
    return refuse(*call, wait_, not_offered("WaitOperation", "use WaitExecution"));
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
