#include "services/http_cache_handler.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"
#include "services/upload_board.hpp"

#include <absl/strings/match.h>
#include <caf/send.hpp>

namespace expbuild {

namespace {

/// Publishing a large blob may wait long for the disk.
constexpr std::chrono::minutes commit_patience{10};

using writer_ptr = std::shared_ptr<blob_writer>;

/// The same writer: whoever lets go of it last does so in the pool.
writer_ptr ending_in_pool(const context_ptr& context, writer_ptr x) {
  auto* writer = x.get();
  return {writer,
          [context, x = std::move(x)](blob_writer*) mutable { let_go(*context, std::move(x)); }};
}

/// Receives a piece, writes it in the pool, receives the next: a client can not send faster than
/// the disk takes it. What is there already is received all the same, since clients that get an
/// early answer to a PUT, and then a closed connection, take that for a failure.
class blob_upload final : public http_cache_handler {
public:
  using http_cache_handler::http_cache_handler;

private:
  void begin() override {
    const auto length = exchange().length();
    if (!length)
      return refuse(411, absl::InvalidArgumentError(
                             "say how large the blob is, by Content-Length: chunked uploads are "
                             "not taken"));
    if (const auto encoding = exchange().header("Content-Encoding");
        !encoding.empty() && !absl::EqualsIgnoreCase(std::string(encoding), "identity"))
      return refuse(415, absl::InvalidArgumentError("blobs are taken as they are, without any "
                                                    "Content-Encoding"));
    if (*length > digest::max_size_bytes)
      return refuse(413, absl::InvalidArgumentError("no blob has more than "
                                                    + std::to_string(digest::max_size_bytes)
                                                    + " bytes here"));
    const auto& key = request().key;
    id_ = digest(key.function(), key.raw_hash(), *length);
    exchange().expect_answer_within(http_cache_patience);
    auto then = back<begun_write>([this](begun_write x) { opened(std::move(x)); });
    begin_one(context(), id_, [then, context = request().context](begun_write writer) {
      if (writer.ok() && *writer)
        writer = ending_in_pool(context, *writer);
      then(std::move(writer));
    });
  }

  void opened(absl::StatusOr<writer_ptr> writer) {
    if (!writer.ok())
      return refuse(writer.status());
    writer_ = *std::move(writer);
    if (missing() == 0)
      return all_received();
    next_piece();
  }

  // ---- the bytes ----

  void next_piece() {
    piece_ = context().pieces->make(static_cast<std::size_t>(missing()));
    filled_ = 0;
    fill();
  }

  void fill() {
    exchange().receive(piece_->bytes().subspan(filled_), next([this](std::size_t n) {
                         filled_ += n;
                         received_ += static_cast<std::int64_t>(n);
                         if (filled_ < piece_->bytes().size())
                           return fill();
                         piece_received();
                       }));
  }

  void piece_received() {
    context().meters->bytes_in(filled_);
    if (!writer_)
      return stored(absl::OkStatus());
    exchange().expect_answer_within(commit_patience);
    auto done = back<absl::Status>([this](const absl::Status& x) { stored(x); });
    if (!post_work(context(), io_pool::lane::write_work,
                   [writer = writer_, piece = piece_, n = filled_, done] {
                     done(writer->append({piece->bytes().data(), n}));
                   }))
      refuse(503, pool_is_full());
  }

  void stored(const absl::Status& status) {
    if (!status.ok())
      return refuse(status);
    if (missing() > 0)
      return next_piece();
    piece_.reset();
    all_received();
  }

  // ---- the end ----

  void all_received() {
    if (!writer_)
      return published(absl::OkStatus());
    exchange().expect_answer_within(commit_patience);
    auto done = back<absl::Status>([this](const absl::Status& x) { published(x); });
    if (!post_work(context(), io_pool::lane::write_work,
                   [context = request().context, writer = writer_, id = id_, done] {
                     commit_one(context, *writer, id, done);
                   }))
      refuse(503, pool_is_full());
  }

  void published(const absl::Status& status) {
    if (!status.ok())
      return refuse(status);
    succeed({});
  }

  std::int64_t missing() const { return id_.size_bytes() - received_; }

  digest id_;
  writer_ptr writer_; ///< null: it is there already
  std::int64_t received_ = 0;
  std::shared_ptr<piece_memory::piece> piece_;
  std::size_t filled_ = 0; ///< of the piece
};

} // namespace

std::shared_ptr<http_handler> make_blob_upload(http_exchange& exchange,
                                               http_cache_request request) {
  return std::make_shared<blob_upload>(exchange, std::move(request));
}

} // namespace expbuild
