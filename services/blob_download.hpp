#pragma once
#include "services/blob_pieces.hpp"
#include "services/service_context.hpp"

#include <absl/status/statusor.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

namespace expbuild {

/// Answers one ByteStream.Read with raw ReadResponses: opened through the cas actor, then sent
/// piece by piece, each when the one before it is written. An error in `what` ends the stream at
/// once.
grpc::ServerWriteReactor<grpc::ByteBuffer>* send_blob(context_ptr context, rpc_meter& meter,
                                                      const grpc::ServerContextBase& call,
                                                      const absl::StatusOr<blob_range>& what);

} // namespace expbuild
