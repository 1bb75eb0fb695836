#pragma once
#include <absl/status/status.h>
#include <grpcpp/support/status.h>

#include "google/rpc/status.pb.h"

namespace expbuild {

/// The status as a message: code, text, and every payload as a detail.
google::rpc::Status to_rpc_status(const absl::Status& x);

/// The status as gRPC ends a call with it: same number, same text, payloads as details. It travels
/// in HTTP/2 metadata, of which clients take some 8 KB: details that do not fit are left out, a
/// very long text is cut.
grpc::Status to_grpc(const absl::Status& x);

} // namespace expbuild
