#include "services/batch_read.hpp"

#include "services/blob_errors.hpp"
#include "services/pool_work.hpp"
#include "services/status.hpp"

#include <caf/send.hpp>

#include <optional>

namespace expbuild {

namespace {

/// Blobs that are open at once: bounds the open files of one request.
constexpr std::size_t slice_size = 64;

/// What a blob adds to the answer beside its digest and its bytes: tags, lengths, a code.
constexpr std::int64_t framing_bytes = 16;

/// Smaller ones are not worth a client's trouble.
constexpr std::size_t smallest_to_pack = 512;

/// Goes through the blobs slice by slice: open, read in the pool, next slice. Kept alive by the
/// callback it waits for.
class batch_read : public std::enable_shared_from_this<batch_read> {
public:
  batch_read(context_ptr context, const reapi::BatchReadBlobsRequest& request,
             reapi::BatchReadBlobsResponse& response, unary_call answer)
      : context_(std::move(context)), request_(request), response_(response),
        answer_(std::move(answer)),
        room_(std::max(max_outbound_bytes, context_->max_batch_total_size_bytes)),
        held_(std::make_shared<memory_budget::share>(context_->answers)) {
    answer_.keep(held_);
    for (const auto each : context_->codecs)
      for (const auto accepted : request_.acceptable_compressors())
        if (!codec_ && accepted == static_cast<int>(each))
          codec_ = each;
  }

  void check_all(const digest_reader& digests) {
    for (const auto& x : request_.digests()) {
      *response_.add_responses()->mutable_digest() = x;
      room_ -= static_cast<std::int64_t>(x.ByteSizeLong()) + framing_bytes;
    }
    for (int i = 0; i < request_.digests_size(); ++i) {
      auto id = digests.read(request_.digests(i), "digests[" + std::to_string(i) + "]");
      if (id.ok())
        todo_.push_back({i, *id});
      else
        ended(i, id.status());
    }
  }

  void next_slice() {
    if (begin_ == todo_.size())
      return answer_.finish(absl::OkStatus());
    end_ = std::min(begin_ + slice_size, todo_.size());
    open_blobs ask;
    for (auto i = begin_; i < end_; ++i)
      ask.digests.push_back(todo_[i].id);
    caf::anon_send(context_->cas, std::move(ask),
                   reply<opened_blobs>([me = shared_from_this()](absl::StatusOr<opened_blobs> x) {
                     me->read_slice(std::move(x));
                   }));
  }

private:
  struct item {
    int index;
    digest id;
  };

  reapi::BatchReadBlobsResponse::Response& slot(int index) {
    return *response_.mutable_responses(index);
  }

  void ended(int index, const absl::Status& status) {
    context_->meters->blob_read(status.ok());
    if (!status.ok())
      slot(index).clear_data();
    auto& wire = *slot(index).mutable_status();
    wire = to_rpc_status(status);
    if (take_room(wire.message().size()))
      return;
    wire.clear_message(); // the code must do
    wire.clear_details();
  }

  bool take_room(std::size_t bytes) {
    const auto wanted = static_cast<std::int64_t>(bytes);
    if (wanted > room_)
      return false;
    room_ -= wanted;
    return true;
  }

  void fail_slice(const absl::Status& status) {
    for (; begin_ < end_; ++begin_)
      ended(todo_[begin_].index, status);
    next_slice();
  }

  void read_slice(absl::StatusOr<opened_blobs> readers) {
    if (!readers.ok())
      return fail_slice(readers.status());
    auto work = [me = shared_from_this(), opened = *std::move(readers)] {
      for (const auto& reader : opened) {
        const auto& x = me->todo_[me->begin_++];
        me->ended(x.index, reader.ok() ? me->read(x, **reader) : reader.status());
      }
      me->next_slice();
    };
    if (!post_work(*context_, io_pool::lane::short_work, std::move(work)))
      fail_slice(pool_is_full());
  }

  absl::Status read(const item& x, blob_reader& reader) {
    const auto size = static_cast<std::size_t>(x.id.size_bytes());
    if (!take_room(size))
      return absl::ResourceExhaustedError("the answer is full; ask for the blob in another batch");
    if (auto status = held_->grow(size); !status.ok()) {
      room_ += x.id.size_bytes();
      return status;
    }
    auto& data = *slot(x.index).mutable_data();
    data.resize(size);
    const auto n = reader.read_at(0, data);
    if (!n.ok()) {
      held_->shrink(size);
      return read_failure(*context_, x.id, n.status());
    }
    pack(slot(x.index));
    context_->meters->bytes_out(data.size());
    return absl::OkStatus();
  }

  /// When the client takes it and an eighth is saved.
  void pack(reapi::BatchReadBlobsResponse::Response& x) {
    const auto size = x.data().size();
    if (!codec_ || size < smallest_to_pack)
      return;
    auto packed = compress(*codec_, x.data());
    if (!packed.ok() || packed->size() > size - size / 8)
      return;
    room_ += static_cast<std::int64_t>(size - packed->size());
    held_->shrink(size - packed->size());
    x.set_data(*std::move(packed));
    x.set_compressor(static_cast<reapi::Compressor::Value>(*codec_));
  }

  context_ptr context_;
  const reapi::BatchReadBlobsRequest& request_;
  reapi::BatchReadBlobsResponse& response_;
  unary_call answer_;
  std::optional<codec> codec_;                       // that the client accepts
  std::int64_t room_;                                // left in the answer for bytes and error texts
  const std::shared_ptr<memory_budget::share> held_; // for the bytes of blobs
  std::vector<item> todo_;
  std::size_t begin_ = 0; // the slice being read
  std::size_t end_ = 0;
};

} // namespace

void read_blobs(context_ptr context, const digest_reader& digests,
                const reapi::BatchReadBlobsRequest& request,
                reapi::BatchReadBlobsResponse& response, unary_call answer) {
  auto batch =
      std::make_shared<batch_read>(std::move(context), request, response, std::move(answer));
  batch->check_all(digests);
  batch->next_slice();
}

} // namespace expbuild
