#include "storage/backend.hpp"
#include "storage/memory_reader.hpp"
#include "storage/verified_writer.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <unordered_map>

namespace expbuild {

namespace {

/// All that it holds is packed, as far as the index is concerned: nothing is rounded up.
constexpr blob_place in_memory_place{.segment = 1, .offset = 0};

class memory_backend : public backend, public std::enable_shared_from_this<memory_backend> {
public:
  explicit memory_backend(memory_backend_options options)
      : index_({.max_bytes = options.max_bytes,
                .usual_promise = options.usual_promise,
                .grace = std::min<store_seconds>(60, options.usual_promise),
                .clock = std::move(options.clock)}) {}

  blob_index& index() override { return index_; }

  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override {
    if (id.is_empty_blob())
      return std::make_shared<memory_reader>(id, std::make_shared<const std::string>());
    index_.find(id); // it was used
    const std::lock_guard lock(guard_);
    const auto found = blobs_.find(id);
    if (found == blobs_.end())
      return absl::NotFoundError("blob " + id.to_string() + " is not stored here");
    return std::make_shared<memory_reader>(id, found->second);
  }

  blob_bytes in_memory(const digest& id) override {
    if (id.size_bytes() > remembering_options().max_blob_bytes)
      return nullptr; // it is, but who asks goes on with it at once, on a shared thread
    const std::lock_guard lock(guard_);
    const auto found = blobs_.find(id);
    return found == blobs_.end() ? nullptr : found->second;
  }

  absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) override;

  absl::Status remove(const digest& id) override {
    const std::lock_guard lock(guard_);
    blobs_.erase(id);
    index_.remove(id, in_memory_place);
    return absl::OkStatus();
  }

  absl::Status evict(std::span<const blob_index::victim> victims) override {
    for (const auto& x : victims) {
      const std::lock_guard lock(guard_);
      if (!index_.is_doomed(x.id))
        continue;
      blobs_.erase(x.id);
      index_.remove(x.id, in_memory_place);
    }
    return absl::OkStatus();
  }

  store_usage usage() override {
    constexpr auto unlimited = std::numeric_limits<std::int64_t>::max();
    return {index_.stats().packed_bytes, unlimited, unlimited};
  }

  void publish(const digest& id, std::string bytes) {
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    const std::lock_guard lock(guard_);
    blobs_.emplace(id, std::move(kept));
    index_.add(id, in_memory_place, static_cast<std::uint32_t>(id.size_bytes()));
  }

private:
  blob_index index_;
  std::mutex guard_; // taken before the index's own
  std::unordered_map<digest, blob_bytes> blobs_;
};

class memory_writer : public verified_writer {
public:
  memory_writer(const digest& id, std::shared_ptr<memory_backend> owner)
      : verified_writer(id), owner_(std::move(owner)) {}

private:
  absl::Status take(std::string_view bytes) override {
    bytes_.append(bytes);
    return absl::OkStatus();
  }
  absl::Status publish() override {
    if (!id().is_empty_blob())
      owner_->publish(id(), std::move(bytes_));
    return absl::OkStatus();
  }

  std::shared_ptr<memory_backend> owner_;
  std::string bytes_;
};

absl::StatusOr<std::unique_ptr<blob_writer>> memory_backend::begin_write(const digest& id) {
  return std::make_unique<memory_writer>(id, shared_from_this());
}

} // namespace

std::shared_ptr<backend> make_memory_backend(memory_backend_options options) {
  return std::make_shared<memory_backend>(std::move(options));
}

} // namespace expbuild
