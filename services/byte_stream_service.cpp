#include "services/blob_download.hpp"
#include "services/blob_upload.hpp"
#include "services/one_blob.hpp"
#include "services/raw_message.hpp"
#include "services/request_checks.hpp"
#include "services/resource_name.hpp"
#include "services/rpc_call.hpp"
#include "services/services.hpp"
#include "services/upload_board.hpp"

#include "google/bytestream/bytestream.grpc.pb.h"

#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

namespace bytestream = google::bytestream;

absl::StatusOr<wire_blob> blob_named(const service_context& context, const std::string& text,
                                     resource_name::kind expected) {
  const auto name = resource_name::parse(text);
  if (!name.ok())
    return name.status();
  if (name->what != expected)
    return absl::InvalidArgumentError(
        "resource_name '" + text.substr(0, 300) + "' is one to "
        + (name->what == resource_name::kind::read ? "read, not to write" : "write, not to read"));
  const auto wrong = [&text](const absl::Status& why) {
    return absl::Status(why.code(), "resource_name '" + text.substr(0, 300)
                                        + "': " + std::string(why.message()));
  };
  wire_blob blob;
  if (!name->compressor.empty()) {
    const auto how = read_codec(context, name->compressor);
    if (!how.ok())
      return wrong(how.status());
    blob.packed = *how;
  }
  const auto id = read_digest(context, name->instance, name->function, name->blob, "digest");
  if (!id.ok())
    return wrong(id.status());
  blob.id = *id;
  return blob;
}

absl::StatusOr<blob_range> range_of(const service_context& context,
                                    const bytestream::ReadRequest& request) {
  const auto blob = blob_named(context, request.resource_name(), resource_name::kind::read);
  if (!blob.ok())
    return blob.status();
  const auto offset = request.read_offset();
  const auto size = blob->id.size_bytes();
  if (offset < 0 || offset > size)
    return absl::OutOfRangeError("read_offset " + std::to_string(offset) + " is outside of blob "
                                 + blob->id.to_string());
  const auto limit = request.read_limit();
  if (limit < 0)
    return absl::InvalidArgumentError("read_limit " + std::to_string(limit) + " is negative");
  if (limit != 0 && blob->packed)
    return absl::InvalidArgumentError("read_limit " + std::to_string(limit)
                                      + " can not be kept by a compressed read: it must be 0");
  return blob_range{*blob, offset, limit == 0 ? size : offset + std::min(size - offset, limit)};
}

/// Reads and writes are raw: bytes go out and come in as they are.
using service_base = bytestream::ByteStream::WithRawCallbackMethod_Read<
    bytestream::ByteStream::WithRawCallbackMethod_Write<
        bytestream::ByteStream::WithCallbackMethod_QueryWriteStatus<
            bytestream::ByteStream::Service>>>;

class byte_stream_service final : public service_base {
public:
  explicit byte_stream_service(context_ptr context)
      : context_(std::move(context)),
        read_(context_->meters->rpc(bytestream::ByteStream::service_full_name(), "Read")),
        write_(context_->meters->rpc(bytestream::ByteStream::service_full_name(), "Write")),
        query_(context_->meters->rpc(bytestream::ByteStream::service_full_name(),
                                     "QueryWriteStatus")) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Read(grpc::CallbackServerContext* call,
                                                   const grpc::ByteBuffer* message) override {
    const trace_scope scope(new_trace_id());
    bytestream::ReadRequest request;
    if (!parse_raw(*message, request))
      return send_blob(context_, read_, *call,
                       absl::InvalidArgumentError("the message is no ReadRequest"));
    return send_blob(context_, read_, *call, range_of(*context_, request));
  }

  grpc::ServerReadReactor<grpc::ByteBuffer>* Write(grpc::CallbackServerContext* call,
                                                   grpc::ByteBuffer* response) override {
    return receive_blob(context_, write_, *call, *response,
                        [context = context_](const std::string& name) {
                          return blob_named(*context, name, resource_name::kind::write);
                        });
  }

  /// An unknown upload is one of which nothing was received, rather than NOT_FOUND: Bazel asks
  /// before it has sent anything, and gives up on an error.
  grpc::ServerUnaryReactor*
  QueryWriteStatus(grpc::CallbackServerContext* call,
                   const bytestream::QueryWriteStatusRequest* request,
                   bytestream::QueryWriteStatusResponse* response) override {
    return serve(*context_, *call, query_, [&](const unary_call& answer) {
      const auto blob = blob_named(*context_, request->resource_name(), resource_name::kind::write);
      if (blob.ok())
        look_up(blob->id, request->resource_name(), response, answer);
      return blob.status();
    });
  }

private:
  void look_up(const digest& id, const std::string& name,
               bytestream::QueryWriteStatusResponse* response, const unary_call& answer) const {
    find_one(*context_, id,
             [id, name, response, answer,
              uploads = context_->uploads](const absl::StatusOr<bool>& found) {
               const bool there = found.value_or(false);
               response->set_complete(there);
               response->set_committed_size(there ? id.size_bytes() : uploads->committed(name));
               answer.finish(found.status());
             });
  }

  context_ptr context_;
  rpc_meter& read_;
  rpc_meter& write_;
  rpc_meter& query_;
};

} // namespace

std::unique_ptr<grpc::Service> make_byte_stream_service(context_ptr context) {
  return std::make_unique<byte_stream_service>(std::move(context));
}

} // namespace expbuild
