#pragma once
#include <absl/status/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace expbuild {

/// What a store does on a thread of its own while it serves: finding out what it holds, and then
/// what is not urgent. Others can wait for how far it has come.
class store_upkeep {
public:
  enum class stage : std::uint8_t { begun, segments_known, all_known };

  store_upkeep() = default;
  ~store_upkeep() { stop(); }
  store_upkeep(const store_upkeep&) = delete;
  store_upkeep& operator=(const store_upkeep&) = delete;

  /// Calls `work` once: on a thread of that name, or (no name) before it returns.
  void start(const char* thread_name, std::function<void()> work);

  void reached(stage x);
  bool has_reached(stage x) const noexcept { return stage_ >= x; }

  /// Returns when it has come so far, or never will.
  void wait_for(stage x);

  /// `work` should end soon.
  bool is_stopping() const noexcept { return stopping_; }

  /// For `work`: false at once when it should end, else true after that time.
  bool rest(std::chrono::milliseconds time);

  /// For `work`: looks again, after a pause each time, while that fails; not for ever. The last
  /// error, or OK.
  absl::Status insist(const std::function<absl::Status()>& look, std::chrono::milliseconds pause);

  /// Returns when `work` has ended. Idempotent.
  void stop();

private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::atomic<stage> stage_{stage::begun};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace expbuild
