#include "services/blob_split.hpp"

#include "services/blob_errors.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"
#include "services/read_pieces.hpp"
#include "services/upload_board.hpp"
#include "storage/hasher.hpp"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

namespace expbuild {

namespace {

/// Chunks that are stored at once: bounds the open files, and how long one piece of work in the
/// pool takes (a dozen MiB).
constexpr std::size_t batch_size = 32;
constexpr std::size_t piece_bytes = 1 << 20;

/// What a chunk adds to the answer beside its hash: tags, lengths, its size.
constexpr std::int64_t framing_bytes = 16;

/// Reads the blob from one end to the other, batch by batch: find the next chunks, name them, store
/// those that are not there yet. Kept alive by the callback it waits for.
class blob_split : public std::enable_shared_from_this<blob_split> {
public:
  blob_split(context_ptr context, const grpc::CallbackServerContext& call, const digest& id,
             reapi::ChunkingFunction::Value preferred, reapi::SplitBlobResponse& response,
             unary_call answer)
      : context_(std::move(context)), call_(call), id_(id), function_(chunking::choose(preferred)),
        response_(response), answer_(std::move(answer)) {}

  void begin() {
    if (id_.is_empty_blob())
      return vouch_for({id_});
    const auto expected = id_.size_bytes() / context_->chunks->average_bytes(function_);
    if (expected > most_chunks())
      return too_many();
    const auto known = context_->chunks->find(id_, function_);
    vouch_for(known ? *known : std::vector<digest>{});
  }

private:
  std::int64_t most_chunks() const {
    return max_outbound_bytes
           / (2 * static_cast<std::int64_t>(hash_length(id_.function())) + framing_bytes);
  }

  /// What the protocol has for a blob without split information; clients read it whole then. (It
  /// being its own only chunk would be an answer, too, but clients refuse chunks that are larger
  /// than the function's.)
  void too_many() {
    end(absl::NotFoundError(
        "blob " + id_.to_string() + " is not split: it has more chunks than the "
        + std::to_string(most_chunks()) + " that one answer can name; read it whole"));
  }

  /// Nothing is answered that the cas actor does not say is there, and keeps for the client.
  void vouch_for(std::vector<digest> chunks) {
    chunks_ = std::move(chunks);
    find_missing ask{.trace = {}, .digests = chunks_};
    ask.digests.push_back(id_);
    caf::anon_send(
        context_->cas, std::move(ask),
        reply<missing_blobs>([me = shared_from_this()](const absl::StatusOr<missing_blobs>& x) {
          if (x.ok())
            me->vouched(x->digests);
          else
            me->end(x.status());
        }));
  }

  void vouched(const std::vector<digest>& missing) {
    if (std::find(missing.begin(), missing.end(), id_) != missing.end())
      return end(absl::NotFoundError("blob " + id_.to_string() + " is not stored here"));
    if (missing.empty() && !chunks_.empty())
      return succeed();
    if (reader_)
      return end(absl::UnavailableError("chunks of blob " + id_.to_string()
                                        + " were removed while it was split; try again"));
    if (turn_)
      return open();
    wait_for_turn();
  }

  void succeed() {
    for (const auto& chunk : chunks_)
      *response_.add_chunk_digests() = chunk.to_proto();
    response_.set_chunking_function(function_);
    if (reader_)
      context_->chunks->remember(id_, function_,
                                 std::make_shared<const std::vector<digest>>(chunks_));
    end(absl::OkStatus());
  }

  // ---- the work ----

  void wait_for_turn() {
    const auto status =
        context_->chunks->take_turn([me = shared_from_this()](work_turns::turn turn) {
          me->turn_ = std::move(turn);
          me->open();
        });
    if (!status.ok())
      end(status);
  }

  void open() {
    if (const auto known = context_->chunks->find(id_, function_); known && chunks_.empty())
      return vouch_for(*known); // another call has split it meanwhile
    auto made = context_->chunks->make(function_);
    if (!made.ok())
      return end(made.status());
    chunker_ = *std::move(made);
    chunks_.clear();
    open_one(*context_, id_,
             [me = shared_from_this()](opened_blob x) { me->opened(std::move(x)); });
  }

  void opened(absl::StatusOr<std::shared_ptr<blob_reader>> reader) {
    if (!reader.ok())
      return end(reader.status());
    reader_ = *std::move(reader);
    next_batch();
  }

  void next_batch() {
    post([](blob_split& me) { me.find_batch(); });
  }

  void find_batch() {
    if (call_.IsCancelled())
      return end(absl::CancelledError("the client is gone"));
    batch_.clear();
    buffer_.resize(piece_bytes);
    while (batch_.size() < batch_size && (next_end_ < ends_.size() || read_ < id_.size_bytes())) {
      const auto status = next_end_ < ends_.size() ? name(ends_[next_end_++]) : find_ends();
      if (!status.ok())
        return end(read_failure(*context_, id_, status));
      if (std::ssize(chunks_) > most_chunks())
        return too_many();
    }
    if (batch_.empty())
      vouch_for(std::move(chunks_));
    else
      store_batch();
  }

