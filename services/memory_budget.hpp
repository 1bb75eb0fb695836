#pragma once
#include <absl/status/status.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace expbuild {

/// So much memory for what clients can make us hold, all of them together. Any thread.
class memory_budget : public std::enable_shared_from_this<memory_budget> {
public:
  explicit memory_budget(std::size_t bytes) : bytes_(bytes) {}

  std::size_t used() const noexcept { return used_; }
  std::size_t left() const noexcept { return bytes_ - std::min(bytes_, used()); }

  /// What one of them holds; given back with it. One thread at a time.
  class share {
  public:
    explicit share(std::shared_ptr<memory_budget> of) : of_(std::move(of)) {}
    ~share() { of_->used_ -= bytes_; }
    share(const share&) = delete;
    share& operator=(const share&) = delete;

    /// RESOURCE_EXHAUSTED when there is not that much: whoever holds it should let go of it.
    absl::Status become(std::size_t bytes) {
      const auto used = of_->used_ += bytes - bytes_; // unsigned: also when it is less than before
      const bool grew = bytes > std::exchange(bytes_, bytes);
      if (!grew || used <= of_->bytes_)
        return absl::OkStatus();
      return absl::ResourceExhaustedError(
          "too many requests need memory at once; try again when some have ended");
    }

    /// The same for so many more, which are not taken then.
    absl::Status grow(std::size_t by) {
      auto status = become(bytes_ + by);
      if (!status.ok())
        shrink(by);
      return status;
    }
    void shrink(std::size_t by) { become(bytes_ - by).IgnoreError(); }

  private:
    const std::shared_ptr<memory_budget> of_;
    std::size_t bytes_ = 0;
  };

  /// Null when there is no room for so many.
  std::unique_ptr<share> take(std::size_t bytes) {
    auto taken = std::make_unique<share>(shared_from_this());
    return taken->become(bytes).ok() ? std::move(taken) : nullptr;
  }

private:
  const std::size_t bytes_;
  std::atomic<std::size_t> used_{0};
};

} // namespace expbuild
