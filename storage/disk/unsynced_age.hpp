#pragma once
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

namespace expbuild {

/// How long the oldest bytes have waited for the disk by now. What is being synced still counts.
/// Safe from any number of threads.
class unsynced_age {
public:
  using clock = std::chrono::steady_clock;

  void added() {
    const std::lock_guard lock(guard_);
    if (!waiting_)
      waiting_ = clock::now();
  }
  /// What was added before is on its way; one sync at a time.
  void sync_begins() {
    const std::lock_guard lock(guard_);
    syncing_ = std::exchange(waiting_, std::nullopt);
  }
  void sync_ended() {
    const std::lock_guard lock(guard_);
    syncing_.reset();
  }

  bool is_above(std::chrono::milliseconds limit) const {
    const std::lock_guard lock(guard_);
    const auto oldest = syncing_ ? syncing_ : waiting_;
    return oldest && clock::now() - *oldest > limit;
  }

private:
  mutable std::mutex guard_;
  std::optional<clock::time_point> waiting_;
  std::optional<clock::time_point> syncing_;
};

} // namespace expbuild
