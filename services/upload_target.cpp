#include "services/upload_target.hpp"

#include "services/unpacking_writer.hpp"

#include <algorithm>
#include <utility>

namespace expbuild {

upload_target::upload_target() = default;
upload_target::~upload_target() = default;

void upload_target::open(std::shared_ptr<blob_writer> writer, std::int64_t known) {
  writer_ = std::move(writer);
  known_ = static_cast<std::size_t>(known);
}

void upload_target::open_packed(std::shared_ptr<blob_writer> writer, const wire_blob& blob,
                                std::shared_ptr<memory_budget> memory) {
  writer_ = unpacking_ = std::make_shared<unpacking_writer>(
      std::move(writer), *blob.packed, blob.id.size_bytes(), std::move(memory));
}

void upload_target::take(std::vector<write_message> messages) {
  messages_ = std::move(messages);
  next_ = 0;
  for (const auto& message : messages_)
    for (auto piece : message.data()) {
      const auto known = std::min(known_, piece.size());
      known_ -= known;
      piece.remove_prefix(known);
      if (!piece.empty())
        pieces_.push_back(piece);
    }
}

bool upload_target::has_more() const noexcept {
  return next_ < pieces_.size() || is_unpacking();
}

bool upload_target::is_unpacking() const noexcept {
  return unpacking_ && unpacking_->has_more();
}

/// Piece by piece: each is hashed and written while it is in the processor's cache.
absl::Status upload_target::store() {
  const auto end = writer_->size() + step_bytes;
  auto status = is_unpacking() ? unpacking_->go_on() : absl::OkStatus();
  while (status.ok() && !is_unpacking() && next_ < pieces_.size() && writer_->size() < end)
    status = writer_->append(pieces_[next_++]);
  if (!has_more()) { // the client may be silent for long now
    pieces_.clear();
    messages_.clear();
  }
  return status;
}

upload_target::remains upload_target::close(bool keep) {
  const bool is_packed = std::exchange(unpacking_, nullptr) != nullptr; // the other hold on it
  auto writer = std::exchange(writer_, nullptr);
  if (keep && !is_packed && writer && writer->size() > 0)
    return {.kept = std::move(writer), .rest = nullptr};
  return {.kept = nullptr, .rest = std::move(writer)};
}

} // namespace expbuild