  /// Shows the chunker the next bytes.
  absl::Status find_ends() {
    ends_.clear();
    next_end_ = 0;
    const auto end = std::min<std::int64_t>(id_.size_bytes(), read_ + std::ssize(buffer_));
    const auto status = read_pieces(*reader_, read_, end, buffer_, [this](std::string_view bytes) {
      chunker_->feed(bytes, ends_);
      return absl::OkStatus();
    });
    read_ = end;
    if (status.ok() && read_ == id_.size_bytes())
      chunker_->finish(ends_);
    return status;
  }

  /// The next chunk ends here: what is its digest?
  absl::Status name(std::int64_t end) {
    hasher hash(id_.function());
    const auto begin = std::exchange(named_, end);
    auto status = read_pieces(*reader_, begin, end, buffer_, [&hash](std::string_view bytes) {
      hash.update(bytes);
      return absl::OkStatus();
    });
    chunks_.push_back(hash.finish());
    const auto is_same = [this](const place& x) { return x.id == chunks_.back(); };
    if (std::none_of(batch_.begin(), batch_.end(), is_same))
      batch_.push_back({chunks_.back(), begin});
    return status;
  }

  void store_batch() {
    begin_writes ask;
    for (const auto& x : batch_)
      ask.digests.push_back(x.id);
    caf::anon_send(
        context_->cas, std::move(ask),
        reply<begun_writes>([me = shared_from_this()](absl::StatusOr<begun_writes> x) {
          if (!x.ok())
            return me->end(x.status());
          me->post([writers = *std::move(x)](blob_split& split) { split.write_batch(writers); });
        }));
  }

  void write_batch(const begun_writes& writers) {
    blobs_stored stored;
    absl::Status status;
    for (std::size_t i = 0; i < batch_.size() && status.ok(); ++i) {
      status = writers[i].status();
      if (!status.ok() || !*writers[i]) // failed, or there already
        continue;
      status = write(batch_[i], **writers[i]);
      if (status.ok())
        stored.digests.push_back(batch_[i].id);
    }
    announce(std::move(stored), status);
  }

  struct place {
    digest id;
    std::int64_t begin;
  };

  absl::Status write(const place& x, blob_writer& writer) {
    auto status = read_pieces(*reader_, x.begin, x.begin + x.id.size_bytes(), buffer_,
                              [&writer](std::string_view bytes) { return writer.append(bytes); });
    if (status.ok())
      status = writer.commit();
    context_->meters->blob_written(status.ok());
    return status;
  }

  /// Also what was stored before something failed can be found.
  void announce(blobs_stored stored, const absl::Status& status) {
    auto told = [me = shared_from_this(), status,
                 ids = stored.digests](const absl::StatusOr<unit>& x) {
      for (const auto& id : ids)
        me->context_->uploads->stored(id);
      if (x.ok() && status.ok())
        me->next_batch();
      else
        me->end(read_failure(*me->context_, me->id_, status.ok() ? x.status() : status));
    };
    if (stored.digests.empty())
      return told(unit{});
    caf::anon_send(context_->cas, std::move(stored), reply<unit>(std::move(told)));
  }

  template <class Work>
  void post(Work work) {
    if (!post_work(*context_, io_pool::lane::long_work,
                   [me = shared_from_this(), work = std::move(work)] { work(*me); }))
      end(pool_is_full());
  }

  void end(const absl::Status& status) {
    context_->meters->blob_read(status.ok());
    turn_.reset(); // whoever hears the answer finds the turn free
    answer_.finish(status);
  }

  const context_ptr context_;
  const grpc::CallbackServerContext& call_;
  const digest id_;
  reapi::ChunkingFunction::Value function_;
  reapi::SplitBlobResponse& response_;
  const unary_call answer_;
  work_turns::turn turn_;

  std::shared_ptr<blob_reader> reader_;
  std::unique_ptr<chunker> chunker_;
  std::string buffer_;
  std::int64_t read_ = 0;  // the chunker has seen the bytes before this offset
  std::int64_t named_ = 0; // the chunks before this offset have their digests
  std::vector<std::int64_t> ends_;
  std::size_t next_end_ = 0;
  std::vector<digest> chunks_;
  std::vector<place> batch_;
};

} // namespace

void split_blob(context_ptr context, const grpc::CallbackServerContext& call, const digest& id,
                reapi::ChunkingFunction::Value preferred, reapi::SplitBlobResponse& response,
                unary_call answer) {
  std::make_shared<blob_split>(std::move(context), call, id, preferred, response, std::move(answer))
      ->begin();
}

} // namespace expbuild
