#pragma once
#include "services/rpc_call.hpp"
#include "services/service_context.hpp"

#include "expbuild/admin/v1/admin.pb.h"

#include <grpcpp/support/server_callback.h>

namespace expbuild {

/// Answers one Admin.Watch: what happens from now on, until the client goes.
grpc::ServerWriteReactor<admin::v1::WatchEvent>* watch_all(const context_ptr& context,
                                                           rpc_meter& meter,
                                                           const grpc::ServerContextBase& call,
                                                           const admin::v1::WatchRequest& request);

/// Workers change without a message of theirs: they are looked at as often as this.
inline constexpr std::chrono::milliseconds worker_interval{1000};

/// How often a watcher gets statuses; zero: never.
std::chrono::milliseconds status_interval(const admin::v1::WatchRequest& request);

} // namespace expbuild
