#include "storage/backend.hpp"
#include "storage/memory_reader.hpp"
#include "storage/verified_writer.hpp"

#include <mutex>
#include <unordered_map>

namespace expbuild {

namespace {

class memory_backend : public backend, public std::enable_shared_from_this<memory_backend> {
public:
  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override {
    if (id.is_empty_blob())
      return std::make_shared<memory_reader>(id, std::make_shared<const std::string>());
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
    return absl::OkStatus();
  }

  absl::Status for_each(const std::function<void(const digest&)>& visit) override {
    const std::lock_guard lock(guard_);
    for (const auto& [id, bytes] : blobs_)
      visit(id);
    return absl::OkStatus();
  }

  void publish(const digest& id, std::string bytes) {
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    const std::lock_guard lock(guard_);
    blobs_.emplace(id, std::move(kept));
  }

private:
  std::mutex guard_;
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

std::shared_ptr<backend> make_memory_backend() {
  return std::make_shared<memory_backend>();
}

} // namespace expbuild
