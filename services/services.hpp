#pragma once
#include "services/service_context.hpp"

#include <memory>

namespace grpc {
class Service;
}

/// The gRPC services, one .cpp each. All of them use gRPC's callback interface, block no thread,
/// and answer through one message to one actor where they can.

namespace expbuild {

/// What this server can do.
std::unique_ptr<grpc::Service> make_capabilities_service(context_ptr context);

/// FindMissingBlobs, BatchUpdateBlobs, BatchReadBlobs, GetTree.
std::unique_ptr<grpc::Service> make_cas_service(context_ptr context);

/// Read, Write, QueryWriteStatus.
std::unique_ptr<grpc::Service> make_byte_stream_service(context_ptr context);

/// GetActionResult, UpdateActionResult.
std::unique_ptr<grpc::Service> make_action_cache_service(context_ptr context);

/// Execute, WaitExecution.
std::unique_ptr<grpc::Service> make_execution_service(context_ptr context);

/// google.longrunning.Operations: Get, List, Wait, Cancel, Delete.
std::unique_ptr<grpc::Service> make_operations_service(context_ptr context);

/// What operators ask: GetStatus, GetTrace.
std::unique_ptr<grpc::Service> make_admin_service(context_ptr context);

} // namespace expbuild
