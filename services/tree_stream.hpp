#pragma once
#include "services/service_context.hpp"

#include <absl/status/statusor.h>
#include <grpcpp/support/server_callback.h>

namespace expbuild {

/// Answers one GetTree: all pages in one stream, each made in the I/O pool when the one before it
/// has been written. An error in `root` ends the stream at once.
grpc::ServerWriteReactor<reapi::GetTreeResponse>* stream_tree(context_ptr context, rpc_meter& meter,
                                                              const grpc::ServerContextBase& call,
                                                              const absl::StatusOr<digest>& root,
                                                              const reapi::GetTreeRequest& request);

} // namespace expbuild
