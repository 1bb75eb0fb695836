#include "services/blob_download.hpp"

#include "services/blob_errors.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"
#include "services/raw_message.hpp"
#include "services/rpc_call.hpp"

#include <caf/send.hpp>

#include <memory>

namespace expbuild {

namespace {

/// Owned by the call: lives until gRPC is done with it, which is after `end`. Exactly one thing is
/// under way at any time: opening, reading or writing.
class blob_download final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
public:
  blob_download(context_ptr context, rpc_meter& meter, const grpc::ServerContextBase& call)
      : context_(std::move(context)), timer_(meter), place_(context_->calls->enter_stream(call)) {}

  void begin(const blob_range& what) {
    if (!place_.admission().ok())
      return end(place_.admission());
    range_ = what;
    open_one(*context_, what.blob.id, [this](opened_blob x) { opened(std::move(x)); });
  }

  void end(const absl::Status& status) { Finish(timer_.ended(status)); }

private:
  void opened(absl::StatusOr<std::shared_ptr<blob_reader>> reader) {
    context_->meters->blob_read(reader.ok());
    if (!reader.ok())
      return end(reader.status());
    pieces_ = make_blob_pieces(context_->pieces, *std::move(reader), range_);
    next_piece();
  }

  /// What is at hand is sent at once; what must be waited for or worked on comes from the pool.
  void next_piece() {
    if (pieces_->at_end())
      return end(absl::OkStatus());
    const auto piece = pieces_->try_next();
    if (!piece.ok())
      return failed(piece.status());
    if (*piece)
      return send(**piece);
    if (!post_work(*context_, io_pool::lane::short_work, [this] { make_piece(); }))
      end(pool_is_full());
  }

  void make_piece() {
    const auto piece = pieces_->next();
    if (!piece.ok())
      return failed(piece.status());
    send(*piece);
  }

  void send(const grpc::Slice& piece) {
    message_ = raw_read_response(piece);
    context_->meters->bytes_out(piece.size());
    StartWrite(&message_);
  }

  void failed(const absl::Status& status) { end(read_failure(*context_, range_.blob.id, status)); }

  void OnWriteDone(bool ok) override {
    if (!ok)
      return end(absl::CancelledError("the client is gone"));
    next_piece();
  }

  void OnDone() override { delete this; }

  context_ptr context_;
  rpc_timer timer_;
  const call_budget::place place_;
  blob_range range_;
  std::unique_ptr<blob_pieces> pieces_;
  grpc::ByteBuffer message_;
};

} // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* send_blob(context_ptr context, rpc_meter& meter,
                                                      const grpc::ServerContextBase& call,
                                                      const absl::StatusOr<blob_range>& what) {
  auto* download = new blob_download(std::move(context), meter, call);
  if (what.ok())
    download->begin(*what);
  else
    download->end(what.status());
  return download;
}

} // namespace expbuild
