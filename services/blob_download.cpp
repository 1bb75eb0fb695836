#include "services/blob_download.hpp"

#include "services/blob_errors.hpp"
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
    caf::anon_send(context_->cas, open_blobs{.trace = {}, .digests = {what.id}},
                   reply<opened_blobs>([this](absl::StatusOr<opened_blobs> x) {
                     opened(x.ok() ? std::move(x->front()) : x.status());
                   }));
  }

  void end(const absl::Status& status) { Finish(timer_.ended(status)); }

private:
  void opened(absl::StatusOr<std::shared_ptr<blob_reader>> reader) {
    context_->meters->blob_read(reader.ok());
    if (!reader.ok())
      return end(reader.status());
    reader_ = *std::move(reader);
    next_piece();
  }

  /// What is in memory is sent at once; what must be waited for is read in the pool.
  void next_piece() {
    if (range_.begin == range_.end)
      return end(absl::OkStatus());
    piece_ = context_->pieces->make(static_cast<std::size_t>(range_.end - range_.begin));
    const auto n = reader_->try_read_at(range_.begin, piece_->bytes());
    if (!n.ok())
      return failed(n.status());
    if (*n)
      return send(**n);
    if (!post_work(*context_, io_pool::lane::short_work, [this] { read_waiting(); }))
      end(pool_is_full());
  }

  void read_waiting() {
    const auto n = reader_->read_at(range_.begin, piece_->bytes());
    if (!n.ok())
      return failed(n.status());
    send(*n);
  }

  void send(std::size_t n) {
    if (n == 0)
      return failed(absl::DataLossError("blob " + range_.id.to_string() + " ends too early"));
    message_ = raw_read_response(piece_memory::piece::send(std::move(piece_), n));
    range_.begin += static_cast<std::int64_t>(n);
    context_->meters->bytes_out(n);
    StartWrite(&message_);
  }

  void failed(const absl::Status& status) { end(read_failure(*context_, range_.id, status)); }

  void OnWriteDone(bool ok) override {
    if (!ok)
      return end(absl::CancelledError("the client is gone"));
    next_piece();
  }

  void OnDone() override { delete this; }

  context_ptr context_;
  rpc_timer timer_;
  const call_budget::place place_;
  blob_range range_; // what is still to be sent
  std::shared_ptr<blob_reader> reader_;
  std::unique_ptr<piece_memory::piece> piece_;
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
