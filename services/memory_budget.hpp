#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

namespace expbuild {

/// Memory that clients can make us hold, all of them together. Any thread.
class memory_budget : public std::enable_shared_from_this<memory_budget> {
public:
  explicit memory_budget(std::int64_t bytes) : bytes_(bytes) {}

  /// Gives its bytes back when it goes.
  class share {
  public:
    share(std::shared_ptr<memory_budget> of, std::int64_t bytes)
        : of_(std::move(of)), bytes_(bytes) {}
    ~share() { of_->used_ -= bytes_; }
    share(const share&) = delete;
    share& operator=(const share&) = delete;

  private:
    const std::shared_ptr<memory_budget> of_;
    const std::int64_t bytes_;
  };

  /// Null when there is no room for so many.
  std::unique_ptr<share> take(std::int64_t bytes) {
    if ((used_ += bytes) <= bytes_)
      return std::make_unique<share>(shared_from_this(), bytes);
    used_ -= bytes;
    return nullptr;
  }

  std::int64_t used() const noexcept { return used_; }

private:
  const std::int64_t bytes_;
  std::atomic<std::int64_t> used_{0};
};

} // namespace expbuild
