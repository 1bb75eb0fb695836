#include "services/blob_pieces.hpp"

#include <algorithm>

namespace expbuild {

namespace {

absl::Status too_short(const digest& id) {
  return absl::DataLossError("blob " + id.to_string() + " ends too early");
}

/// As they are stored: what is in memory is given out at once.
class plain_pieces final : public blob_pieces {
public:
  plain_pieces(std::shared_ptr<piece_memory> memory, std::shared_ptr<blob_reader> reader,
               const blob_range& range)
      : memory_(std::move(memory)), reader_(std::move(reader)), rest_(range) {}

  bool at_end() const noexcept override { return rest_.begin == rest_.end; }

  absl::StatusOr<std::optional<grpc::Slice>> try_next() override {
    piece_ = memory_->make(static_cast<std::size_t>(rest_.end - rest_.begin));
    const auto n = reader_->try_read_at(rest_.begin, piece_->bytes());
    if (!n.ok())
      return n.status();
    if (!*n)
      return std::nullopt;
    return give(**n);
  }

  absl::StatusOr<grpc::Slice> next() override {
    const auto n = reader_->read_at(rest_.begin, piece_->bytes());
    if (!n.ok())
      return n.status();
    return give(*n);
  }

private:
  absl::StatusOr<grpc::Slice> give(std::size_t n) {
    if (n == 0)
      return too_short(rest_.blob.id);
    rest_.begin += static_cast<std::int64_t>(n);
    return piece_memory::piece::send(std::move(piece_), n);
  }

  const std::shared_ptr<piece_memory> memory_;
  const std::shared_ptr<blob_reader> reader_;
  blob_range rest_;
  std::unique_ptr<piece_memory::piece> piece_; // for `next` after a `try_next` in vain
};

/// Packed, each piece for itself: while a client takes its time, only the piece that it has not
/// taken is in memory.
class packed_pieces final : public blob_pieces {
public:
  packed_pieces(std::shared_ptr<piece_memory> memory, std::shared_ptr<blob_reader> reader,
                const blob_range& range)
      : memory_(std::move(memory)), reader_(std::move(reader)), rest_(range) {}

  bool at_end() const noexcept override { return at_end_; }

  absl::StatusOr<std::optional<grpc::Slice>> try_next() override { return std::nullopt; }

  /// Also nothing has to be packed: a stream without a byte is none.
  absl::StatusOr<grpc::Slice> next() override {
    const auto wanted = static_cast<std::size_t>(rest_.end - rest_.begin);
    const auto piece = memory_->make(std::max<std::size_t>(1, wanted));
    const auto n = wanted == 0 ? std::size_t{0} : reader_->read_at(rest_.begin, piece->bytes());
    if (!n.ok())
      return n.status();
    if (*n == 0 && wanted > 0)
      return too_short(rest_.blob.id);
    rest_.begin += static_cast<std::int64_t>(*n);
    at_end_ = rest_.begin == rest_.end;
    auto packed = compress_piece(*rest_.blob.packed, {piece->bytes().data(), *n}, at_end_);
    if (!packed.ok())
      return packed.status();
    return memory_->send(*std::move(packed));
  }

private:
  const std::shared_ptr<piece_memory> memory_;
  const std::shared_ptr<blob_reader> reader_;
  blob_range rest_;
  bool at_end_ = false;
};

} // namespace

std::unique_ptr<blob_pieces> make_blob_pieces(std::shared_ptr<piece_memory> memory,
                                              std::shared_ptr<blob_reader> reader,
                                              const blob_range& range) {
  const bool whole = range.begin == 0 && range.end == range.blob.id.size_bytes();
  if (range.blob.packed && whole)
    if (auto stored = reader->stored_stream(*range.blob.packed); stored.bytes)
      return std::make_unique<plain_pieces>(
          std::move(memory), std::move(stored.bytes),
          blob_range{.blob = range.blob, .begin = 0, .end = stored.size});
  if (range.blob.packed)
    return std::make_unique<packed_pieces>(std::move(memory), std::move(reader), range);
  return std::make_unique<plain_pieces>(std::move(memory), std::move(reader), range);
}

} // namespace expbuild
