#pragma once
#include "services/service_context.hpp"

#include <absl/status/statusor.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

namespace expbuild {

/// What of a blob is asked for, in bytes.
struct blob_range {
  digest id;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Answers one ByteStream.Read with raw ReadResponses: opened through the cas actor, then read and
/// sent in pieces of 1 MiB, each when the one before it is written. An error in `what` ends the
/// stream at once.
grpc::ServerWriteReactor<grpc::ByteBuffer>* send_blob(context_ptr context, rpc_meter& meter,
                                                      const grpc::ServerContextBase& call,
                                                      const absl::StatusOr<blob_range>& what);

} // namespace expbuild
