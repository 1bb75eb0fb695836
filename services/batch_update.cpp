#include "services/batch_update.hpp"

#include "services/pool_work.hpp"
#include "services/status.hpp"
#include "services/upload_board.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

/// Blobs that are written at once: bounds the open files of one request.
constexpr std::size_t slice_size = 64;

/// Goes through the blobs slice by slice: ask for writers, write in the pool, next slice; at the
/// end all that was stored is made findable by one message. Kept alive by the callback it waits
/// for.
class batch_update : public std::enable_shared_from_this<batch_update> {
public:
  batch_update(context_ptr context, const reapi::BatchUpdateBlobsRequest& request,
               reapi::BatchUpdateBlobsResponse& response, unary_call answer)
      : context_(std::move(context)), request_(request), response_(response),
        answer_(std::move(answer)) {}

  /// Sorts out what can not be stored, whatever the store says.
  void check_all(const digest_reader& digests) {
    for (int i = 0; i < request_.requests_size(); ++i) {
      *response_.add_responses()->mutable_digest() = request_.requests(i).digest();
      auto id = check(*context_, digests, i, request_.requests(i));
      if (id.ok())
        todo_.push_back({i, *id});
      else
        ended(i, id.status());
    }
  }

  void next_slice() {
    if (begin_ == todo_.size())
      return publish();
    end_ = std::min(begin_ + slice_size, todo_.size());
    begin_writes ask;
    for (auto i = begin_; i < end_; ++i)
      ask.digests.push_back(todo_[i].id);
    caf::anon_send(context_->cas, std::move(ask),
                   reply<begun_writes>([me = shared_from_this()](absl::StatusOr<begun_writes> x) {
                     me->write_slice(std::move(x));
                   }));
  }

private:
  struct item {
    int index;
    digest id;
  };
  using blob = reapi::BatchUpdateBlobsRequest::Request;

  static absl::StatusOr<digest> check(const service_context& context, const digest_reader& digests,
                                      int index, const blob& x) {
    const auto field = "requests[" + std::to_string(index) + "]";
    const bool is_plain = x.compressor() == reapi::Compressor::IDENTITY;
    if (const auto how = read_codec(context, x.compressor()); !is_plain && !how.ok())
      return absl::InvalidArgumentError(field
                                        + ".compressor: " + std::string(how.status().message()));
    auto id = digests.read(x.digest(), field + ".digest");
    if (id.ok() && is_plain && id->size_bytes() != static_cast<std::int64_t>(x.data().size()))
      return absl::InvalidArgumentError(field + ".data: " + std::to_string(x.data().size())
                                        + " bytes came for the blob " + id->to_string());
    return id;
  }

  void ended(int index, const absl::Status& status) {
    context_->meters->blob_written(status.ok());
    *response_.mutable_responses(index)->mutable_status() = to_rpc_status(status);
  }

  void fail_slice(const absl::Status& status) {
    for (; begin_ < end_; ++begin_)
      ended(todo_[begin_].index, status);
    next_slice();
  }

  void write_slice(absl::StatusOr<begun_writes> writers) {
    if (!writers.ok())
      return fail_slice(writers.status());
    auto work = [me = shared_from_this(), begun = *std::move(writers)]() mutable {
      for (auto& writer : begun)
        me->write(me->todo_[me->begin_++], std::move(writer));
      me->next_slice();
    };
    if (!post_work(*context_, io_pool::lane::short_work, std::move(work)))
      fail_slice(pool_is_full());
  }

  void write(const item& x, absl::StatusOr<std::shared_ptr<blob_writer>> writer) {
    if (!writer.ok() || !*writer) // failed, or there already
      return ended(x.index, writer.status());
    const auto& sent = request_.requests(x.index);
    auto status = append(**writer, sent, x.id.size_bytes());
    if (status.ok())
      status = (*writer)->commit();
    if (status.ok())
      stored_.digests.push_back(x.id);
    context_->meters->bytes_in(sent.data().size());
    ended(x.index, status);
  }

  /// Packed or not. All plain sizes together are below the limit of a batch.
  static absl::Status append(blob_writer& to, const blob& x, std::int64_t size) {
    if (x.compressor() == reapi::Compressor::IDENTITY)
      return to.append(x.data());
    const auto plain = decompress(static_cast<codec>(x.compressor()), x.data(), size);
    return plain.ok() ? to.append(*plain) : plain.status();
  }

  void publish() {
    if (stored_.digests.empty())
      return answer_.finish(absl::OkStatus());
    auto told = [answer = answer_, uploads = context_->uploads,
                 ids = stored_.digests](const absl::StatusOr<unit>& x) {
      if (x.ok())
        for (const auto& id : ids)
          uploads->stored(id);
      answer.finish(x.status());
    };
    caf::anon_send(context_->cas, std::move(stored_), reply<unit>(std::move(told)));
  }

  context_ptr context_;
  const reapi::BatchUpdateBlobsRequest& request_;
  reapi::BatchUpdateBlobsResponse& response_;
  unary_call answer_;
  std::vector<item> todo_;
  std::size_t begin_ = 0; // the slice being written
  std::size_t end_ = 0;
  blobs_stored stored_;
};

} // namespace

void update_blobs(context_ptr context, const digest_reader& digests,
                  const reapi::BatchUpdateBlobsRequest& request,
                  reapi::BatchUpdateBlobsResponse& response, unary_call answer) {
  auto batch =
      std::make_shared<batch_update>(std::move(context), request, response, std::move(answer));
  batch->check_all(digests);
  batch->next_slice();
}

} // namespace expbuild
