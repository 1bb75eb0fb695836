#include "services/blob_upload.hpp"

#include "services/pool_work.hpp"
#include "services/rpc_call.hpp"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

#include <optional>

namespace expbuild {

namespace {

using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;
using name_reader = std::function<absl::StatusOr<digest>(const std::string&)>;

/// Owned by the call: lives until gRPC is done with it, which is after `end`. Exactly one thing is
/// under way at any time: reading a message, opening, writing or publishing.
class blob_upload final : public grpc::ServerReadReactor<WriteRequest> {
public:
  blob_upload(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
              WriteResponse& response, name_reader read_name)
      : context_(std::move(context)), timer_(meter), call_(call), response_(response),
        read_name_(std::move(read_name)), trace_(new_trace_id()) {
    StartRead(&message_);
  }

private:
  void OnReadDone(bool ok) override {
    const trace_scope scope(trace_);
    if (!ok)
      return stream_ended();
    if (auto status = check_message(); !status.ok())
      return end(status);
    if (writer_)
      return take_bytes();
    open();
  }

  // ---- one message -----------------------------------------------------------------------------

  absl::Status check_message() {
    auto status = id_ ? check_name() : read_name();
    if (!status.ok())
      return status;
    if (finished_)
      return absl::InvalidArgumentError(where() + ": a message follows finish_write");
    if (message_.write_offset() != received_)
      return absl::InvalidArgumentError(where() + ": write_offset is "
                                        + std::to_string(message_.write_offset()) + ", but "
                                        + std::to_string(received_) + " bytes have been received");
    received_ += static_cast<std::int64_t>(message_.data().size());
    finished_ = message_.finish_write();
    if (received_ > id_->size_bytes())
      return absl::InvalidArgumentError(where() + ": more than " + std::to_string(id_->size_bytes())
                                        + " bytes were sent");
    return absl::OkStatus();
  }

  absl::Status read_name() {
    auto id = read_name_(message_.resource_name());
    if (!id.ok())
      return id.status();
    id_ = *id;
    name_ = message_.resource_name();
    return absl::OkStatus();
  }

  absl::Status check_name() const {
    if (message_.resource_name().empty() || message_.resource_name() == name_)
      return absl::OkStatus();
    return absl::InvalidArgumentError(where() + ": a later message names another resource, '"
                                      + message_.resource_name().substr(0, 300) + "'");
  }

  std::string where() const { return "writing '" + name_ + "'"; }

  // ---- storing ----

  void open() {
    caf::anon_send(context_->cas, begin_writes{.trace = {}, .digests = {*id_}},
                   reply<begun_writes>([this](absl::StatusOr<begun_writes> x) {
                     opened(x.ok() ? std::move(x->front()) : x.status());
                   }));
  }

  void opened(absl::StatusOr<std::shared_ptr<blob_writer>> writer) {
    if (!writer.ok())
      return end(writer.status());
    writer_ = *std::move(writer);
    if (!writer_) // it is there already: the client need not send the rest
      return end_with_size(id_->size_bytes());
    take_bytes();
  }

  void take_bytes() {
    if (message_.data().empty())
      return StartRead(&message_);
    if (!post_work(*context_, io_pool::lane::short_work, [this] { append(); }))
      end(pool_is_full());
  }

  void append() {
    context_->meters->bytes_in(message_.data().size());
    if (auto status = writer_->append(message_.data()); !status.ok())
      return end(status);
    StartRead(&message_);
  }

  /// The client has said all it will, or is gone.
  void stream_ended() {
    if (call_.IsCancelled())
      return end(absl::CancelledError("the client is gone"));
    if (!id_)
      return end(absl::InvalidArgumentError("the stream ended before its first message"));
    if (!finished_)
      return end_with_size(received_); // not complete, so nothing is stored
    if (!post_work(*context_, io_pool::lane::short_work, [this] { commit(); }))
      end(pool_is_full());
  }

  void commit() {
    const auto status = writer_->commit();
    context_->meters->blob_written(status.ok());
    if (!status.ok())
      return end(status);
    caf::anon_send(context_->cas, blobs_stored{.trace = {}, .digests = {*id_}},
                   reply<unit>([this](const absl::StatusOr<unit>& x) {
                     if (x.ok())
                       end_with_size(id_->size_bytes());
                     else
                       end(x.status());
                   }));
  }

  // ---- the end ----

  void end_with_size(std::int64_t committed) {
    response_.set_committed_size(committed);
    end(absl::OkStatus());
  }

  void end(const absl::Status& status) {
    let_go(*context_, std::move(writer_));
    Finish(timer_.ended(status));
  }

  void OnDone() override { delete this; }

  context_ptr context_;
  rpc_timer timer_;
  const grpc::CallbackServerContext& call_;
  WriteResponse& response_;
  name_reader read_name_;
  const std::uint64_t trace_;
  WriteRequest message_;
  std::optional<digest> id_;
  std::string name_;
  std::int64_t received_ = 0;
  bool finished_ = false;
  std::shared_ptr<blob_writer> writer_;
};

} // namespace

grpc::ServerReadReactor<WriteRequest>* receive_blob(context_ptr context, rpc_meter& meter,
                                                    const grpc::CallbackServerContext& call,
                                                    WriteResponse& response,
                                                    name_reader read_name) {
  return new blob_upload(std::move(context), meter, call, response, std::move(read_name));
}

} // namespace expbuild
