#include "services/blob_splice.hpp"

#include "services/blob_errors.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"
#include "services/read_pieces.hpp"
#include "services/upload_board.hpp"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

/// Chunks that are open at once.
constexpr std::size_t batch_size = 32;
constexpr std::size_t piece_bytes = 1 << 20;
/// After so much others have a turn in the pool.
constexpr std::int64_t bytes_at_a_time = 16 << 20;

absl::Status check_sizes(const digest& id, const std::vector<digest>& chunks) {
  auto left = id.size_bytes();
  for (const auto& chunk : chunks) {
    if (chunk.size_bytes() > left)
      return absl::InvalidArgumentError("chunk_digests: together they are larger than the "
                                        + std::to_string(id.size_bytes()) + " bytes of blob "
                                        + id.to_string());
    left -= chunk.size_bytes();
  }
  if (left == 0)
    return absl::OkStatus();
  return absl::InvalidArgumentError("chunk_digests: " + std::to_string(left) + " of the "
                                    + std::to_string(id.size_bytes()) + " bytes of blob "
                                    + id.to_string() + " are in none of them");
}

/// Copies the chunks one after the other into one writer, which verifies them. Kept alive by the
/// callback it waits for.
class blob_splice : public std::enable_shared_from_this<blob_splice> {
public:
  blob_splice(context_ptr context, const grpc::CallbackServerContext& call, const digest& id,
              std::vector<digest> chunks, reapi::SpliceBlobResponse& response, unary_call answer)
      : context_(std::move(context)), call_(call), id_(id), chunks_(std::move(chunks)),
        response_(response), answer_(std::move(answer)) {}

  void begin() {
    if (const auto status = check_sizes(id_, chunks_); !status.ok())
      return end(status);
    find_missing ask{.trace = {}, .digests = chunks_};
    ask.digests.push_back(id_);
    caf::anon_send(
        context_->cas, std::move(ask),
        reply<missing_blobs>([me = shared_from_this()](const absl::StatusOr<missing_blobs>& x) {
          if (x.ok())
            me->looked_up(x->digests);
          else
            me->end(x.status());
        }));
  }

private:
  void looked_up(const std::vector<digest>& missing) {
    if (std::find(missing.begin(), missing.end(), id_) == missing.end())
      return succeed(); // it is there already
    const auto absent = missing.size() - 1;
    if (absent > 0)
      return end(absl::NotFoundError(
          "chunk_digests: " + std::to_string(absent) + " chunk(s) not stored here, first "
          + missing.front().to_string() + ": upload them, then splice again"));
    const auto status =
        context_->chunks->take_turn([me = shared_from_this()](work_turns::turn turn) {
          me->turn_ = std::move(turn);
          me->open_writer();
        });
    if (!status.ok())
      end(status);
  }

  void open_writer() {
    begin_one(*context_, id_,
              [me = shared_from_this()](begun_write x) { me->opened(std::move(x)); });
  }

  void opened(begun_write writer) {
    if (!writer.ok())
      return end(writer.status());
    writer_ = *std::move(writer);
    if (!writer_)
      return succeed(); // somebody else has stored it meanwhile
    open_chunks();
  }

  void open_chunks() {
    const auto begin = chunks_.begin() + static_cast<std::ptrdiff_t>(taken_);
    const auto count = std::min(batch_size, chunks_.size() - taken_);
    taken_ += count;
    caf::anon_send(
        context_->cas,
        open_blobs{.trace = {}, .digests = {begin, begin + static_cast<std::ptrdiff_t>(count)}},
        reply<opened_blobs>([me = shared_from_this()](absl::StatusOr<opened_blobs> x) {
          if (!x.ok())
            return me->end(x.status());
          me->readers_ = *std::move(x);
          me->reader_ = 0;
          me->go_on();
        }));
  }

  void go_on() {
    if (!post_work(*context_, io_pool::lane::long_work,
                   [me = shared_from_this()] { me->append(); }))
      end(pool_is_full());
  }

  void append() {
    if (call_.IsCancelled())
      return end(absl::CancelledError("the client is gone"));
    buffer_.resize(piece_bytes);
    for (auto room = bytes_at_a_time; room > 0 && reader_ < readers_.size();)
      if (const auto status = append_from(readers_[reader_], room); !status.ok())
        return end(status);
    if (reader_ < readers_.size())
      return go_on();
    readers_.clear();
    if (taken_ < chunks_.size())
      open_chunks();
    else
      commit();
  }

  absl::Status append_from(const absl::StatusOr<std::shared_ptr<blob_reader>>& reader,
                           std::int64_t& room) {
    if (!reader.ok())
      return reader.status();
    const auto& id = (*reader)->id();
    const auto to = std::min(id.size_bytes(), offset_ + room);
    const auto status = read_pieces(**reader, offset_, to, buffer_, [this](std::string_view bytes) {
      return writer_->append(bytes);
    });
    room -= std::max<std::int64_t>(1, to - offset_);
    offset_ = to;
    if (offset_ == id.size_bytes()) {
      offset_ = 0;
      ++reader_;
    }
    return read_failure(*context_, id, status);
  }

  void commit() {
    commit_one(context_, *writer_, id_, [me = shared_from_this()](const absl::Status& status) {
      if (status.ok())
        me->succeed();
      else
        me->end(status);
    });
  }

  void succeed() {
    *response_.mutable_blob_digest() = id_.to_proto();
    end(absl::OkStatus());
  }

  void end(const absl::Status& status) {
    let_go(*context_, std::exchange(writer_, nullptr));
    turn_.reset(); // whoever hears the answer finds the turn free
    answer_.finish(status);
  }

  const context_ptr context_;
  const grpc::CallbackServerContext& call_;
  const digest id_;
  const std::vector<digest> chunks_;
  reapi::SpliceBlobResponse& response_;
  const unary_call answer_;
  work_turns::turn turn_;

  std::shared_ptr<blob_writer> writer_;
  std::size_t taken_ = 0; // chunks that were opened so far
  opened_blobs readers_;  // the last of these
  std::size_t reader_ = 0;
  std::int64_t offset_ = 0; // in the chunk being copied
  std::string buffer_;
};

} // namespace

void splice_blob(context_ptr context, const grpc::CallbackServerContext& call, const digest& id,
                 std::vector<digest> chunks, reapi::SpliceBlobResponse& response,
                 unary_call answer) {
  std::make_shared<blob_splice>(std::move(context), call, id, std::move(chunks), response,
                                std::move(answer))
      ->begin();
}

} // namespace expbuild
