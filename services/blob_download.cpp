#include "services/blob_download.hpp"

#include "services/blob_errors.hpp"
#include "services/pool_work.hpp"
#include "services/raw_message.hpp"
#include "services/rpc_call.hpp"

#include <caf/send.hpp>

#include <memory>
#include <optional>
#include <span>

namespace expbuild {

namespace {

constexpr std::int64_t piece_bytes = 1 << 20;

/// Memory that a blob's bytes are read into and sent from: it goes with the last slice of it.
class piece {
public:
  explicit piece(std::size_t size) : bytes_(new char[size]), size_(size) {}
  std::span<char> bytes() const { return {bytes_.get(), size_}; }

  /// Its first `n` bytes; the piece is empty afterwards.
  grpc::Slice take(std::size_t n) {
    auto* memory = bytes_.release();
    return {memory, n, [](void* x) { delete[] static_cast<char*>(x); }, memory};
  }

private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

/// Owned by the call: lives until gRPC is done with it, which is after `end`. Exactly one thing is
/// under way at any time: opening, reading or writing.
class blob_download final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
public:
  blob_download(context_ptr context, rpc_meter& meter)
      : context_(std::move(context)), timer_(meter) {}

  void begin(const blob_range& what) {
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
    const auto size = std::min(piece_bytes, range_.end - range_.begin);
    if (size == 0)
      return end(absl::OkStatus());
    piece_.emplace(static_cast<std::size_t>(size));
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
    message_ = raw_read_response(piece_->take(n));
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
  blob_range range_; // what is still to be sent
  std::shared_ptr<blob_reader> reader_;
  std::optional<piece> piece_;
  grpc::ByteBuffer message_;
};

} // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* send_blob(context_ptr context, rpc_meter& meter,
                                                      const absl::StatusOr<blob_range>& what) {
  auto* download = new blob_download(std::move(context), meter);
  if (what.ok())
    download->begin(*what);
  else
    download->end(what.status());
  return download;
}

} // namespace expbuild
