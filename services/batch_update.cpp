#include "services/batch_update.hpp"

#include "services/pool_work.hpp"
#include "services/status.hpp"
#include "services/upload_board.hpp"

#include <caf/send.hpp>

#include <deque>

namespace expbuild {

namespace {

/// Asks which blobs are wanted, writes those in the pool, all together, and lets them be promised.
/// Kept alive by the callback it waits for.
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

  void begin() {
    if (todo_.empty())
      return answer_.finish(absl::OkStatus());
    admit_writes ask;
    for (const auto& x : todo_)
      ask.digests.push_back(x.id);
    caf::anon_send(
        context_->cas, std::move(ask),
        reply<admitted_writes>([me = shared_from_this()](auto x) { me->admitted(std::move(x)); }));
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

  void fail_all(const absl::Status& status) {
    for (const auto& x : todo_)
      ended(x.index, status);
    answer_.finish(absl::OkStatus());
  }

  void admitted(absl::StatusOr<admitted_writes> what) {
    if (!what.ok())
      return fail_all(what.status());
    auto work = [me = shared_from_this(), admitted = *std::move(what)] {
      me->write(admitted.wanted);
      me->publish();
    };
    if (!post_work(*context_, io_pool::lane::write_work, std::move(work)))
      fail_all(pool_is_full());
  }

  void write(const std::vector<bool>& wanted) {
    std::vector<named_bytes> blobs;
    std::vector<item> items;
    std::deque<std::string> unpacked; // what `blobs` refers to
    for (std::size_t i = 0; i < todo_.size(); ++i) {
      if (!wanted[i]) { // it is there already
        ended(todo_[i].index, absl::OkStatus());
        continue;
      }
      const auto& sent = request_.requests(todo_[i].index);
      context_->meters->bytes_in(sent.data().size());
      auto bytes = plain_bytes(sent, todo_[i].id.size_bytes(), unpacked);
      if (!bytes.ok()) {
        ended(todo_[i].index, bytes.status());
        continue;
      }
      items.push_back(todo_[i]);
      blobs.push_back({todo_[i].id, *bytes});
    }
    const auto answers = context_->store->write_all(blobs);
    for (std::size_t i = 0; i < items.size(); ++i) {
      ended(items[i].index, answers[i]);
      if (answers[i].ok())
        stored_.digests.push_back(items[i].id);
    }
  }

  /// Packed or not. All plain sizes together are below the limit of a batch.
  static absl::StatusOr<std::string_view> plain_bytes(const blob& x, std::int64_t size,
                                                      std::deque<std::string>& unpacked) {
    if (x.compressor() == reapi::Compressor::IDENTITY)
      return std::string_view(x.data());
    auto plain = decompress(static_cast<codec>(x.compressor()), x.data(), size);
    if (!plain.ok())
      return plain.status();
    return std::string_view(unpacked.emplace_back(*std::move(plain)));
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
  blobs_stored stored_;
};

} // namespace

void update_blobs(context_ptr context, const digest_reader& digests,
                  const reapi::BatchUpdateBlobsRequest& request,
                  reapi::BatchUpdateBlobsResponse& response, unary_call answer) {
  auto batch =
      std::make_shared<batch_update>(std::move(context), request, response, std::move(answer));
  batch->check_all(digests);
  batch->begin();
}

} // namespace expbuild
