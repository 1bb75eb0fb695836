#pragma once
#include "services/rpc_call.hpp"
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <grpcpp/support/server_callback.h>

namespace expbuild {

/// Answers one Admin.GetLog. While it follows, a line of the log wakes it on a thread of gRPC's:
/// whoever writes the line waits for nobody.
grpc::ServerWriteReactor<admin::v1::LogLine>* stream_log(const context_ptr& context,
                                                         rpc_meter& meter,
                                                         const grpc::ServerContextBase& call,
                                                         const admin::v1::GetLogRequest& request);

} // namespace expbuild
