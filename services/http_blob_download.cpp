#include "services/blob_errors.hpp"
#include "services/http_cache_handler.hpp"
#include "services/http_range.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

/// At once: a slow client must take it within one timeout.
constexpr std::int64_t max_piece = 256 << 10;

/// Opened through the cas actor, then read and sent in pieces, each when the one before it is sent.
class blob_download final : public http_cache_handler {
public:
  blob_download(http_exchange& exchange, http_cache_request request, std::optional<digest> known)
      : http_cache_handler(exchange, std::move(request)), known_(known) {}

private:
  void begin() override {
    if (known_)
      return found(known_);
    find_blob([this](const std::optional<digest>& x) { found(x); });
  }

  void found(const std::optional<digest>& id) {
    if (!id)
      return refuse(absl::NotFoundError("no blob " + request().key.hash() + " is stored here"));
    id_ = *id;
    if (exchange().method() == "HEAD")
      return answer_without_bytes();
    exchange().expect_answer_within(http_cache_patience);
    open_one(context(), id_, back<opened_blob>([this](opened_blob x) { opened(std::move(x)); }));
  }

  void opened(absl::StatusOr<std::shared_ptr<blob_reader>> reader) {
    context().meters->blob_read(reader.ok());
    if (!reader.ok())
      return refuse(reader.status());
    reader_ = *std::move(reader);
    choose_range();
    if (range_.begin == range_.end)
      return answer_without_bytes();
    next_piece();
  }

  /// There is no validator to compare If-Range with: then everything is sent.
  void choose_range() {
    range_ = {0, id_.size_bytes()};
    if (!exchange().header("If-Range").empty())
      return;
    if (const auto asked = http_range::parse(exchange().header("Range"), id_.size_bytes())) {
      range_ = *asked;
      partial_ = true;
    }
  }

  // ---- the bytes ----

  /// What is in memory is sent at once; what must be waited for is read in the pool.
  void next_piece() {
    const auto wanted = static_cast<std::size_t>(std::min(max_piece, range_.end - at()));
    piece_ = context().pieces->make(wanted);
    const auto n = reader_->try_read_at(at(), piece_->bytes());
    if (!n.ok())
      return failed(n.status());
    if (*n)
      return send(**n);
    using count = absl::StatusOr<std::size_t>;
    auto done = back<count>([this](const count& x) { x.ok() ? send(*x) : failed(x.status()); });
    if (!post_work(context(), io_pool::lane::short_work,
                   [reader = reader_, piece = piece_, from = at(), done] {
                     done(reader->read_at(from, piece->bytes()));
                   }))
      failed(pool_is_full());
  }

  void send(std::size_t n) {
    if (n == 0)
      return failed(absl::DataLossError("blob " + id_.to_string() + " ends too early"));
    if (sent_ == 0 && !begin_answer())
      return;
    sent_ += static_cast<std::int64_t>(n);
    context().meters->bytes_out(n);
    if (at() == range_.end)
      ended(absl::OkStatus());
    exchange().send(piece_->bytes().first(n), next([this] { next_piece(); }));
  }

  /// Before the first piece there is still a status to tell it by.
  void failed(const absl::Status& status) {
    const auto why = read_failure(context(), id_, status);
    if (sent_ == 0)
      return refuse(why);
    ended(why);
    exchange().abort();
  }

  void answer_without_bytes() {
    ended(absl::OkStatus());
    static_cast<void>(begin_answer());
  }

  bool begin_answer() {
    http_head head;
    head.length = reader_ ? range_.end - range_.begin : id_.size_bytes();
    const auto size = std::to_string(id_.size_bytes());
    if (partial_ && head.length == 0) {
      head.status = 416;
      head.content_range = "bytes */" + size;
    } else if (partial_) {
      head.status = 206;
      head.content_range = "bytes " + std::to_string(range_.begin) + "-"
                           + std::to_string(range_.end - 1) + "/" + size;
    }
    return exchange().begin(head);
  }

  std::int64_t at() const { return range_.begin + sent_; }

  const std::optional<digest> known_;
  digest id_;
  std::shared_ptr<blob_reader> reader_; ///< null for HEAD
  http_range range_;
  bool partial_ = false;
  std::int64_t sent_ = 0;
  std::shared_ptr<piece_memory::piece> piece_;
};

} // namespace

std::shared_ptr<http_handler> make_blob_download(http_exchange& exchange,
                                                 http_cache_request request,
                                                 std::optional<digest> known) {
  return std::make_shared<blob_download>(exchange, std::move(request), known);
}

} // namespace expbuild
