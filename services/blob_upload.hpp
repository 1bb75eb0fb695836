#pragma once
#include "services/service_context.hpp"
#include "services/wire_blob.hpp"

#include <absl/status/statusor.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <string>

namespace grpc {
class CallbackServerContext;
}

namespace expbuild {

/// Answers one ByteStream.Write, whose messages and answer are raw (write_message.hpp). A blob that
/// is there already, or that somebody else stores meanwhile, is answered at once; else each message
/// is written in the I/O pool before the next one is read, so that a client can not send faster
/// than the disk takes it. Answered only when the blob can be found. An interrupted stream leaves
/// what it received to the upload board, where the next one of the same name takes it up; only of
/// packed ones nothing is kept. `read_name` turns the resource name into the blob that it names, or
/// says what is wrong with it.
grpc::ServerReadReactor<grpc::ByteBuffer>*
receive_blob(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
             grpc::ByteBuffer& response,
             std::function<absl::StatusOr<wire_blob>(const std::string&)> read_name);

} // namespace expbuild
