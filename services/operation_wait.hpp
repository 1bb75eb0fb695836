#pragma once
#include "services/service_context.hpp"

#include "google/longrunning/operations.pb.h"

#include <grpcpp/support/server_callback.h>

namespace grpc {
class CallbackServerContext;
}

namespace expbuild {

/// Answers one WaitOperation: the state once the operation is done, or the latest one when the
/// request's timeout or the call's own deadline is nearly over. Holds no thread; an alarm is set
/// only where there is such a time. Who waits counts as a listener of the operation.
grpc::ServerUnaryReactor*
wait_for_operation(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
                   const google::longrunning::WaitOperationRequest& request,
                   google::longrunning::Operation& response);

} // namespace expbuild
